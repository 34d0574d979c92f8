import { expect, test } from 'vitest'
import { ChargePoint } from '#simulations/devices/charge-point.ts'
import { seededRandom } from '#simulations/random.ts'
import { at, charger, recorder, START, visit } from './charger.ts'

function machine(device = charger(), seed = 1) {
  const { recorded, events } = recorder()
  const point = new ChargePoint(device, START, seededRandom(seed, 'physics'), events)
  point.meteringIntervalSeconds = 30
  return { point, recorded }
}

function limit(point: ChargePoint, amperes: number, fromSeconds: number, seconds: number) {
  point.stack.install({
    id: 7,
    purpose: 'tx',
    stackLevel: 1,
    kind: 'Absolute',
    everySeconds: null,
    validFrom: null,
    validTo: null,
    start: at(fromSeconds),
    durationSeconds: seconds,
    unit: 'A',
    periods: [{ startSeconds: 0, limit: amperes, phases: null }],
  })
}

test('readings lie on the raster, in order, with the mean of the interval just ended', () => {
  const { point, recorded } = machine()
  point.advance(at(95))
  expect(recorded.readings.map((reading) => reading.at)).toEqual([at(30), at(60), at(90)])
  expect(recorded.readings.map(({ powerW }) => powerW)).toEqual([7360, 7360, 7360])
  expect(recorded.readings[0]?.registerWh).toBe(1_000_000 + Math.floor((7360 * 30) / 3600))
})

test('an empty charge point reports 0 W and an unchanged register', () => {
  const { point, recorded } = machine(charger({ visits: [] }))
  point.advance(at(30))
  expect(recorded.readings).toEqual([
    { at: at(30), powerW: 0, registerWh: 1_000_000, exportWh: 0, offeredAmperes: 0, soc: null },
  ])
})

test('a car follows a new limit after 1 to 5 s and returns when the limit has ended', () => {
  const { point, recorded } = machine()
  limit(point, 10, 0, 60)
  point.advance(at(120))
  const [down, up] = recorded.reactions
  expect(down?.limitW).toBe(2300)
  expect((down?.at ?? 0) - START).toBeGreaterThanOrEqual(1000)
  expect((down?.at ?? 0) - START).toBeLessThanOrEqual(6000)
  expect(up?.limitW).toBe(7360)
  expect(recorded.defaults).toEqual([at(60)])
})

test('0 A pauses the car and the register stands still', () => {
  const { point, recorded } = machine()
  limit(point, 0, 0, 600)
  point.advance(at(90))
  expect(point.suspended).toBe(true)
  const [, second, third] = recorded.readings
  expect(third?.registerWh).toBe(second?.registerWh)
  expect(third?.powerW).toBe(0)
})

test('one that ignores tells the limit and keeps its power until the end', () => {
  const { point, recorded } = machine()
  limit(point, 6, 0, 60)
  point.ignoreUntil(at(60))
  point.advance(at(58))
  expect(point.limitW).toBe(1380)
  expect(point.powerW).toBeCloseTo(7360, 3)
  point.advance(at(120))
  expect(recorded.readings.every(({ powerW }) => powerW === 7360)).toBe(true)
  expect(recorded.defaults).toEqual([at(60)])
})

test('one that is held follows once it is let go', () => {
  const { point } = machine()
  limit(point, 6, 0, 600)
  point.hold(true)
  point.advance(at(20))
  expect(point.powerW).toBeCloseTo(7360, 3)
  point.hold(false)
  point.advance(at(30))
  expect(point.powerW).toBeCloseTo(1380, 3)
})

test('the outcome tells what the driver gets with the limits received and without', () => {
  const { point } = machine(
    charger({ visits: [visit({ departureAt: new Date(at(1800)).toISOString() })] }),
  )
  limit(point, 0, 0, 900)
  point.advance(at(30))
  const outcome = point.outcome()
  expect(outcome?.withoutCallWh).toBe(Math.round((7360 * 5400) / 3600))
  expect((outcome?.withoutCallWh ?? 0) - (outcome?.withCallWh ?? 0)).toBeGreaterThan(1800)
  expect((outcome?.withoutCallWh ?? 0) - (outcome?.withCallWh ?? 0)).toBeLessThan(1860)
})

test('drivers come and go: the second one starts where the register stands', () => {
  const first = visit({ departureAt: new Date(at(60)).toISOString() })
  const second = visit({
    pluggedInAt: new Date(at(120)).toISOString(),
    chargingFrom: new Date(at(180)).toISOString(),
  })
  const { point } = machine(charger({ visits: [first, second] }))
  point.advance(at(90))
  expect(point.session).toBeNull()
  const register = point.registerWh
  point.advance(at(150))
  expect(point.session?.startRegisterWh).toBe(register)
  expect(point.powerW).toBe(0)
  point.advance(at(200))
  expect(point.powerW).toBeCloseTo(7360, 3)
})

test('same seed, same physics, byte for byte, however time is cut into pieces', () => {
  const run = (seed: number, step: number) => {
    const { point, recorded } = machine(charger(), seed)
    for (let second = 0; second <= 900; second += step) {
      if (second === 60) limit(point, 6, 60, 300)
      point.advance(at(second))
    }
    return JSON.stringify(recorded)
  }
  expect(run(1, 1)).toBe(run(1, 1))
  expect(run(1, 1)).toBe(run(1, 30))
  expect(run(1, 1)).not.toBe(run(2, 1))
})
