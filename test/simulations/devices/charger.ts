import {
  ChargePoint,
  type ChargePointEvents,
  type MeterReading,
} from '#simulations/devices/charge-point.ts'
import type { DeviceHooks, StationParts } from '#simulations/devices/station.ts'
import { seededRandom } from '#simulations/random.ts'
import type { ScenarioCharger, Visit } from '#simulations/scenarios/scenario.ts'

export const START = Date.parse('2027-01-19T15:51:00Z')
export const at = (seconds: number) => START + seconds * 1000
export const iso = (seconds: number) => new Date(at(seconds)).toISOString().replace('.000', '')

export function visit(over: Partial<Visit> = {}): Visit {
  return {
    pluggedInAt: iso(-3600),
    chargingFrom: iso(-3600),
    departureAt: iso(4 * 3600),
    energyNeededWh: 15_000,
    car: { capacityWh: 60_000, maxW: 7360, efficiency: 0.92, socAtPlugIn: 0.2, stopAtSoc: 1 },
    ...over,
  }
}

/** A single-phase charge point of 32 A where a car stands since an hour. */
export function charger(over: Partial<ScenarioCharger> = {}): ScenarioCharger {
  return {
    kind: 'charger',
    ref: 'res-cp-01',
    site: 'site-01-north',
    version: '1.6',
    rateUnit: 'A',
    rating: {
      importMaxW: 7360,
      exportMaxW: 0,
      importMinW: 1380,
      phases: 1,
      energyWh: 0,
      reserveWh: 0,
      pausable: true,
    },
    offer: { price: '200000', directions: ['reduce-import'], fromMinute: 0, untilMinute: 1440 },
    registerWh: 1_000_000,
    visits: [visit()],
    history: [],
    ...over,
  }
}

export type Recorded = {
  readings: MeterReading[]
  reactions: { at: number; limitW: number }[]
  defaults: number[]
}

export function recorder(): { recorded: Recorded; events: ChargePointEvents } {
  const recorded: Recorded = { readings: [], reactions: [], defaults: [] }
  return {
    recorded,
    events: {
      metered: (reading) => recorded.readings.push(reading),
      sessionStarted: () => undefined,
      sessionEnded: () => undefined,
      backAtDefault: (when) => recorded.defaults.push(when),
      reacted: (when, limitW) => recorded.reactions.push({ at: when, limitW }),
    },
  }
}

export type StationWorld = {
  readonly parts: StationParts
  /** Moves business time, and the machine with it. */
  readonly clock: { now: number }
  readonly log: { kind: string; [more: string]: unknown }[]
  readonly setpoints: { powerW: number; validUntil: number }[]
  readonly defaults: number[]
}

/** What the fleet hands to a station, kept for a test to look at. */
export function stationWorld(device: ScenarioCharger): StationWorld {
  const world = {
    clock: { now: START },
    log: [] as StationWorld['log'],
    setpoints: [] as StationWorld['setpoints'],
    defaults: [] as number[],
  }
  const hooks: DeviceHooks = {
    now: () => world.clock.now,
    log: (kind, fields) => world.log.push({ kind, ...fields }),
    setpoint: (setpoint) => world.setpoints.push(setpoint),
    backAtDefault: (when) => world.defaults.push(when),
    driverLeft: (outcome) => world.log.push({ kind: 'driver-left', ...outcome }),
  }
  const parts: StationParts = {
    random: seededRandom(1, 'line'),
    hooks,
    point: (events) => new ChargePoint(device, START, seededRandom(1, 'physics'), events),
  }
  return { ...world, parts }
}
