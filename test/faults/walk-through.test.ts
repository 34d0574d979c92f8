import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyEd25519 } from '#adapters/local-keys/keystore.ts'
import { checkMeterSignature } from '#adapters/ocmf/signature.ts'
import { verifyReceipt } from '#domain/receipt.ts'
import { parseBundle, verifyBundle } from '#domain/verification.ts'
import { removeServers } from '#supervisor.ts'
import { isRunning } from '../support/demo-run.ts'
import { lastWords, type Ran, shellBlocks, type Walk, walk } from '../support/walk-through.ts'
import { wallTimer } from '../support/wall-timer.ts'

const checks = { gateway: verifyEd25519, meter: checkMeterSignature }

const root = resolve(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'walk-through.md'), 'utf8')
const blocks = shellBlocks(page)

/** What a stranger is promised, from `npm start` to the money, and again after the restart. */
const PASS_SECONDS = 180

describe('a walk whose command fails', () => {
  test('ends there, and tells in which block and what was said', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gridcall-walk-'))
    const failing = shellBlocks('# First\n```sh\necho one\n```\n## Then\n```sh\nls /no/such\n```\n')
    const after = { section: 'Never', text: 'echo never' }
    const { exitCode, blocks: ran } = await walk([...failing, after], {
      folder,
      deadlineMs: 10_000,
    })
    expect(exitCode).not.toBe(0)
    expect(ran).toMatchObject([
      { section: 'First', output: 'one\n', isDone: true },
      { section: 'Then', output: expect.stringContaining('/no/such'), isDone: false },
    ])
    rmSync(folder, { recursive: true })
  })
})

describe('the walk-through', () => {
  let folder: string
  /** The folder that the page itself makes. */
  let walked: string
  let result: Walk

  const read = (name: string) => readFileSync(join(walked, name), 'utf8')
  const said = (part: readonly Ran[]) => part.map(({ output }) => output).join('\n')
  const firstPass = () => result.blocks.filter(({ section }) => /^[1-7]\./.test(section))
  const secondPass = () => result.blocks.filter(({ section }) => section.startsWith('8.'))

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gridcall-walk-'))
    result = await walk(blocks, { folder, deadlineMs: 2.4 * PASS_SECONDS * 1000 })
    const made = readdirSync(folder).find((name) => existsSync(join(folder, name, 'service.log')))
    walked = join(folder, made ?? 'nothing')
  }, 500_000)
  afterAll(async () => {
    await removeServers(join(walked, 'data'), wallTimer)
    rmSync(folder, { recursive: true, force: true })
  })

  test('is what README points to, and every file it points to is there', () => {
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain('(docs/walk-through.md)')
    const links = [...page.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => link ?? '')
    const inCode = [...page.matchAll(/`(adapters\/[\w/.-]+)`/g)].map(([, file]) => `../${file}`)
    expect(links.length).toBeGreaterThan(0)
    for (const link of [...links, ...inCode]) {
      expect(existsSync(join(root, 'docs', link)), link).toBe(true)
    }
  })

  test('runs to its end as it stands there, in at most three minutes, twice', () => {
    const logs = ['service', 'charger', 'battery'].map((name) => join(walked, `${name}.log`))
    expect(result.exitCode, lastWords(result, logs)).toBe(0)
    expect(result.blocks.filter(({ isDone }) => isDone)).toHaveLength(blocks.length)
    const seconds = (part: readonly Ran[]) => part.reduce((sum, block) => sum + block.seconds, 0)
    expect(seconds(firstPass())).toBeLessThan(PASS_SECONDS)
    expect(seconds(secondPass())).toBeLessThan(PASS_SECONDS)
  })

  test('shows one call for two posts, and refuses evidence with a changed reading', () => {
    const text = read('evidence.json').trimEnd()
    const { callId } = parseBundle(text).terms
    const posted = result.blocks.find(({ text: block }) =>
      block.includes('call-1 "$REQUEST" | pick'),
    )
    expect(posted?.output.trim()).toBe(callId)
    expect(verifyBundle(text, checks)).toEqual([])
    const changed = verifyBundle(read('changed.json').trimEnd(), checks)
    expect(changed[0]?.line).toMatch(/^reading charger-anna /)
    const { output } = result.blocks.find(({ text: block }) => block.includes('verify')) as Ran
    expect(output).toMatch(/nothing differs\n[^]*differs: reading charger-anna [^]*refused, as it/)
  })

  test('gives the owner a receipt whose root the pool holds, and refuses it with a digit more', () => {
    const receipt = read('receipt.json').trimEnd()
    expect(verifyReceipt(receipt)).toEqual([])
    expect(verifyReceipt(read('more.json').trimEnd()).length).toBeGreaterThan(0)
    const { output } = result.blocks.find(({ text: block }) => block.includes('--receipt')) as Ran
    expect(output).toMatch(
      /nothing differs; [^]*the pool holds this root\n[^]*refused, as it should/,
    )
  })

  test('has charger and battery deliver, and pays both owners what the escrow gives', () => {
    const { settlement, escrow } = parseBundle(read('evidence.json'))
    const lines = settlement.lines.map(({ resourceId, reason }) => ({ resourceId, reason }))
    expect(lines).toEqual([
      { resourceId: 'battery-bert', reason: 'paid' },
      { resourceId: 'charger-anna', reason: 'paid' },
    ])
    expect(settlement.deliveredWh).toBeGreaterThan(0.8 * settlement.orderedWh)
    const { payout, fee, refund } = settlement
    expect(payout + fee + refund).toBe(escrow.terms.amount)
    const shown = said(firstPass())
    expect(shown).toContain(`"fundedMinor": "${escrow.terms.amount}"`)
    expect(shown).toContain(`"paidMinor": "${payout}"`)
    for (const { ownerAmount } of settlement.lines) {
      expect(shown).toContain(`"amountMinor": "${ownerAmount}"`)
    }
    expect(shown.match(/EUR was paid, after the aggregator's share/g)).toHaveLength(2)
  })

  test('goes on after the restart: same keys, same owners, a second payout, all books agree', () => {
    const shown = said(secondPass())
    expect(shown).toContain('paid in payout epoch 2')
    expect(shown.match(/EUR was paid, after the aggregator's share/g)).toHaveLength(2)
    const reconciled = said(result.blocks).match(/"reconciled": true,\s+"differences": \[\]/g)
    expect(reconciled).toHaveLength(2)
  })

  test('lets every device go after each window, and leaves no process behind', () => {
    for (const machine of ['charger', 'battery']) {
      const log = read(`${machine}.log`)
      expect(log.match(/ setpoint /g)?.length, machine).toBeGreaterThanOrEqual(2)
      expect(log.match(/ default$/gm)?.length, machine).toBeGreaterThanOrEqual(2)
    }
    const started = [...read('service.log').matchAll(/^(\S+) runs as process (\d+)$/gm)]
    expect(started.map(([, role]) => role)).toEqual(
      expect.arrayContaining(['all', 'postgres', 'verifier-1', 'agent']),
    )
    expect(read('service.log')).toMatch(/^No chain is configured: /m)
    const alive = started.filter(([, , pid]) => isRunning(Number(pid)))
    expect(alive.map(([line]) => line)).toEqual([])
  })
})
