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

/** The margin of each period of a window. A device that fails, fails for the whole window. */
export function marginsFor(question: MarginsQuestion): Margin[] {
  const { units, needsW, risk, uniform, draws = DRAWS } = question
  const shocks = drawShocks(question, draws)
  const allowedShort = Math.floor(risk * draws)
  const periods = needsW.map((needW, i) => ({
    i,
    needW,
    deliveredW: new Float64Array(draws),
    held: 0,
    heldW: 0,
    isEnough: needW <= 0,
  }))
  for (const unit of units) {
    const open = periods.filter(({ isEnough }) => !isEnough)
    if (open.length === 0) break
    const factors = factorsOf(unit, shocks, uniform, draws)
    for (const period of open) {
      const powerW = unit.powersW[period.i] ?? 0
      addTo(period.deliveredW, powerW, factors)
      period.held += 1
      period.heldW += powerW
      if (period.heldW < period.needW) continue
      period.isEnough = shortDraws(period.deliveredW, period.needW) <= allowedShort
    }
  }
  return periods.map(({ i, needW, deliveredW, held, heldW, isEnough }) => {
    const ordered = countUntil(
      units.map(({ powersW }) => powersW[i] ?? 0),
      needW,
    )
    const surelyW = lowerQuantile(deliveredW, allowedShort)
    return { held, heldW, ordered: Math.min(ordered, held), surelyW, isEnough }
  })
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

/** What of its power the unit gives in each draw: the chance to be reached, then its share. */
function factorsOf(
  unit: Omit<UncertainUnit, 'powerW'>,
  shocks: ReadonlyMap<string, Float64Array>,
  uniform: Uniform,
  draws: number,
): Float64Array {
  const chance = betaMean(unit.reached)
  const shares = Float64Array.from({ length: SHARES }, () => drawBeta(unit.delivered, uniform))
  const own = unit.groups.flatMap((group) => shocks.get(group) ?? [])
  const factors = new Float64Array(draws)
  for (let draw = 0; draw < draws; draw += 1) {
    let q = chance
    for (const shock of own) q *= shock[draw] ?? 1
    const u = uniform()
    if (u >= q) continue
    // Below q, u says nothing more about reach: it may pick the share.
    factors[draw] = shares[Math.floor((u / Math.min(1, q)) * SHARES)] ?? 1
  }
  return factors
}

function addTo(deliveredW: Float64Array, powerW: number, factors: Float64Array): void {
  if (powerW === 0) return
  for (let draw = 0; draw < deliveredW.length; draw += 1) {
    deliveredW[draw] = (deliveredW[draw] ?? 0) + powerW * (factors[draw] ?? 0)
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

/** The value below which no more than so many draws lie. */
function lowerQuantile(deliveredW: Float64Array, allowedShort: number): number {
  return deliveredW.toSorted()[Math.min(allowedShort, deliveredW.length - 1)] ?? 0
}
