import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { bundleText, type EvidenceBundle } from '#domain/evidence.ts'
import { parseBundle } from '#domain/verification.ts'
import { bundledScenario } from '#simulations/scenarios/bundled.ts'
import {
  DEMO_MS,
  type DemoJson,
  type DemoRun,
  type EscrowJson,
  gridcall,
  readFleetLog,
  startDemo,
} from './support/demo-run.ts'
import { resigned, withMoreMoney, withOtherReadings } from './support/tampered-bundle.ts'

vi.setConfig({ testTimeout: 120_000 })

const SEED = 7
const DISOBEY = 3

/** One whole demo: real sockets, real protocol stacks, a real database, a real EVM. */
let run: DemoRun
let code: number | null
let json: DemoJson
let bundle: EvidenceBundle
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gridcall-demo-'))
  run = startDemo('--once', '--disobey', String(DISOBEY), '--seed', String(SEED))
  json = await run.json()
  code = await run.ended()
  bundle = parseBundle(readFileSync(json.evidence.file, 'utf8').trimEnd())
}, DEMO_MS)

afterAll(async () => {
  await run?.stop()
  rmSync(folder, { recursive: true, force: true })
}, DEMO_MS)

const sum = (amounts: readonly string[]) => amounts.reduce((all, one) => all + BigInt(one), 0n)
const parts = (escrow: EscrowJson) =>
  sum([escrow.paidMinor, escrow.feeMinor, escrow.refundMinor, escrow.heldMinor])

describe('the demo', () => {
  test('ends in paid with exit code 0, every check held, and no process left', () => {
    expect(run.lines.filter((line) => line.startsWith('does not hold'))).toEqual([])
    expect(json.state).toBe('paid')
    expect(code).toBe(0)
    expect(run.left()).toEqual([])
    expect(run.pidOf('all')).toBeGreaterThan(0)
    expect(run.pidOf('fleet')).toBeGreaterThan(0)
  })

  test('prints one JSON object with every field that is promised', () => {
    expect(json).toMatchObject(PROMISED)
    for (const field of ['openTx', 'proposeTx', 'finalizeTx', 'epochTx', 'activateTx', 'payTx']) {
      expect(json.chain[field], field).toMatch(/^0x[0-9a-f]{64}$/)
    }
    expect(json.chain.withdrawTxs.length).toBeGreaterThan(0)
    expect(json).toMatchObject({ seed: SEED, input: null, rail: 'evm' })
    expect(json.chain.refundTx).toBeNull()
  })

  test('splits every escrow exactly, into owners, aggregators, fee and refund', () => {
    const { escrow, owners, aggregators, otherCalls } = json
    if (!escrow) throw new Error('a paid call has an escrow')
    expect(parts(escrow)).toBe(BigInt(escrow.fundedMinor))
    expect(sum([...owners, ...aggregators].map(({ minor }) => minor))).toBe(
      BigInt(escrow.paidMinor),
    )
    expect(BigInt(escrow.feeMinor)).toBe((BigInt(escrow.paidMinor) * 200n) / 10_000n)
    for (const other of otherCalls) {
      expect(other.state).toBe('paid')
      expect(other.escrow && parts(other.escrow)).toBe(BigInt(other.escrow?.fundedMinor ?? -1))
    }
    expect(json).toMatchObject({ reconciled: true, differences: [] })
  })

  test('has chargers and batteries deliver, and nobody leave short', () => {
    expect(json.delivered.ocppWh).toBeGreaterThan(0)
    expect(json.delivered.opcuaWh).toBeGreaterThan(0)
    expect(json.delivered.ocppWh + json.delivered.opcuaWh).toBe(json.deliveredWh)
    expect(json).toMatchObject({ driversShort: 0, backAtDefault: true })
    expect(json.devices).toMatchObject({ ocpp16: 12, ocpp201: 12, opcua: 6 })
  })
})

describe('after the window', () => {
  test('devices come back in steps under the room, and the meters say so beside the plan', () => {
    const { rebound } = json
    expect(rebound?.resources).toBeGreaterThan(2)
    expect(rebound?.planned.overshootW).toBe(0)
    expect(rebound?.measured).toMatchObject({ overshootW: 0 })
    expect(rebound?.measured?.peakW).toBeGreaterThan(0)
    expect(rebound?.measured?.peakW).toBeLessThanOrEqual(rebound?.planned.peakW ?? 0)
    const plannedW = new Set(rebound?.periods.map(({ powerW }) => powerW))
    expect(plannedW.size).toBeGreaterThan(2)
    expect(readFileSync(json.picture ?? '', 'utf8')).toContain('those that come back')
  })
})

describe('who says yes and does nothing', () => {
  test('is exactly whom the fleet’s own log names, found by the second whole reading', () => {
    const disobeyed = readFleetLog(json.fleetLog).filter(({ kind }) => kind === 'disobeys')
    expect(disobeyed).toHaveLength(DISOBEY)
    expect(json.repairs.map(({ resource }) => resource).sort()).toEqual(
      disobeyed.map(({ ref }) => ref).sort(),
    )
    expect(json.devices.disobeyed).toBe(DISOBEY)
    const intervalMs = json.meteringIntervalS * 1000
    for (const { startedAt, detectedAt } of json.repairs) {
      // A reading tells of the interval before its stamp.
      const wholeFrom = Math.ceil(Date.parse(startedAt) / intervalMs) * intervalMs
      expect(Date.parse(detectedAt)).toBe(wholeFrom + 2 * intervalMs)
    }
  })

  test('is replaced inside the window, told to the DSO at once, and paid nothing', () => {
    expect(json.devices.replacements).toBeGreaterThan(0)
    for (const { resource, replacedBy } of json.repairs) {
      expect(replacedBy.length).toBeGreaterThan(0)
      const told = json.notices.filter(({ message }) => message.startsWith(`${resource} `))
      expect(told.map(({ kind }) => kind)).toContain('resource-not-obeying')
      const line = bundle.settlement.lines.find(({ resourceId }) => resourceId === resource)
      expect(line).toMatchObject({ gross: 0n, ownerAmount: 0n, reason: 'not-obeying' })
    }
  })
})

describe('why', () => {
  const enrolled = () => {
    const { sites, devices, calls } = bundledScenario(SEED)
    const near = sites.filter((site) => site.congestionPoint === calls.main.congestionPoint)
    return devices.filter(({ site }) => near.some(({ ref }) => ref === site)).map(({ ref }) => ref)
  }

  test('is said of every enrolled device in every call, once', () => {
    for (const { decisions } of [json, ...json.otherCalls]) {
      expect(decisions.map(({ resourceId }) => resourceId)).toEqual(enrolled().sort())
      for (const { sentence, toOwner } of decisions) {
        expect(sentence).toMatch(/\.$/)
        expect(toOwner?.sentence).toMatch(/\byour (device|car|charger)\b.*\.$/i)
      }
    }
  })

  test('fits what the devices did', () => {
    const having = (...outcomes: string[]) =>
      json.decisions.filter(({ outcome }) => outcomes.includes(outcome))
    const names = (list: readonly { resourceId: string }[]) =>
      list.map(({ resourceId }) => resourceId).sort()
    const failed = json.repairs.map(({ resource }) => resource).sort()
    expect(names(having('released'))).toEqual(failed)
    for (const { code } of having('released')) expect(code).toBe('released-not-obeying')
    const part = json.allocations.filter(({ resourceId }) => !failed.includes(resourceId))
    expect(names(having('selected', 'cut', 'stands-in'))).toEqual(names(part))
    const standIns = part.filter(({ role }) => role === 'repair')
    expect(names(having('stands-in'))).toEqual(names(standIns))
  })
})

test('the demo draws its call: requested, ordered, baseline, measured, repaired', () => {
  const drawn = readFileSync(json.picture ?? '', 'utf8')
  for (const line of ['baseline', 'requested', 'ordered', 'measured']) {
    expect(drawn).toContain(`class="series series-${line}"`)
  }
  expect(drawn).toContain('>repaired</text>')
  expect(drawn).not.toContain('NaN')
})

describe('what is promised once', () => {
  test('two overlapping calls share no resource in the same period', () => {
    const [other] = json.otherCalls
    const overlapping = bundledScenario(SEED).calls.overlapping
    const starts = new Set(overlapping?.periods.map(({ start }) => Date.parse(start)))
    const main = json.allocations
      .filter(({ periods }) => periods.some(({ start }) => starts.has(Date.parse(start))))
      .map(({ resourceId }) => resourceId)
    expect(main.length).toBeGreaterThan(0)
    expect(other?.resources.length).toBeGreaterThan(0)
    expect(other?.resources.filter((resource) => main.includes(resource))).toEqual([])
  })

  test('no device at the other congestion point was told anything', () => {
    const { sites, devices, calls } = bundledScenario(SEED)
    const called = sites.filter((site) => site.congestionPoint === calls.main.congestionPoint)
    const near = devices.filter(({ site }) => called.some(({ ref }) => ref === site))
    const lines = readFleetLog(json.fleetLog)
    const isOrder = ({ kind, action }: (typeof lines)[number]) =>
      kind === 'setpoint' || action === 'SetActivePower'
    const first = lines.find(isOrder)?.at ?? ''
    // A charger that is set up is asked what holds; from the first order on, only who has one is.
    const told = lines.filter(
      (line) => isOrder(line) || (line.action === 'GetCompositeSchedule' && line.at >= first),
    )
    const strangers = told.filter(({ ref }) => !near.some((device) => device.ref === ref))
    expect(devices.length).toBeGreaterThan(near.length)
    expect(told.length).toBeGreaterThan(0)
    expect(strangers).toEqual([])
    const ordered = [
      ...json.allocations.map(({ resourceId }) => resourceId),
      ...json.otherCalls.flatMap(({ resources }) => resources),
    ]
    expect(new Set(told.map(({ ref }) => ref))).toEqual(new Set(ordered))
  })

  test('keys are in seven different hands, three of them verifiers’ processes', () => {
    const { payer, relayer, verifiers, agent, wallet } = json.parties
    const all = [payer, relayer, ...verifiers, agent, wallet].map((party) => party.toLowerCase())
    expect(new Set(all).size).toBe(7)
    const pids = ['verifier-1', 'verifier-2', 'verifier-3'].map((role) => run.pidOf(role))
    expect(new Set(pids).size).toBe(3)
    expect(new Set(json.attestations.verifierPids)).toEqual(new Set(pids))
    expect(json.attestations.signed).toBeGreaterThanOrEqual(json.attestations.required)
  })
})

describe('gridcall verify', () => {
  const verify = (text: string) => {
    const file = join(folder, 'forged.json')
    writeFileSync(file, `${text}\n`)
    return gridcall(['verify', file])
  }

  test('recomputes the demo’s bundle to the same root and amounts', async () => {
    const { code: exit, stdout } = await gridcall(['verify', json.evidence.file])
    expect(stdout).toContain(`call ${json.callId}\nroot ${json.evidence.root}\n`)
    const { fundedMinor, paidMinor, feeMinor, refundMinor } = json.escrow ?? {}
    expect(stdout).toContain(
      `escrow ${fundedMinor} = paid ${paidMinor} + fee ${feeMinor} + refund ${refundMinor}\n` +
        'nothing differs\n',
    )
    expect(exit).toBe(0)
  })

  test('refuses another amount, naming the line and the amount that is expected', async () => {
    const { text, line } = withMoreMoney(bundle)
    const { code: exit, stdout } = await verify(text)
    expect(exit).toBe(1)
    const [first] = stdout.split('\n').filter((out) => out.startsWith('differs'))
    expect(first).toMatch(new RegExp(`^differs: line ${line.resourceId}: expected .+, got .+$`))
    expect(first?.split(', got ')[0]).toContain(`"gross":"${line.gross}"`)
  })

  test('refuses another reading, because the gateway’s signature fails', async () => {
    const { text, resourceId } = withOtherReadings(bundle)
    const { code: exit, stdout } = await verify(text)
    expect(exit).toBe(1)
    const differing = stdout.split('\n').filter((out) => out.startsWith('differs'))
    const key = bundle.terms.gatewayKeys[0]?.publicKey
    expect(differing.length).toBeGreaterThan(0)
    for (const out of differing) {
      expect(out).toMatch(new RegExp(`^differs: reading ${resourceId} `))
      expect(out).toContain(`expected a signature by ${key}`)
    }
  })

  test('refuses readings signed anew, and terms with another gateway’s key', async () => {
    const forged = withOtherReadings(bundle).bundle
    const readings = await verify(bundleText(resigned(forged, 'readings')))
    expect(readings.stdout).toContain(`expected a signature by`)
    expect(readings.code).toBe(1)
    const terms = await verify(bundleText(resigned(forged, 'readings and terms')))
    expect(terms.stdout).toContain('differs: terms hash: expected ')
    expect(terms.code).toBe(1)
  })
})

const money = expect.stringMatching(/^\d+$/) as string
const address = expect.stringMatching(/^0x[0-9a-fA-F]{40}$/) as string
const number = expect.any(Number) as number
const text = expect.any(String) as string
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/) as string
const some = (one: object) => expect.arrayContaining([expect.objectContaining(one)]) as object[]

const PROMISED = {
  callId: text,
  state: text,
  seed: number,
  requestedWh: number,
  orderedWh: number,
  deliveredWh: number,
  deficientWh: number,
  periods: some({
    start: time,
    requestedW: number,
    orderedW: number,
    baselineW: number,
    measuredW: number,
    deliveredW: number,
  }),
  devices: {
    ocpp16: number,
    ocpp201: number,
    opcua: number,
    dispatched: number,
    disobeyed: number,
    replacements: number,
  },
  delivered: { ocppWh: number, opcuaWh: number },
  meteringIntervalS: number,
  fleetLog: text,
  otherCalls: some({ callId: text, state: text, escrow: expect.anything() as object }),
  repairs: some({
    resource: text,
    orderedW: number,
    observedW: number,
    startedAt: time,
    detectedAt: time,
    replacedBy: expect.any(Array) as string[],
    restoredAt: expect.toSatisfy((at) => at === null || typeof at === 'string') as string,
  }),
  notices: expect.any(Array) as object[],
  decisions: some({ resourceId: text, outcome: text, code: text, at: time, sentence: text }),
  driversShort: number,
  backAtDefault: expect.any(Boolean) as boolean,
  escrow: {
    fundedMinor: money,
    paidMinor: money,
    feeMinor: money,
    refundMinor: money,
    heldMinor: money,
    currency: 'EUR',
    minorPerUnit: 1_000_000,
  },
  attestations: { required: 2, signed: number, verifierPids: [number, number, number] },
  parties: {
    payer: address,
    relayer: address,
    verifiers: [address, address, address],
    agent: address,
    wallet: address,
  },
  chain: { chainId: number, pool: address },
  reconciled: expect.any(Boolean) as boolean,
  differences: expect.any(Array) as string[],
  owners: some({ owner: text, wh: number, minor: money, receipt: expect.anything() as object }),
  aggregators: some({ aggregator: text, minor: money }),
  evidence: { file: text, root: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string },
  peakPssMb: process.platform === 'linux' ? number : null,
  seconds: { install: number, boot: number, call: number, total: number },
}
