import { readFile } from 'node:fs/promises'
import type { CongestionRoom } from '#domain/resource.ts'
import {
  formatInstant,
  type Instant,
  instant,
  localMinuteOfDay,
  sameLocalTime,
} from '#domain/time.ts'
import { seededRandom } from '../random.ts'
import { bundledBatteries, dealPrices } from './bundled-devices.ts'
import { type FeederDay, HALF_HOUR_SECONDS, readFeederDay } from './feeder-day.ts'
import { habitW, HISTORY_DAYS, workingDaysBefore } from './habit.ts'
import { AGGREGATORS, congestionPoints, dealOwners, NORTH, pad, type Unowned } from './parties.ts'
import {
  busiestStations,
  meteredUntil,
  readSessions,
  type RealSession,
  sameWeekday,
  shifted,
  shiftHours,
  staysOn,
} from './real-sessions.ts'
import type { Scenario, ScenarioCharger, Visit } from './scenario.ts'
import { batteryTurnDownW, importMinW, wholeHundreds } from './turn-down.ts'

const TIME_ZONE = 'Europe/London'
const STATIONS = 20
const SESSION_YEAR = 2019
const SHARE = 0.4
const LEAD_SECONDS = 540
const RESTART_SECONDS = 300
const PRICE_CAP = '450000'
const QUARTER = 900_000
const HOUR = 3_600_000
const HALF_HOURS_PER_DAY = 48

export type RealDayFiles = { readonly feederCsv: string; readonly sessionsCsv: string }

/** Reads the two files and makes the world of a day. @throws Error naming what is wrong */
export async function loadRealDay(
  seed: number,
  day: string,
  files: { readonly feeder: string; readonly sessions: string },
): Promise<Scenario> {
  const [feederCsv, sessionsCsv] = await Promise.all([
    readFile(files.feeder, 'utf8'),
    readFile(files.sessions, 'utf8'),
  ])
  return realDayScenario(seed, day, { feederCsv, sessionsCsv })
}

/**
 * The congestion of a measured day with the drivers of a day of real sessions. The seed deals
 * prices and owners and makes the batteries; chargers, cars and window come from the files.
 */
export function realDayScenario(
  seed: number,
  day: string,
  { feederCsv, sessionsCsv }: RealDayFiles,
): Scenario {
  const feeder = readFeederDay(feederCsv, day)
  const [first] = feeder.congested
  const last = feeder.congested.at(-1)
  if (first === undefined || last === undefined) throw new Error(`${day}: nothing above the limit`)
  const window = { start: first.start, end: instant(last.start + HALF_HOUR_SECONDS * 1000) }
  const start = instant(window.start - LEAD_SECONDS * 1000)
  const sessionDay = sameWeekday(day, SESSION_YEAR)
  const hours = shiftHours(sessionDay, window.start)
  const all = readSessions(sessionsCsv)
  const random = seededRandom(seed, 'real-day')
  let sessions = 0
  const chargers = busiestStations(all, STATIONS).map((station, rank): Unowned => {
    const own = all.filter((session) => session.station === station)
    const stays = staysOn(own, sessionDay).map((session) => shifted(session, hours))
    sessions += stays.length
    const meter = own.map((session) => shifted(session, hours))
    const device = realCharger(station, rank, stays, meter, window, start)
    return { device, congestionPoint: NORTH }
  })
  const batteries = bundledBatteries(seed)
  const turnDownW = fleetTurnDownW([...chargers, ...batteries], window, start)
  const { scale, periods } = scaled(feeder, turnDownW)
  const movedW = Math.max(...periods.map(({ powerW }) => powerW))
  const { owners, sites, devices } = dealOwners(
    dealPrices([...chargers, ...batteries], random),
    random,
  )
  const main = {
    congestionPoint: NORTH,
    direction: 'reduce-import' as const,
    windowStart: formatInstant(window.start),
    windowEnd: formatInstant(window.end),
    periods,
    priceCap: PRICE_CAP,
  }
  return {
    name: 'real-day',
    seed,
    timeZone: TIME_ZONE,
    start: formatInstant(start),
    settlementPeriodSeconds: HALF_HOUR_SECONDS,
    meteringIntervalSeconds: 30,
    restartSeconds: RESTART_SECONDS,
    congestionPoints: congestionPoints(roomOf(feeder, scale, movedW)),
    aggregators: AGGREGATORS,
    owners,
    sites,
    devices,
    feeders: [scaledFeeder(feeder, scale, drawnW(chargers, start))],
    calls: { main, overlapping: null },
    input: { limitW: feeder.limitW, scale, sessionDay, shiftHours: hours, sessions },
  }
}

function realCharger(
  station: number,
  rank: number,
  stays: readonly RealSession[],
  meter: readonly RealSession[],
  window: { start: Instant; end: Instant },
  start: Instant,
): ScenarioCharger {
  const firstDay = sameLocalTime(window.start, 2 * HISTORY_DAYS, TIME_ZONE) // 10 working days back
  const zero = meteredUntil(meter, firstDay)
  const registerAt = (at: number) => Math.floor(1_000_000 + meteredUntil(meter, at) - zero)
  return {
    kind: 'charger',
    ref: `res-cp-${pad(station)}`,
    site: '',
    version: rank % 2 === 0 ? '1.6' : '2.0.1',
    rateUnit: Math.floor(rank / 2) % 2 === 0 ? 'A' : 'W',
    rating: {
      importMaxW: 7360, // 32 A on one phase, as these stations have
      exportMaxW: 0,
      importMinW: importMinW(1),
      phases: 1,
      energyWh: 0,
      reserveWh: 0,
      pausable: true,
    },
    offer: { price: '0', directions: ['reduce-import'], fromMinute: 0, untilMinute: 1440 },
    registerWh: registerAt(start),
    visits: stays.map(visitOf),
    history: workingDaysBefore(window.start, TIME_ZONE).flatMap((daysBefore) => {
      const from = sameLocalTime(window.start, daysBefore, TIME_ZONE) - HOUR
      const quarters = Math.round((window.end - window.start + 2 * HOUR) / QUARTER)
      return Array.from({ length: quarters + 1 }, (_, index) => {
        const at = from + index * QUARTER
        return { at: formatInstant(instant(at)), registerWh: registerAt(at) }
      })
    }),
  }
}

/**
 * A car of which only energy and times are known: it draws its mean power and stops by itself when
 * it has what the real one had. Held back, it goes on until it is unplugged.
 */
function visitOf(session: RealSession): Visit {
  const { energyWh, chargingFrom, chargingUntil } = session
  const efficiency = 0.92
  const stopAtSoc = 0.7
  const socAtPlugIn = 0.2
  return {
    pluggedInAt: formatInstant(instant(session.connectedAt)),
    chargingFrom: formatInstant(instant(Math.max(chargingFrom, session.connectedAt))),
    departureAt: formatInstant(instant(session.disconnectedAt)),
    energyNeededWh: energyWh,
    car: {
      capacityWh: (energyWh * efficiency) / (stopAtSoc - socAtPlugIn),
      maxW: Math.round((energyWh * HOUR) / (chargingUntil - chargingFrom)),
      efficiency,
      socAtPlugIn,
      stopAtSoc,
    },
  }
}

/**
 * What the fleet at this point can give, W: of each charger the smaller of what it draws as the
 * scenario starts and of its mean on the days before, of each battery what lasts the window.
 */
function fleetTurnDownW(
  unowned: readonly Unowned[],
  window: { start: Instant; end: Instant },
  start: Instant,
): number {
  const seconds = (window.end - window.start) / 1000
  return unowned
    .filter(({ congestionPoint }) => congestionPoint === NORTH)
    .map(({ device }) => {
      if (device.kind === 'battery') return wholeHundreds(batteryTurnDownW(device, seconds))
      return wholeHundreds(Math.min(drawsW(device, start), habitW(device, window, TIME_ZONE)))
    })
    .reduce((sum, powerW) => sum + powerW, 0)
}

function drawsW({ visits }: ScenarioCharger, at: Instant): number {
  const visit = visits.find(({ chargingFrom, departureAt, energyNeededWh, car }) => {
    const from = Date.parse(chargingFrom)
    const done = from + (energyNeededWh * HOUR) / car.maxW
    return from <= at && at < Math.min(done, Date.parse(departureAt))
  })
  return visit?.car.maxW ?? 0
}

function drawnW(unowned: readonly Unowned[], at: Instant): number {
  return unowned.reduce(
    (sum, { device }) => sum + (device.kind === 'charger' ? drawsW(device, at) : 0),
    0,
  )
}

/** The largest period asks for 40 % of the turn-down; the others follow the measured shape. */
function scaled({ limitW, congested }: FeederDay, turnDownW: number) {
  const largestW = Math.max(...congested.map(({ loadW }) => loadW - limitW))
  const scale = (turnDownW * SHARE) / largestW
  const periods = congested.map(({ start, loadW }) => ({
    start: formatInstant(start),
    powerW: Math.max(100, wholeHundreds((loadW - limitW) * scale)),
  }))
  return { scale, periods }
}

/** The substation in the fleet's size; what is not ours is the rest of the measured load. */
function scaledFeeder({ limitW, halfHours }: FeederDay, scale: number, fleetW: number) {
  return {
    congestionPoint: NORTH,
    firmLimitW: Math.round(limitW * scale),
    baseLoad: halfHours.map(({ start, loadW }) => ({
      at: formatInstant(start),
      powerW: Math.round(loadW * scale - fleetW),
    })),
  }
}

/**
 * What the DSO says of the point: the limit, and as what flows anyway the measured load less the
 * most that it asks to be moved, which is in that load.
 */
function roomOf({ limitW, halfHours }: FeederDay, scale: number, movedW: number): CongestionRoom {
  const baseLoadW = Array.from({ length: HALF_HOURS_PER_DAY }, () => 0)
  for (const { start, loadW } of halfHours) {
    const slot = Math.floor((localMinuteOfDay(start, TIME_ZONE) * 60) / HALF_HOUR_SECONDS)
    baseLoadW[slot] = Math.round(loadW * scale) - movedW
  }
  return { limitW: Math.round(limitW * scale), baseLoadW }
}
