import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { rankDevices } from '#simulations/faults.ts'
import type { LogLine } from '#simulations/fleet-log.ts'
import type { FromFleet } from '#simulations/fleet-messages.ts'
import { type FleetProcess, forkFleet } from '#simulations/fleet-process.ts'
import { bundledScenario } from '#simulations/scenarios/bundled.ts'
import type { ScenarioCharger } from '#simulations/scenarios/scenario.ts'
import { Csms, until } from './devices/csms.ts'
import { call, type ClientPki, clientPki, connectTo } from './devices/opcua-client.ts'

const RUN = fileURLToPath(import.meta.resolve('#simulations/run.ts'))
const SPEED = 60
const scenario = bundledScenario(7)
const chargers = scenario.devices.filter((one): one is ScenarioCharger => one.kind === 'charger')
const batteries = scenario.devices.filter(({ kind }) => kind === 'battery')

let folder: string
let client: ClientPki
let csms: Csms
let messages: FromFleet[]
let stops: (() => Promise<void>)[]

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gridcall-test-fleet-'))
  client = await clientPki(folder, 'gateway')
  writeFileSync(path.join(folder, 'scenario.json'), JSON.stringify(scenario))
  const few = { ...scenario, devices: [...chargers.slice(0, 6), ...batteries.slice(0, 2)] }
  writeFileSync(path.join(folder, 'few.json'), JSON.stringify(few))
})

afterAll(async () => {
  await client.manager.dispose()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  csms = new Csms()
  messages = []
  stops = []
  await csms.start()
})

afterEach(async () => {
  for (const stop of stops) await stop()
  await csms.stop()
  expect(csms.deviations).toEqual([])
})

/** Of a few devices, one of each kind and version at least, where it matters how it ends. */
function start(...args: string[]): ChildProcess {
  const temporary = path.join(folder, 'tmp')
  rmSync(temporary, { recursive: true, force: true })
  mkdirSync(temporary)
  const all = [path.join(folder, 'few.json'), '--log', path.join(folder, 'fleet.jsonl'), ...args]
  const env = { ...process.env, TMPDIR: temporary }
  const child = fork(RUN, all, { env, stdio: ['ignore', 'inherit', 'pipe', 'ipc'] })
  child.on('message', (message: FromFleet) => messages.push(message))
  stops.push(async () => void child.kill('SIGKILL'))
  return child
}

async function heard<T extends FromFleet['type']>(
  type: T,
): Promise<Extract<FromFleet, { type: T }>> {
  const find = () => messages.find((message) => message.type === type)
  await until(`the fleet says ${type}`, () => find() !== undefined, 15_000)
  return find() as Extract<FromFleet, { type: T }>
}

async function ended(fleet: ChildProcess): Promise<number | null> {
  if (fleet.exitCode === null) await once(fleet, 'exit')
  expect(readdirSync(path.join(folder, 'tmp'))).toEqual([])
  return fleet.exitCode
}

function log(): LogLine[] {
  const lines = readFileSync(path.join(folder, 'fleet.jsonl'), 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line) as LogLine)
}

async function connect(played: FleetProcess): Promise<void> {
  const stations = chargers.map(({ ref }, index) => {
    const password = String(index).padStart(40, '0')
    csms.passwords.set(ref, password)
    return { ref, url: csms.url(ref), password }
  })
  await played.connect(stations, client.pem)
  await Promise.all(chargers.map(({ ref, version }) => configure(ref, version)))
}

async function configure(ref: string, version: ScenarioCharger['version']): Promise<void> {
  if (version === '1.6') {
    await csms.call(ref, 'ChangeConfiguration', { key: 'ClockAlignedDataInterval', value: '30' })
    const value = 'Power.Active.Import,Energy.Active.Import.Register'
    await csms.call(ref, 'ChangeConfiguration', { key: 'MeterValuesAlignedData', value })
    return
  }
  const component = { name: 'AlignedDataCtrlr' }
  const variable = (name: string, attributeValue: string) => ({
    component,
    variable: { name },
    attributeValue,
  })
  const values = [
    variable('Interval', '30'),
    variable('Measurands', 'Power.Active.Import,Energy.Active.Import.Register'),
  ]
  await csms.call(ref, 'SetVariables', { setVariableData: values })
}

function transactionOf(ref: string, version: ScenarioCharger['version']): number | string {
  if (version === '1.6') {
    const data = String(csms.of(ref, 'DataTransfer')[0]?.data)
    return (JSON.parse(data) as { transactionId: number }).transactionId
  }
  const [started] = csms.of(ref, 'TransactionEvent') as {
    transactionInfo: { transactionId: string }
  }[]
  return started?.transactionInfo.transactionId ?? ''
}

/** A pause from now on, for some business seconds. */
async function pause({ ref, version, rateUnit }: ScenarioCharger, now: number, seconds: number) {
  const schedule = {
    startSchedule: new Date(now - 60_000).toISOString(),
    duration: seconds + 60,
    chargingRateUnit: rateUnit,
    chargingSchedulePeriod: [{ startPeriod: 0, limit: 0 }],
  }
  const profile = {
    transactionId: transactionOf(ref, version),
    stackLevel: 1,
    chargingProfilePurpose: 'TxProfile',
    chargingProfileKind: 'Absolute',
  }
  const payload =
    version === '1.6'
      ? {
          connectorId: 1,
          csChargingProfiles: { ...profile, chargingProfileId: 9, chargingSchedule: schedule },
        }
      : {
          evseId: 1,
          chargingProfile: { ...profile, id: 9, chargingSchedule: [{ id: 1, ...schedule }] },
        }
  expect(await csms.call(ref, 'SetChargingProfile', payload)).toMatchObject({ status: 'Accepted' })
}

function lastPowerW(ref: string): number {
  const values = [...csms.of(ref, 'MeterValues'), ...csms.of(ref, 'TransactionEvent')]
    .flatMap(
      (payload) => (payload.meterValue ?? []) as { timestamp: string; sampledValue: object[] }[],
    )
    .sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1))
  const sampled = values.at(-1)?.sampledValue as { measurand: string; value: string | number }[]
  return Number(sampled.find(({ measurand }) => measurand === 'Power.Active.Import')?.value)
}

test('a wrong option is named and ends the process', async () => {
  const fleet = start('--disobey', 'many')
  expect((await heard('failed')).message).toContain('--disobey: expected a whole number')
  expect(await ended(fleet)).toBe(1)
})

test('whoever forked it hears why it failed', async () => {
  const scenarioFile = path.join(folder, 'nowhere.json')
  const played = forkFleet({ scenarioFile, logFile: path.join(folder, 'fleet.jsonl') })
  stops.push(() => played.stop())
  await expect(played.ready()).rejects.toThrow(/the fleet failed: .*nowhere\.json/)
  await expect(played.report()).rejects.toThrow('the fleet failed')
})

test('it goes on SIGTERM and leaves nothing', async () => {
  const fleet = start()
  await heard('ready')
  fleet.kill('SIGTERM')
  expect(await ended(fleet)).toBe(0)
})

test('it goes when its parent goes and leaves nothing', async () => {
  const fleet = start()
  await heard('ready')
  fleet.disconnect()
  expect(await ended(fleet)).toBe(0)
})

test('a dispatch: obeyed, disobeyed, silent, dropped, expired, and reported', async () => {
  const played = forkFleet({
    scenarioFile: path.join(folder, 'scenario.json'),
    logFile: path.join(folder, 'fleet.jsonl'),
    faults: { disobey: 2, silent: 1, drop: 1 },
  })
  stops.push(() => played.stop())
  const served = await played.ready()
  expect(served).toHaveLength(6)
  expect(new Set(served.map(({ thumbprint }) => thumbprint)).size).toBe(6)
  await connect(played)
  const businessMs = Date.parse(scenario.start)
  const wallMs = Date.now()
  played.startClock({ wallMs, businessMs, speed: SPEED })
  const now = () => businessMs + (Date.now() - wallMs) * SPEED

  const called = chargers.slice(0, 6)
  const [battery] = served
  const opcua = await connectTo(battery?.endpoint ?? '', client)
  const validUntil = now() + 150_000
  await Promise.all([
    ...called.map((charger) => pause(charger, now(), 150)),
    call(opcua.session, 'SetActivePower', [2000, new Date(validUntil), 1]),
  ])
  const dispatched = [...called.map(({ ref }) => ref), battery?.ref ?? '']
  const ranked = rankDevices(
    7,
    scenario.devices.map(({ ref }) => ref),
  ).filter((ref) => dispatched.includes(ref))
  await until('readings wholly after the order', () => now() > validUntil - 50_000, 10_000)
  const faulty = ranked.slice(0, 4)
  for (const { ref, visits } of called) {
    if (faulty.slice(2).includes(ref)) continue
    const expected = ranked.slice(0, 2).includes(ref) ? (visits[0]?.car.maxW ?? 0) : 0
    expect(Math.abs(lastPowerW(ref) - expected)).toBeLessThan(5)
  }
  await until('every order has expired', () => now() > validUntil + 20_000, 10_000)
  const report = await played.report()
  await opcua.close()

  expect(report.dispatched).toEqual([...dispatched].sort())
  expect([report.disobeyed, report.silent, report.dropped]).toEqual([
    ranked.slice(0, 2),
    ranked.slice(2, 3),
    ranked.slice(3, 4),
  ])
  for (const { validUntil: until, backAtDefaultAt } of report.devices) {
    const lateMs = Date.parse(backAtDefaultAt ?? '') - Date.parse(until)
    expect(lateMs).toBeGreaterThanOrEqual(0)
    expect(lateMs).toBeLessThanOrEqual(1000)
  }
  expect(report.drivers).toHaveLength(24)
  expect(report.driversShort).toEqual([])
  for (const { ref, withCallWh, withoutCallWh } of report.drivers) {
    if (!dispatched.includes(ref)) expect(withCallWh).toBe(withoutCallWh)
  }
  expect(report.peakRssMb).toBeLessThan(250)

  await played.stop()
  expect(() => process.kill(played.pid, 0)).toThrow('ESRCH')
  const lines = log()
  const of = (kind: string) =>
    [...new Set(lines.filter((one) => one.kind === kind).map(({ ref }) => ref))].sort()
  expect(of('setpoint')).toEqual(report.dispatched)
  expect(of('disobeys')).toEqual([...report.disobeyed].sort())
  const orders = ['SetChargingProfile', 'SetActivePower']
  const ordered = lines.filter(
    ({ kind, action }) => kind === 'frame' && orders.includes(String(action)),
  )
  expect([...new Set(ordered.map(({ ref }) => ref))].sort()).toEqual(report.dispatched)
}, 60_000)
