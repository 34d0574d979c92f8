import { afterAll, beforeAll, expect, test } from 'vitest'
import { rowsFrom } from '#adapters/opcua/recording.ts'
import { type ArmedDroop, verifyDroop } from '#domain/frequency-response.ts'
import { resourceId } from '#domain/ids.ts'
import { addSeconds, instant } from '#domain/time.ts'
import { id, type SimulatedBattery, START, startSimulatedBattery } from './simulated-battery.ts'
import { setpoint } from './world.ts'

const DEADLINE_MS = 10_000
const droop = {
  nominalMilliHz: 50_000,
  deadBandOverMilliHz: 20,
  deadBandUnderMilliHz: 20,
  droopOverBp: 40,
  droopUnderBp: 40,
  responseMs: 2_000,
}
let simulated: SimulatedBattery
let machine: SimulatedBattery['machine']
let driver: SimulatedBattery['driver']
let clock: SimulatedBattery['clock']
let pass: SimulatedBattery['pass']
let sequence = 0

beforeAll(async () => {
  simulated = await startSimulatedBattery()
  ;({ machine, driver, clock, pass } = simulated)
}, 60_000)

afterAll(() => simulated?.stop())

const armed = (seconds: number, changes: Partial<ArmedDroop> = {}): ArmedDroop => ({
  droop,
  reservedW: 4_000,
  validUntil: addSeconds(clock.at, seconds),
  ...changes,
})
const arm = (curve: ArmedDroop | null) => {
  sequence += 1
  return driver.arm(id, { answers: 'frequency', armed: curve }, sequence, DEADLINE_MS)
}
/** The frequency falls by 200 mHz beyond the dead band a minute from now, for a minute. */
function dipAhead(): void {
  const from = addSeconds(clock.at, 60)
  const end = addSeconds(clock.at, 120)
  machine.unit.droop.frequencyMilliHz = (at) => (at >= from && at < end ? 49_780 : 50_000)
}
async function judged(from: number, restW = 0) {
  const window = { start: addSeconds(instant(from), 1), end: clock.at }
  const recording = await driver.recording(id, 'frequency', window, DEADLINE_MS)
  if (recording.answers !== 'frequency') throw new Error('another recording')
  const service = { droop, reservedW: 4_000, restW, toleranceBp: 200, longestGapMs: 5_000 }
  return verifyDroop({ ...service, window }, recording.samples)
}

test('a recording that is no recording is refused', () => {
  const window = { start: START, end: addSeconds(START, 10) }
  const read = (value: unknown) => rowsFrom(value, window, 3)
  expect(() => read('text')).toThrow(/expected rows of 3 finite numbers, got string/)
  expect(() => read([START, 50])).toThrow(/got 2 entries/)
  expect(() => read([START, Number.NaN, 0])).toThrow(/finite/)
  expect(() => read([START - 1, 50, 0])).toThrow(/got a sample of/)
  const rows = read(Float64Array.from([START, 49.98, 1500.4]))
  expect(rows).toEqual([{ at: START, values: [49.98, 1500.4] }])
})

test('a curve that is late, old, too large, or comes in LOCAL is refused with the reason', async () => {
  await expect(arm(armed(-1))).rejects.toThrow(/expired/)
  await expect(arm(armed(60, { reservedW: 5_001 }))).rejects.toThrow(/outside the battery's range/)
  await arm(armed(60))
  const again = driver.arm(id, { answers: 'frequency', armed: armed(60) }, sequence, DEADLINE_MS)
  await expect(again).rejects.toThrow(/the same or a newer order/)
  machine.unit.local = true
  await expect(arm(null)).rejects.toMatchObject({ code: 'device-refused' })
  machine.unit.local = false
  await arm(null)
  const stranger = driver.arm(
    resourceId('stranger'),
    { answers: 'frequency', armed: null },
    1,
    DEADLINE_MS,
  )
  await expect(stranger).rejects.toMatchObject({ code: 'device-unreachable' })
})

test('an armed battery answers a dip by itself and its own recording shows it', async () => {
  const from = clock.at
  await arm(armed(600))
  dipAhead()
  pass(59)
  expect(machine.unit.state.powerW).toBeCloseTo(0)
  pass(3)
  expect(machine.unit.state.powerW).toBe(-4_000)
  pass(240)
  expect(machine.unit.state.powerW).toBeCloseTo(0)
  const verdict = await judged(from)
  expect(verdict).toMatchObject({ performanceBp: 10_000, calledMs: 60_000, worstOffW: 0 })
  await arm(null)
})

test('it answers on top of a setpoint, and disarms by itself', async () => {
  const from = clock.at
  await driver.apply(id, setpoint(id, 1, 1_000, addSeconds(clock.at, 600)), DEADLINE_MS)
  await arm(armed(90))
  dipAhead()
  pass(65)
  expect(machine.unit.state.powerW).toBe(-3_000)
  pass(25)
  expect((await judged(from, 1_000)).performanceBp).toBeGreaterThan(9_500)
  pass(10)
  expect(machine.unit.state.powerW).toBe(1_000)
})

test('one that takes the curve and does not answer is found out by what it recorded', async () => {
  machine.unit.droop.ignores = true
  machine.unit.droop.frequencyMilliHz = () => 50_000 // an earlier dip is over
  const from = clock.at
  pass(1)
  await arm(armed(300))
  await driver.apply(id, setpoint(id, 2, 0, addSeconds(clock.at, 600)), DEADLINE_MS)
  pass(10)
  dipAhead()
  pass(180)
  const verdict = await judged(from)
  expect(verdict.calledMs).toBe(60_000)
  expect(verdict.worstOffW).toBeGreaterThanOrEqual(4_000)
  expect(verdict.performanceBp).toBeLessThan(7_500)
})
