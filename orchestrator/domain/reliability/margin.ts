import { assert } from '../errors.ts'
import { type Beta, betaMean } from './beta.ts'
import { drawBeta, type Uniform } from './draws.ts'

export const DRAWS = 2_000
/** The shares that a device gives once reached are drawn so often, and then picked from. */
const SHARES = 64

/** A device in merit order: what it can give, and how sure that is. */
export type UncertainUnit = {
  readonly powerW: number
  readonly reached: Beta
  readonly delivered: Beta
  /** What it has in common with others (a manufacturer's cloud, a cohort), by name. */
  readonly groups: readonly string[]
}

export type MarginQuestion = {
  /** In merit order: the margin takes from the front. */
  readonly units: readonly UncertainUnit[]
  /** Of each group: what is left of it on a day, as one shared share; a name without one is sure. */
  readonly groups: ReadonlyMap<string, Beta>
  /** What is to be delivered, W. */
  readonly needW: number
  /** The chance that less is delivered, 0.05 where a program promises 95 %. */
  readonly risk: number
  readonly uniform: Uniform
  readonly draws?: number
}

export type Margin = {
  /** So many from the front are held; the first of them that add up to the need are ordered. */
  readonly held: number
  readonly heldW: number
  /** Those behind the ordered ones wait as a warm reserve. */
  readonly ordered: number
  /** What those held deliver or exceed but for the risk, W. */
  readonly surelyW: number
  /** False: all there are do not reach the need; what may be promised is `surelyW`. */
  readonly isEnough: boolean
}

/**
 * Takes devices in merit order until they deliver the need but for the risk, over draws of what might
 * happen: shared shocks first (one share per group, drawn once per draw and divided by its mean: a
 * device's own record knows the mean already), then each device's own reach and share.
 */
export function marginFor({ units, needW, ...rest }: MarginQuestion): Margin {
  const alone = units.map(({ powerW, ...unit }) => ({ ...unit, powersW: [powerW] }))
  const [margin] = marginsFor({ ...rest, units: alone, needsW: [needW] })
  assert(margin !== undefined, 'one need has one margin')
  return margin
}

export type MarginsQuestion = Omit<MarginQuestion, 'units' | 'needW'> & {
  /** In merit order, with what each can give in each period. */
  readonly units: readonly (Omit<UncertainUnit, 'powerW'> & {
    readonly powersW: readonly number[]
  })[]
  readonly needsW: readonly number[]
}

/**
 * The margin of each period of a window: in all but the risk of what might happen no period of it
 * falls short. A device that fails, fails for the whole window.
 */
export function marginsFor(question: MarginsQuestion): Margin[] {
  const { units, needsW, risk, draws = DRAWS } = question
  const allowedShort = Math.floor(risk * draws)
  const drawnOf = drawerOf(question, draws)
  const periods = needsW.map((needW, i): DrawnPeriod => {
    const powersW = units.map((unit) => unit.powersW[i] ?? 0)
    return { needW, powersW, deliveredW: new Float64Array(draws), held: 0, heldW: 0 }
  })
  for (const period of periods) extend(period, allowedShort, drawnOf)
  const enough = periods.filter((period) => isEnoughAt(period, allowedShort))
  // Enough each for itself: each of them takes more until they are together.
  for (let level = allowedShort - 1; level >= 0; level -= 1) {
    if (shortAnywhere(enough) <= allowedShort) break
    for (const period of enough) extend(period, level, drawnOf)
  }
  const isRare = shortAnywhere(enough) <= allowedShort
  const promised = new Set(isRare ? enough : [])
  const surelyW = surelyTogether(periods, promised, allowedShort)
  return periods.map((period, i) => {
    const { needW, powersW, held, heldW } = period
    const ordered = Math.min(countUntil(powersW, needW), held)
    const isEnough = promised.has(period) || needW <= 0
    return { held, heldW, ordered, surelyW: surelyW[i] ?? 0, isEnough }
  })
}

/** One period of a window, with what those held from the front deliver in each draw. */
type DrawnPeriod = {
  readonly needW: number
  readonly powersW: readonly number[]
  readonly deliveredW: Float64Array
  held: number
  heldW: number
}

function isEnoughAt({ needW, heldW, deliveredW }: DrawnPeriod, allowedShort: number): boolean {
  return needW <= 0 || (heldW >= needW && shortDraws(deliveredW, needW) <= allowedShort)
}

/** Holds more from the front until no more draws than allowed are short, or nobody is left. */
function extend(period: DrawnPeriod, allowedShort: number, drawnOf: (unit: number) => Drawn): void {
  while (period.held < period.powersW.length && !isEnoughAt(period, allowedShort)) {
    const powerW = period.powersW[period.held] ?? 0
    addTo(period.deliveredW, powerW, drawnOf(period.held))
    period.held += 1
    period.heldW += powerW
  }
}

/** Additions of one device in one period of one draw: what an offer may cost at gate closure. */
const WORK = 100_000_000
const DRAWS_MIN = 200
/** Of fewer draws than twice one over the risk too few are short to tell the risk from none. */
const SHORT_MIN = 2

/**
 * How many draws a window of so many periods gets: fewer than usual for a large fleet, so that its
 * margin takes no longer, and never too few to see the risk. The same fleet gets the same.
 */
export function drawsWithin(units: number, periods: number, risk: number): number {
  const affordable = Math.floor(WORK / Math.max(1, units * periods))
  const least = Math.max(DRAWS_MIN, risk > 0 ? Math.ceil(SHORT_MIN / risk) : DRAWS)
  return Math.min(DRAWS, Math.max(least, affordable))
}

/** What of its power a unit gives: in each draw one of some shares, the last of which is nothing. */
type Drawn = { readonly shares: Float64Array; readonly picks: Uint8Array }

/** Draws each unit once, in merit order, whichever period asks for it first. */
function drawerOf(question: Omit<MarginsQuestion, 'risk'>, draws: number): (unit: number) => Drawn {
  const { units, uniform } = question
  const shocks = drawShocks(question, draws)
  const drawn: Drawn[] = []
  return (index) => {
    for (const unit of units.slice(drawn.length, index + 1)) {
      drawn.push(draw(unit, shocks, uniform, draws))
    }
    const found = drawn[index]
    assert(found !== undefined, 'a period holds units that there are')
    return found
  }
}

/** The chance to be reached, then the share. */
function draw(
  unit: Omit<UncertainUnit, 'powerW'>,
  shocks: ReadonlyMap<string, Float64Array>,
  uniform: Uniform,
  draws: number,
): Drawn {
  const chance = betaMean(unit.reached)
  const shares = new Float64Array(SHARES + 1)
  for (let i = 0; i < SHARES; i += 1) shares[i] = drawBeta(unit.delivered, uniform)
  const own = unit.groups.flatMap((group) => shocks.get(group) ?? [])
  const picks = new Uint8Array(draws).fill(SHARES)
  for (let i = 0; i < draws; i += 1) {
    let q = chance
    for (const shock of own) q *= shock[i] ?? 1
    const u = uniform()
    // Below q, u says nothing more about reach: it may pick the share.
    if (u < q) picks[i] = Math.floor((u / Math.min(1, q)) * SHARES)
  }
  return { shares, picks }
}

function addTo(deliveredW: Float64Array, powerW: number, { shares, picks }: Drawn): void {
  if (powerW === 0) return
  for (let i = 0; i < deliveredW.length; i += 1) {
    deliveredW[i] = (deliveredW[i] ?? 0) + powerW * (shares[picks[i] ?? SHARES] ?? 0)
  }
}

/** Only of groups that a unit is in: the dice of the others do not move with them. */
function drawShocks(
  { units, groups, uniform }: Pick<MarginsQuestion, 'units' | 'groups' | 'uniform'>,
  draws: number,
): Map<string, Float64Array> {
  const named = [...new Set(units.flatMap((unit) => unit.groups))].sort()
  const shocks = new Map<string, Float64Array>()
  for (const name of named) {
    const group = groups.get(name)
    if (group === undefined) continue
    const mean = betaMean(group)
    const factor = () => (mean > 0 ? drawBeta(group, uniform) / mean : 0)
    shocks.set(name, Float64Array.from({ length: draws }, factor))
  }
  return shocks
}

/** In how many draws at least one of the periods is short of its need. */
function shortAnywhere(periods: readonly Pick<DrawnPeriod, 'deliveredW' | 'needW'>[]): number {
  const [first] = periods
  if (first === undefined) return 0
  const isShort = new Uint8Array(first.deliveredW.length)
  for (const { deliveredW, needW } of periods) {
    for (let i = 0; i < isShort.length; i += 1) {
      if ((deliveredW[i] ?? 0) < needW) isShort[i] = 1
    }
  }
  return isShort.reduce((sum, one) => sum + one, 0)
}

/**
 * W that may be promised in each period so that no more draws than allowed are short in any of them:
 * each its own lower quantile, all at the same depth, the deepest that keeps to it; what is enough
 * is promised as it was asked for.
 */
function surelyTogether(
  periods: readonly DrawnPeriod[],
  promised: ReadonlySet<DrawnPeriod>,
  allowedShort: number,
): number[] {
  const sorted = periods.map(({ deliveredW }) => deliveredW.toSorted())
  const at = (depth: number) => sorted.map((all) => all[Math.min(depth, all.length - 1)] ?? 0)
  let [kept, tooDeep] = [0, allowedShort + 1]
  while (tooDeep - kept > 1) {
    const depth = (kept + tooDeep) >> 1
    const surelyW = at(depth)
    const cut = periods.map((period, i) => {
      if (promised.has(period)) return period
      return { ...period, needW: Math.min(period.needW, surelyW[i] ?? 0) }
    })
    if (shortAnywhere(cut) <= allowedShort) kept = depth
    else tooDeep = depth
  }
  return at(kept)
}

function countUntil(powersW: readonly number[], needW: number): number {
  let sumW = 0
  let count = 0
  for (const powerW of powersW) {
    if (sumW >= needW) break
    sumW += powerW
    count += 1
  }
  return count
}

function shortDraws(deliveredW: Float64Array, needW: number): number {
  let short = 0
  for (const w of deliveredW) if (w < needW) short += 1
  return short
}
