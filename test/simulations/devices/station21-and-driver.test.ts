import { afterEach, expect, test } from 'vitest'
import { addSeconds, formatInstant } from '#domain/time.ts'
import { makeStation } from '#simulations/devices/make-station.ts'
import type { QuirkId } from '#simulations/devices/quirks/catalogue.ts'
import type { Station } from '#simulations/devices/station.ts'
import { seededRandom } from '#simulations/random.ts'
import {
  charger as enrolled,
  PASSWORD,
  setpoint,
  START,
  startWorld,
  until,
  type World,
} from '#test/adapters/ocpp/world.ts'
import { charger, visit } from './charger.ts'

/*
 * Our driver and our station of OCPP 2.1, face to face over a socket: both were written to the
 * standard, neither to the other.
 */
const RATING = { importMaxW: 11_040, exportMaxW: 5000, importMinW: 4140, phases: 3 as const }
const resource = enrolled({ rating: { exportMaxW: 5000 } })
let world: World
let station: Station

afterEach(async () => {
  station.stop()
  await world.stop()
})

async function meet(...quirks: QuirkId[]) {
  world = await startWorld({}, [resource])
  const frames: string[] = []
  const iso = (seconds: number) => formatInstant(addSeconds(START, seconds))
  const car = { ...visit().car, maxW: 11_040, socAtPlugIn: 0.6, dischargeMaxW: 5000 }
  const stay = { pluggedInAt: iso(-3600), chargingFrom: iso(-3600), departureAt: iso(4 * 3600) }
  const device = charger({
    ref: 'CP-1',
    version: '2.1',
    rateUnit: 'W',
    rating: { ...charger().rating, ...RATING },
    visits: [{ ...visit({ car }), ...stay }],
    quirks,
  })
  const random = { line: seededRandom(1, 'line'), physics: seededRandom(1, 'physics') }
  station = makeStation(device, START, random, {
    now: () => world.clock.now(),
    log: (kind, fields) => void (kind === 'frame' && frames.push(String(fields?.action))),
    setpoint: () => undefined,
    backAtDefault: () => undefined,
    driverLeft: () => undefined,
  })
  station.connect({ url: world.driver.url('CP-1'), password: PASSWORD })
  await until('the station is set up', () => world.heard.connected.length === 1, 10_000)
  return {
    frames,
    pass(seconds: number) {
      world.clock.set(addSeconds(world.clock.now(), seconds))
      station.point.advance(world.clock.now())
    },
  }
}

const order = (powerW: number, version: number) =>
  world.driver.apply(resource.id, setpoint(resource, { powerW, version }), 5000)

test('a limit is one Dynamic profile, and its change an update of it', async () => {
  const { frames, pass } = await meet()
  const { capability } = world.heard.capabilities[0] ?? {}
  expect(capability).toMatchObject({ protocol: 'ocpp2.1', dynamic: true, v2x: true })
  expect((await order(6000, 1)).strategy).toMatch(/Dynamic/)
  pass(30)
  expect(Math.round(station.point.powerW)).toBe(6000)
  const before = frames.filter((action) => action === 'SetChargingProfile').length
  await order(5000, 2)
  pass(30)
  expect(Math.round(station.point.powerW)).toBe(5000)
  expect(frames.filter((action) => action === 'SetChargingProfile')).toHaveLength(before)
  expect(frames).toContain('UpdateDynamicSchedule')
})

test('a car gives back what a setpoint below 0 asks for, and its readings have that sign', async () => {
  const { pass } = await meet()
  // Between -6 A and 6 A per phase there is nothing.
  await order(-4800, 1)
  pass(90)
  expect(Math.round(station.point.powerW)).toBe(-4800)
  expect(await world.driver.readBack(resource.id, 5000)).toEqual({
    kind: 'limited',
    powerW: -4800,
  })
  await until('readings', () => world.heard.readings.length >= 3)
  const [, before, last] = world.heard.readings.slice(-3)
  expect(last?.powerW).toBe(-4800)
  expect((last?.registerWh ?? 0) - (before?.registerWh ?? 0)).toBe(-40)
})

test('priority: what the driver wants is heard; external: so is the limit of another', async () => {
  const { pass } = await meet('priority', 'external')
  await order(6000, 1)
  for (let passed = 0; passed < 240; passed += 30) pass(30)
  await until('the override', () => world.heard.overrides.length === 1)
  expect(world.heard.overrides[0]).toEqual({ id: resource.id, isOn: true })
  await until('the limit', () => world.heard.limits.length === 1)
  expect(world.heard.limits[0]).toEqual({ id: resource.id, limitW: 4140, source: 'EMS' })
})
