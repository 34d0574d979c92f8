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
export function marginFor(question: MarginQuestion): Margin {
  const { units, needW, risk, uniform, draws = DRAWS } = question
  const shocks = drawShocks(question, draws)
  const deliveredW = new Float64Array(draws)
  const allowedShort = Math.floor(risk * draws)
  const ordered = countUntil(units, needW)
  let held = 0
  let heldW = 0
  let isEnough = needW <= 0
  for (const unit of units) {
    if (isEnough) break
    addUnit(deliveredW, unit, shocks, uniform)
    held += 1
    heldW += unit.powerW
    if (heldW >= needW) isEnough = shortDraws(deliveredW, needW) <= allowedShort
  }
  const surelyW = lowerQuantile(deliveredW, allowedShort)
  return { held, heldW, ordered: Math.min(ordered, held), surelyW, isEnough }
}

/** Of each draw the chance of the unit to be reached, then what it gives. */
function addUnit(
  deliveredW: Float64Array,
  unit: UncertainUnit,
  shocks: ReadonlyMap<string, Float64Array>,
  uniform: Uniform,
): void {
  const chance = betaMean(unit.reached)
  const shares = Float64Array.from({ length: SHARES }, () => drawBeta(unit.delivered, uniform))
  const own = unit.groups.flatMap((group) => shocks.get(group) ?? [])
  for (let draw = 0; draw < deliveredW.length; draw += 1) {
    let q = chance
    for (const shock of own) q *= shock[draw] ?? 1
    const u = uniform()
    if (u >= q) continue
    // Below q, u says nothing more about reach: it may pick the share.
    const picked = shares[Math.floor((u / Math.min(1, q)) * SHARES)] ?? 1
    deliveredW[draw] = (deliveredW[draw] ?? 0) + unit.powerW * picked
  }
}

/** Only of groups that a unit is in: the dice of the others do not move with them. */
function drawShocks(
  { units, groups, uniform }: MarginQuestion,
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

function countUntil(units: readonly UncertainUnit[], needW: number): number {
  let sumW = 0
  let count = 0
  for (const { powerW } of units) {
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
