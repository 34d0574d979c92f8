import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Measurement } from '#commands/bench/measurement.ts'
import { differenceFromBundle, replay } from '#commands/backtest/replay.ts'
import type { EvidenceBundle } from '#domain/evidence.ts'
import { builtInPolicy, PAYMENT_POLICIES } from '#domain/payment-policies.ts'
import { addSeconds } from '#domain/time.ts'
import { parseBundle } from '#domain/verification.ts'
import { root } from '#test/support/imports.ts'
import { measuredBundle } from '#test/support/measured-bundle.ts'
import { withMoreMoney } from '#test/support/tampered-bundle.ts'

const folder = mkdtempSync(join(tmpdir(), 'gridcall-backtest-policy-'))
const file = join(folder, 'evidence.json')
let text = ''
let bundle: EvidenceBundle

beforeAll(async () => {
  text = await measuredBundle(folder)
  bundle = parseBundle(text)
  writeFileSync(file, `${text}\n`)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Standard output of the command. @throws Error with `code` and `stderr` otherwise */
async function backtest(...args: string[]): Promise<string> {
  const cli = join(root, 'orchestrator', 'cli.ts')
  const asked = [cli, 'backtest', 'policy', ...args]
  return (await promisify(execFile)(process.execPath, asked, { timeout: 60_000 })).stdout
}

function policy(name: string) {
  const found = builtInPolicy(name)
  if (found === null) throw new Error(`no policy ${name}`)
  return found
}

describe('what is not a measured call, or not a policy', () => {
  test('no bundle, and something that is none, are refused', async () => {
    await expect(backtest()).rejects.toThrow(/file: expected an evidence bundle, or --call ID/)
    const other = join(folder, 'other.json')
    writeFileSync(other, '{"format":"other"}')
    await expect(backtest(other)).rejects.toThrow(/expected a gridcall-evidence bundle/)
  })

  test('a bundle in which somebody was given more is refused by its line', async () => {
    const forged = join(folder, 'forged.json')
    const { text: more, line } = withMoreMoney(bundle)
    writeFileSync(forged, more)
    await expect(backtest(forged)).rejects.toThrow(`line ${line.resourceId}`)
  })

  test('a policy without a name, and a file with a curve that falls, are refused', async () => {
    await expect(backtest(file, '--policy', 'generous')).rejects.toThrow(
      /--policy: expected a .json file or one of uftp/,
    )
    const falling = join(folder, 'falling.json')
    const curve = [
      { deliveredBp: 0, payBp: 10_000 },
      { deliveredBp: 10_000, payBp: 0 },
    ]
    writeFileSync(falling, JSON.stringify({ paymentCurve: curve }))
    await expect(backtest(file, '--policy', falling)).rejects.toThrow(/paymentCurve\[1\]/)
    writeFileSync(falling, JSON.stringify({ paymentPolicy: { name: 'half' } }))
    await expect(backtest(file, '--policy', falling)).rejects.toThrow(/paymentPolicy/)
  })

  test('a stored call without a key is refused', async () => {
    await expect(backtest('--call', 'call-1')).rejects.toThrow(/GRIDCALL_API_KEY or --key/)
  })
})

describe('a measured call under other policies', () => {
  test('its own policy pays what the bundle says, to the micro-EUR', () => {
    expect(differenceFromBundle(bundle)).toBe(0n)
    const again = replay(bundle.terms.program.paymentPolicy, [bundle])
    const { settlement } = bundle
    expect(again.earned).toBe(
      settlement.lines.reduce((sum, { gross, held }) => sum + gross + held, 0n),
    )
    expect(again.locked).toBe(bundle.escrow.terms.amount)
    for (const { resourceId, gross, held } of settlement.lines) {
      expect(again.lines.get(resourceId)).toBe(gross + held)
    }
  })

  test('every policy keeps to what would have been locked, and its lines sum up', () => {
    for (const one of PAYMENT_POLICIES) {
      const { earned, fee, locked, lines, held } = replay(one, [bundle])
      expect(earned + fee, one.name).toBeLessThanOrEqual(locked)
      expect(
        [...lines.values()].reduce((sum, wh) => sum + wh, 0n),
        one.name,
      ).toBe(earned)
      expect(held, one.name).toBeLessThanOrEqual(earned)
    }
  })

  test('a provisional policy holds the rest back, a threshold pays in full or nothing', () => {
    const provisional = replay(policy('provisional-70'), [bundle])
    expect(provisional.held).toBeGreaterThan(0n)
    const share = Number(provisional.held) / Number(provisional.earned)
    expect(share).toBeCloseTo(0.3, 3)
    const full = replay(policy('nged-su-example'), [bundle])
    expect([0n, full.earned]).toContain(replay(policy('sthlmflex-like'), [bundle]).earned)
    expect(replay(policy('dead-band'), [bundle]).earned).toBeLessThan(full.earned)
  })

  test('a reservation by the month stands apart from what the call itself earns', () => {
    const { reservation } = replay(policy('dlrp-like'), [bundle])
    expect(reservation).toBeGreaterThan(0n)
    expect(replay(policy('uftp'), [bundle]).reservation).toBe(0n)
  })

  test('what was lost against the baseline is made up by the month’s later calls', () => {
    const worse: EvidenceBundle = {
      ...bundle,
      deliveries: bundle.deliveries.map((one) => ({ ...one, deliveredWh: -one.deliveredWh })),
    }
    const later: EvidenceBundle = {
      ...bundle,
      terms: {
        ...bundle.terms,
        request: {
          ...bundle.terms.request,
          window: {
            start: addSeconds(bundle.terms.request.window.start, 86_400),
            end: addSeconds(bundle.terms.request.window.end, 86_400),
          },
        },
      },
    }
    const monthly = replay(policy('monthly-net'), [later, worse])
    expect(monthly.earned).toBe(0n)
    expect(replay(policy('nged-su-example'), [later, worse]).earned).toBeGreaterThan(0n)
  })
})

describe('the command', () => {
  test('prints one JSON object with what each policy costs and pays, and draws it', async () => {
    const svg = join(folder, 'policies.svg')
    const output = await backtest(file, '--json', '--svg', svg)
    expect(output.trimEnd().split('\n')).toHaveLength(1)
    const { bench, results } = JSON.parse(output) as { bench: string; results: Measurement[] }
    expect(bench).toBe('backtest policy')
    const value = (measure: string) => results.find((one) => one.measure === measure)
    const own = value(`as ordered (${bundle.terms.program.paymentPolicy.name}): cost`)
    expect(own?.value).toBe(Number(bundle.settlement.payout + bundle.settlement.fee))
    expect(own?.ratio).toBe(1)
    for (const { name } of PAYMENT_POLICIES) expect(value(`${name}: cost`), name).toBeDefined()
    expect(value('uftp: earned by charger')?.unit).toBe('micro-EUR')
    expect(results.at(-1)).toMatchObject({ value: 0, bar: 0, ok: true })
    expect(readFileSync(svg, 'utf8')).toContain('>switch-like</text>')
  })

  test('reads a stored call out of a service with the key of its DSO', async () => {
    const asked: (string | undefined)[] = []
    const service = createServer((request, answer) => {
      asked.push(`${request.url} ${request.headers.authorization}`)
      answer.statusCode = request.url?.includes('call-1') === true ? 200 : 404
      answer.end(answer.statusCode === 200 ? text : 'no such call')
    }).listen(0, '127.0.0.1')
    await once(service, 'listening')
    try {
      const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
      const told = ['--url', url, '--key', 'key', '--policy', 'uftp']
      const table = await backtest('--call', 'call-1', ...told)
      expect(asked).toEqual(['/v1/flexibility-calls/call-1/evidence Bearer key'])
      expect(table).toMatch(/^as ordered \(.*\)[^\n]* 1\.00 /m)
      expect(table).toMatch(/^uftp /m)
      expect(table).toContain('their own policy replayed pays what the bundles say')
      await expect(backtest('--call', 'call-2', ...told)).rejects.toThrow(/--call: .*404 no such/)
    } finally {
      service.close()
    }
  })
})
