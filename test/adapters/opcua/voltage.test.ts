import { afterAll, beforeAll, expect, test } from 'vitest'
import { addSeconds, instant } from '#domain/time.ts'
import { type ArmedVoltage, verifyVoltage } from '#domain/voltage-response.ts'
import { id, type SimulatedBattery, startSimulatedBattery } from './simulated-battery.ts'
import { setpoint } from './world.ts'

const DEADLINE_MS = 10_000
const corners = (...pairs: readonly (readonly [number, number])[]) =>
  pairs.map(([voltageBp, outputBp]) => ({ voltageBp, outputBp }))
const qv = {
  kind: 'volt-var' as const,
  points: corners([9_200, 10_000], [9_800, 0], [10_200, 0], [10_800, -10_000]),
}
const pv = { kind: 'volt-watt' as const, points: corners([10_600, 10_000], [10_900, 2_000]) }
let simulated: SimulatedBattery
let machine: SimulatedBattery['machine']
let driver: SimulatedBattery['driver']
let seen: SimulatedBattery['seen']
let clock: SimulatedBattery['clock']
let pass: SimulatedBattery['pass']
let sequence = 0
let version = 0

beforeAll(async () => {
  simulated = await startSimulatedBattery()
  ;({ machine, driver, seen, clock, pass } = simulated)
}, 60_000)

afterAll(() => simulated?.stop())

const armed = (seconds: number, changes: Partial<ArmedVoltage> = {}): ArmedVoltage => ({
  curves: [qv, pv],
  responseMs: 2_000,
  reservedW: 3_000,
  ratedW: 5_000,
  validUntil: addSeconds(clock.at, seconds),
  ...changes,
})
const arm = (curves: ArmedVoltage | null) => {
  sequence += 1
  return driver.arm(id, { answers: 'voltage', armed: curves }, sequence, DEADLINE_MS)
}
async function exportFor(seconds: number, powerW: number): Promise<void> {
  version += 1
  const end = addSeconds(clock.at, seconds)
  await driver.apply(id, setpoint(id, version, powerW, end), DEADLINE_MS)
}
/** The voltage is 8 % too high a minute from now, for a minute. */
function swellAhead(): void {
  const from = addSeconds(clock.at, 60)
  const end = addSeconds(clock.at, 120)
  machine.unit.voltage.voltageBp = (at) => (at >= from && at < end ? 10_800 : 10_000)
}
async function judged(from: number) {
  const window = { start: addSeconds(instant(from), 1), end: clock.at }
  const recording = await driver.recording(id, 'voltage', window, DEADLINE_MS)
  if (recording.answers !== 'voltage') throw new Error('another recording')
  const rule = { responseMs: 2_000, toleranceBp: 100, longestGapMs: 5_000 }
  return verifyVoltage({ ...armed(0), ...rule, window }, recording.samples)
}

test('a battery with reactive power says which curves it holds', () => {
  const told = seen.capabilities.find((one) => one.id === id)?.capability
  const voltage = { curves: ['volt-var', 'volt-watt'], ratedVar: 5_000, pointsMax: 8 }
  expect(told?.voltage).toEqual(voltage)
})

test('curves that are late, old, too large, or come in LOCAL are refused with the reason', async () => {
  await expect(arm(armed(-1))).rejects.toThrow(/expired/)
  await expect(arm(armed(60, { reservedW: 5_001 }))).rejects.toThrow(/outside the battery's range/)
  await expect(arm(armed(60, { ratedW: 5_001 }))).rejects.toThrow(/outside the battery's range/)
  const wrongWay = { ...qv, points: qv.points.toReversed() }
  await expect(arm(armed(60, { curves: [wrongWay] }))).rejects.toThrow(
    /outside the battery's range/,
  )
  await arm(armed(60))
  sequence -= 1
  await expect(arm(armed(60))).rejects.toThrow(/the same or a newer order/)
  machine.unit.local = true
  await expect(arm(null)).rejects.toMatchObject({ code: 'device-refused' })
  machine.unit.local = false
  await arm(null)
})

test('a battery that accepts curves and does not hold them is found out by reading back', async () => {
  const { voltage } = machine.unit
  const take = voltage.take.bind(voltage)
  voltage.take = () => true
  await expect(arm(armed(60))).rejects.toThrow(/a volt-var curve was armed, and none does/)
  voltage.take = (one, number) =>
    take(one && { ...one, curves: [{ ...qv, points: pv.points }] }, number)
  await expect(arm(armed(60))).rejects.toThrow(/expected the volt-var curve 92 100 98 0/)
  voltage.take = () => true
  await expect(arm(null)).rejects.toThrow(/a volt-var curve was taken back, and one stands/)
  voltage.take = take
  await arm(null)
})

test('an armed battery answers a swell by itself and its own recording shows it', async () => {
  const from = clock.at
  await arm(armed(600))
  await exportFor(600, -4_000)
  swellAhead()
  pass(59)
  expect(machine.unit.state.powerW).toBe(-4_000)
  pass(10)
  // P(V) at 108 %: a third of the way from 2 to 10 parts of 5 kW.
  expect(machine.unit.state.powerW).toBeCloseTo(-2_333, 0)
  expect(machine.unit.voltage.reactiveAt(clock.at)).toBe(-3_000)
  pass(240)
  expect(machine.unit.state.powerW).toBe(-4_000)
  const verdict = await judged(from)
  expect(verdict).toMatchObject({ performanceBp: 10_000, calledMs: 60_000, worstOffVar: 0 })
  expect(verdict.worstOverW).toBeLessThanOrEqual(1)
  await arm(null)
})

test('reactive power goes before power, and curves end by themselves', async () => {
  const all = { curves: [qv], reservedW: 4_000 }
  await arm(armed(90, all))
  await exportFor(300, -5_000)
  swellAhead()
  pass(65)
  // 5 kVA, of which 4 kvar: 3 kW are left.
  expect(machine.unit.state.powerW).toBeCloseTo(-3_000)
  pass(30)
  expect(machine.unit.voltage.reactiveAt(clock.at)).toBe(0)
  expect(machine.unit.state.powerW).toBe(-5_000)
})

test('one that takes curves and does not answer is found out by what it recorded', async () => {
  machine.unit.voltage.ignores = true
  const from = clock.at
  await arm(armed(300))
  await exportFor(300, -5_000)
  swellAhead()
  pass(180)
  const verdict = await judged(from)
  expect(verdict).toMatchObject({ calledMs: 60_000, worstOffVar: 3_000 })
  expect(verdict.performanceBp).toBeLessThan(7_000)
  machine.unit.voltage.ignores = false
})
