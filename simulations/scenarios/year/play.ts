import { seededRandom } from '../../random.ts'
import { type YearDevice, yearFleet } from './fleet.ts'
import { DAYS, type Truth, type YearLaw, yearLaw } from './law.ts'
import { askMargin, learn, newPolicy, type Policy, type PolicyName } from './policy.ts'

const FLEET = 260
const WINDOW_MINUTES = 60
/** Two readings until it is seen that a device does not follow, and its stand-in starts. */
const FOUND_OUT_MINUTES = 2

/** Devices and failures of a year: the same for every way of setting margins. */
export type YearWorld = {
  readonly seed: number
  readonly fleet: readonly YearDevice[]
  readonly law: YearLaw
}

export function yearWorld(seed: number, devices = FLEET): YearWorld {
  return { seed, fleet: yearFleet(seed, devices), law: yearLaw(seed) }
}

export type YearCall = {
  readonly day: number
  readonly shocks: readonly string[]
  readonly requestedW: number
  readonly orderedW: number
  /** Of all that were held, ordered or as a reserve. */
  readonly heldW: number
  /** Of those that were called: the ordered ones and what was needed of the reserve. */
  readonly calledW: number
  /** What all held would have given: the margin's own forecast is judged by it. */
  readonly couldW: number
  /** What the margin said they give or exceed but for the risk. */
  readonly surelyW: number
  /** Held in the end, with every stand-in that was needed. */
  readonly deliveredW: number
  readonly wasShort: boolean
  /** Minute by minute: what those held would draw, and what the call took off it. */
  readonly minutes: readonly YearMinute[]
}

export type YearMinute = {
  readonly baselineW: number
  /** By those ordered first, and by their stand-ins. */
  readonly orderedPartW: number
  readonly repairedPartW: number
}

/** The same year, failures and requests under one way of setting margins. */
export function playYear(world: YearWorld, calls: number, name: PolicyName): YearCall[] {
  const policy = newPolicy(name)
  return callDays(world.seed, calls).map((day, call) => {
    return playCall({ ...world, call, day, requestedW: requestOn(world, day), policy })
  })
}

/** What the DSO asks for on a day: a part of what the fleet has on most of them, W. */
export function requestOn({ seed, fleet }: YearWorld, day: number): number {
  const typicalW = fleet.reduce((sum, { powerW }) => sum + powerW, 0) * 0.65
  const share = seededRandom(seed, 'year', 'request', day).between(0.25, 0.55)
  return Math.max(1, Math.round((typicalW * share) / 1_000)) * 1_000
}

/** The days with a call, in order. @throws RangeError for more calls than days */
export function callDays(seed: number, calls: number): number[] {
  if (!Number.isInteger(calls) || calls < 1 || calls > DAYS) {
    throw new RangeError(`calls: expected 1 to ${DAYS}, got ${calls}`)
  }
  const days = Array.from({ length: DAYS }, (_, day) => day)
  const picked = seededRandom(seed, 'year', 'days').shuffle(days).slice(0, calls)
  return picked.sort((a, b) => a - b)
}

type Turn = YearWorld & {
  readonly call: number
  readonly day: number
  readonly requestedW: number
  readonly policy: Policy
}

type Held = { readonly device: YearDevice; readonly truth: Truth }

function playCall({ seed, call, day, requestedW, fleet, law, policy }: Turn): YearCall {
  const there = fleet
    .map((device) => ({ device, truth: law.truth(device, day) }))
    .filter(({ truth }) => truth.isOffered)
  const devices = there.map(({ device }) => device)
  const margin = askMargin(policy, devices, requestedW, { seed, call })
  // Less is promised where all that there is does not reach what was asked for.
  const orderedW = margin.isEnough ? requestedW : Math.floor(margin.surelyW / 100) * 100
  const held = there.slice(0, margin.held)
  const first = countUntil(
    held.map(({ device }) => device.powerW),
    orderedW,
  )
  const { called, waves, deliveredW } = repair(held, first, orderedW)
  const wasShort = deliveredW < orderedW
  learn(policy, held.slice(0, called), wasShort)
  const sumW = (some: readonly Held[]) => some.reduce((sum, { device }) => sum + device.powerW, 0)
  return {
    day,
    shocks: law.shocksOn(day),
    requestedW,
    orderedW,
    heldW: sumW(held),
    calledW: sumW(held.slice(0, called)),
    couldW: gotW(held),
    surelyW: margin.surelyW,
    deliveredW,
    wasShort,
    minutes: minutesOf(seed, day, held, waves),
  }
}

/** Stand-ins in waves, each for what was found missing, until it is there or nobody is left. */
function repair(held: readonly Held[], first: number, orderedW: number) {
  const waves = [first]
  let called = first
  let deliveredW = gotW(held.slice(0, called))
  while (deliveredW < orderedW && called < held.length) {
    const rest = held.slice(called).map(({ device }) => device.powerW)
    called += countUntil(rest, orderedW - deliveredW)
    waves.push(called)
    deliveredW = gotW(held.slice(0, called))
  }
  return { called, waves, deliveredW }
}

function minutesOf(
  seed: number,
  day: number,
  held: readonly Held[],
  waves: readonly number[],
): YearMinute[] {
  const random = seededRandom(seed, 'year', 'baseline', day)
  const chargersW = held.reduce(
    (sum, { device }) => sum + (device.kind === 'charger' ? device.powerW : 0),
    0,
  )
  const [first = 0] = waves
  let drift = 0
  return Array.from({ length: WINDOW_MINUTES }, (_, minute) => {
    drift = 0.9 * drift + 0.004 * random.normal()
    const wave = Math.min(waves.length - 1, Math.floor(minute / FOUND_OUT_MINUTES))
    // The first minute is on the way: half of it.
    const onTheWay = minute === 0 ? 0.5 : 1
    const orderedPartW = gotW(held.slice(0, first)) * onTheWay
    const repairedPartW = gotW(held.slice(first, waves[wave]))
    return { baselineW: chargersW * (1 + drift), orderedPartW, repairedPartW }
  })
}

function gotW(some: readonly Held[]): number {
  return some.reduce(
    (sum, { device, truth }) => sum + (truth.isReached ? device.powerW * truth.share : 0),
    0,
  )
}

function countUntil(powersW: readonly number[], needW: number): number {
  let sumW = 0
  let count = 0
  while (sumW < needW && count < powersW.length) {
    sumW += powersW[count] ?? 0
    count += 1
  }
  return count
}
