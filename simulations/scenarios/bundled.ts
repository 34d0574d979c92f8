import type { CongestionRoom } from '#domain/resource.ts'
import { formatInstant, instant, parseInstant, sameLocalTime } from '#domain/time.ts'
import { type SeededRandom, seededRandom } from '../random.ts'
import { bundledBatteries, dealPrices } from './bundled-devices.ts'
import {
  AGGREGATORS,
  congestionPoints,
  dealOwners,
  NORTH,
  pad,
  SOUTH,
  type Unowned,
} from './parties.ts'
import type { Scenario, ScenarioCall, ScenarioCharger, ScenarioFeeder, Visit } from './scenario.ts'
import { habitW, workingDaysBefore } from './habit.ts'
import { batteryTurnDownW, chargerTurnDownW, importMinW, wholeHundreds } from './turn-down.ts'

/*
 * An evening peak in winter, invented. The figures stay within what is published of the
 * Netherlands in general: AC charge points of 3.7, 7.4 and 11 kW, cars of 50 to 80 kWh that arrive
 * between half past three and half past four with 15 to 35 %, sessions of a few hours and 10 to
 * 40 kWh; home batteries of 5 to 10 kW and two hours.
 */
const TIME_ZONE = 'Europe/Amsterdam'
/** Tuesday, 16:51 local. */
const START = parseInstant('2027-01-19T15:51:00Z')
const WINDOW_START = parseInstant('2027-01-19T16:00:00Z')
const PERIOD_SECONDS = 900
const WINDOW_SECONDS = 2 * PERIOD_SECONDS
const WINDOW_END = instant(WINDOW_START + WINDOW_SECONDS * 1000)
const PRICE_CAP = '450000'
/** Ten steps of a control cycle each. */
const RESTART_SECONDS = 300
const MAIN_SHARE = 0.4
const OVERLAPPING_SHARE = 0.15
/**
 * Free at the north point outside the window while all cars charge: four batteries at full power,
 * and a car counts with a twentieth more than it drew. So nobody waits for room in the demo.
 */
const QUIET_HEADROOM_W = 48_000
const NORTH_CHARGERS = 16
const SOUTH_CHARGERS = 8
/** At the north point: leave so soon that there is nothing to give. */
const HURRIED = 2

const MINUTE = 60_000
/** A car draws a little less than it is offered. */
const CHARGE_POINTS = [
  { phases: 1, importMaxW: 7360, cars: [7130, 6600] },
  { phases: 3, importMaxW: 11_040, cars: [10_695, 10_350] },
  { phases: 1, importMaxW: 3680, cars: [3565, 3450] },
] as const

/** The world that `gridcall demo` plays: a pure function of the seed. */
export function bundledScenario(seed: number): Scenario {
  const random = seededRandom(seed, 'bundled')
  const chargers = random
    .shuffle(Array.from({ length: NORTH_CHARGERS + SOUTH_CHARGERS }, (_, index) => index + 1))
    .map((number, place) => bundledCharger(seed, number, place))
    .sort((a, b) => (a.device.ref < b.device.ref ? -1 : 1))
  const unowned = dealPrices([...chargers, ...bundledBatteries(seed)], random)
  const late = lateOffer(unowned)
  const { owners, sites, devices } = dealOwners(late, random)
  const calls = callsFor(late)
  const north = northFeeder(late, calls)
  return {
    name: 'bundled',
    seed,
    timeZone: TIME_ZONE,
    start: formatInstant(START),
    settlementPeriodSeconds: PERIOD_SECONDS,
    meteringIntervalSeconds: 30,
    restartSeconds: RESTART_SECONDS,
    congestionPoints: congestionPoints(northRoom(late, north)),
    aggregators: AGGREGATORS,
    owners,
    sites,
    devices,
    feeders: [north, southFeeder(late)],
    calls,
    input: null,
  }
}

/** @param place 0 … in the shuffled order: the first sixteen stand in the north */
function bundledCharger(seed: number, number: number, place: number): Unowned {
  const ref = `res-cp-${pad(number)}`
  const random = seededRandom(seed, 'charger', ref)
  const kind = random.pick(CHARGE_POINTS)
  const drawsW = random.pick(kind.cars)
  const north = place < NORTH_CHARGERS
  const visit = driver(random, drawsW, north && place < HURRIED)
  const past = pastDays(random, visit, drawsW)
  const sinceWh = (drawsW * (START - Date.parse(visit.chargingFrom))) / 3_600_000
  const device: ScenarioCharger = {
    kind: 'charger',
    ref,
    site: '',
    version: place % 2 === 0 ? '1.6' : '2.0.1',
    rateUnit: Math.floor(place / 2) % 2 === 0 ? 'A' : 'W',
    rating: {
      importMaxW: kind.importMaxW,
      exportMaxW: 0,
      importMinW: importMinW(kind.phases),
      phases: kind.phases,
      energyWh: 0,
      reserveWh: 0,
      pausable: random.next() < 0.5,
    },
    offer: { price: '0', directions: ['reduce-import'], fromMinute: 360, untilMinute: 1410 },
    registerWh: past.registerWh + Math.ceil(sinceWh),
    visits: [visit],
    history: past.history,
  }
  return { device, congestionPoint: north ? NORTH : SOUTH }
}

/**
 * A driver whose car draws steadily through the whole window and leaves hours later with slack; a
 * hurried one leaves soon after it and needs nearly every minute.
 */
function driver(random: SeededRandom, drawsW: number, hurried: boolean): Visit {
  const pluggedInAt = WINDOW_START - random.integer(35, 90) * MINUTE
  const departureAt =
    WINDOW_START + (hurried ? random.integer(42, 50) : random.integer(150, 300)) * MINUTE
  const hours = (departureAt - pluggedInAt) / 3_600_000
  const share = hurried ? 0.99 : random.between(0.45, 0.6)
  const capacityWh = random.integer(52, 80) * 1000
  const socAtPlugIn = random.integer(15, 33) / 100
  const efficiency = 0.92
  const roomWh = ((0.78 - socAtPlugIn) * capacityWh) / efficiency
  return {
    pluggedInAt: formatInstant(instant(pluggedInAt)),
    chargingFrom: formatInstant(instant(pluggedInAt)),
    departureAt: formatInstant(instant(departureAt)),
    energyNeededWh: Math.floor(Math.min(roomWh, drawsW * hours * share)),
    car: { capacityWh, maxW: drawsW, efficiency, socAtPlugIn, stopAtSoc: 1 },
  }
}

/** The same habit on the ten working days before, a few per cent more or less each time. */
function pastDays(random: SeededRandom, visit: Visit, drawsW: number) {
  let registerWh = random.integer(200, 9000) * 1000
  const history: { at: string; registerWh: number }[] = []
  for (const daysBefore of workingDaysBefore(WINDOW_START, TIME_ZONE)) {
    const windowStart = sameLocalTime(WINDOW_START, daysBefore, TIME_ZONE)
    const shift = windowStart - WINDOW_START
    const from = Date.parse(visit.chargingFrom) + shift + random.integer(-10, 10) * MINUTE
    const until = Date.parse(visit.departureAt) + shift + random.integer(-8, 30) * MINUTE
    const powerW = drawsW * (1 + clamp(random.normal() * 0.015, 0.03))
    const drawn = (at: number) => (powerW * Math.max(0, Math.min(at, until) - from)) / 3_600_000
    for (let minute = -60; minute <= 120; minute += 15) {
      const at = windowStart + minute * MINUTE
      history.push({
        at: formatInstant(instant(at)),
        registerWh: Math.floor(registerWh + drawn(at)),
      })
    }
    registerWh = Math.ceil(registerWh + drawn(until))
  }
  return { history, registerWh }
}

function clamp(value: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, value))
}

/** The dearest charger of the north point that has time is on offer from 20:00 only. */
function lateOffer(unowned: readonly Unowned[]): Unowned[] {
  const dearest = unowned
    .filter(({ device, congestionPoint }) => {
      if (device.kind === 'battery' || congestionPoint !== NORTH) return false
      return !hurriedVisit(device.visits[0])
    })
    .sort((a, b) => Number(b.device.offer.price) - Number(a.device.offer.price))[0]
  return unowned.map((one) => {
    if (one !== dearest) return one
    return { ...one, device: { ...one.device, offer: { ...one.device.offer, fromMinute: 1200 } } }
  })
}

type Capable = { readonly price: number; readonly turnDownW: number }

/** What those can give that are on offer and have time, cheapest first. */
function northMeritOrder(unowned: readonly Unowned[]): Capable[] {
  const capable: Capable[] = []
  for (const { device } of unowned.filter(isCallable)) {
    const price = Number(device.offer.price)
    if (device.kind === 'battery') {
      const turnDownW = wholeHundreds(batteryTurnDownW(device, WINDOW_SECONDS))
      capable.push({ price, turnDownW })
    } else {
      const window = { start: WINDOW_START, end: WINDOW_END }
      const habitualW = Math.min(drawn(device), habitW(device, window, TIME_ZONE))
      capable.push({ price, turnDownW: wholeHundreds(chargerTurnDownW(device, habitualW)) })
    }
  }
  return capable.sort((a, b) => a.price - b.price)
}

function isCallable({ device, congestionPoint }: Unowned): boolean {
  if (congestionPoint !== NORTH) return false
  if (device.kind === 'battery') return true
  return device.offer.fromMinute < 1000 && !hurriedVisit(device.visits[0])
}

function hurriedVisit(visit: Visit | undefined): boolean {
  return visit !== undefined && Date.parse(visit.departureAt) < WINDOW_START + 120 * MINUTE
}

function drawn(device: ScenarioCharger): number {
  return device.visits[0]?.car.maxW ?? 0
}

/**
 * About a share of the turn-down: all of the cheapest and half of the next dearer one. So the last
 * device in the order is asked for something that shows, too.
 */
function askFor(order: readonly Capable[], targetW: number): { powerW: number; taken: number } {
  let sumW = 0
  for (const [index, { turnDownW }] of order.entries()) {
    const powerW = wholeHundreds(sumW + turnDownW / 2)
    if (sumW + turnDownW > targetW) return { powerW, taken: index + 1 }
    sumW += turnDownW
  }
  return { powerW: wholeHundreds(sumW), taken: order.length }
}

function callsFor(unowned: readonly Unowned[]): { main: ScenarioCall; overlapping: ScenarioCall } {
  const order = northMeritOrder(unowned)
  const totalW = order.reduce((sum, { turnDownW }) => sum + turnDownW, 0)
  const first = askFor(order, totalW * MAIN_SHARE)
  const second = askFor(order.slice(first.taken), totalW * OVERLAPPING_SHARE)
  const starts = [WINDOW_START, instant(WINDOW_START + PERIOD_SECONDS * 1000)]
  const call = (from: number, powerW: number): ScenarioCall => ({
    congestionPoint: NORTH,
    direction: 'reduce-import',
    windowStart: formatInstant(starts[from] ?? WINDOW_START),
    windowEnd: formatInstant(WINDOW_END),
    periods: starts.slice(from).map((start) => ({ start: formatInstant(start), powerW })),
    priceCap: PRICE_CAP,
  })
  return { main: call(0, first.powerW), overlapping: call(1, second.powerW) }
}

/** In each period exactly what the calls ask for flows too much. */
function northFeeder(
  unowned: readonly Unowned[],
  { main, overlapping }: { main: ScenarioCall; overlapping: ScenarioCall },
): ScenarioFeeder {
  const firmLimitW = 320_000
  const devicesW = fleetW(unowned, NORTH)
  const [first, second] = main.periods.map(({ powerW }) => powerW)
  const extra = overlapping.periods[0]?.powerW ?? 0
  const quietW = firmLimitW - devicesW - QUIET_HEADROOM_W
  const base = (minute: number, powerW: number) => ({
    at: formatInstant(instant(WINDOW_START + minute * MINUTE)),
    powerW,
  })
  return {
    congestionPoint: NORTH,
    firmLimitW,
    baseLoad: [
      base(-60, quietW),
      base(0, firmLimitW + (first ?? 0) - devicesW),
      base(15, firmLimitW + (second ?? 0) + extra - devicesW),
      base(30, quietW),
    ],
  }
}

/**
 * What its DSO says of the time after the window: the firm limit, and that beside the quiet load
 * the cars of those charge that no call can move.
 */
function northRoom(unowned: readonly Unowned[], feeder: ScenarioFeeder): CongestionRoom {
  const fixed = unowned.filter((one) => !isCallable(one))
  const fixedW = fleetW(fixed, NORTH)
  const quietW = feeder.baseLoad.at(-1)?.powerW ?? 0
  return { limitW: feeder.firmLimitW, baseLoadW: [quietW + fixedW] }
}

function southFeeder(unowned: readonly Unowned[]): ScenarioFeeder {
  const at = formatInstant(instant(WINDOW_START - 60 * MINUTE))
  const powerW = 150_000 - fleetW(unowned, SOUTH)
  return { congestionPoint: SOUTH, firmLimitW: 240_000, baseLoad: [{ at, powerW }] }
}

function fleetW(unowned: readonly Unowned[], congestionPoint: string): number {
  return unowned
    .filter((one) => one.congestionPoint === congestionPoint)
    .reduce((sum, { device }) => sum + (device.kind === 'charger' ? drawn(device) : 0), 0)
}
