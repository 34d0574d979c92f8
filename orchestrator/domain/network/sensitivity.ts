import type { ResourceId } from '../ids.ts'
import {
  type BusLoad,
  branchIndex,
  busesBelow,
  type Feeder,
  type FeederFlow,
  perUnitOhm,
} from './feeder.ts'
import { marginalFlows } from './marginal-flows.ts'
import { sweepPhasors } from './sweep.ts'

/**
 * W that a branch carries less, at its end nearer the root, per W that is drawn less at each bus: 1 and
 * the marginal loss on the way for a bus below it, 0 for every other. null: the loads have no solution.
 */
export function effectOnBranch(
  feeder: Feeder,
  branchId: string,
  loads: readonly BusLoad[] = feeder.buses,
): number[] | null {
  const branch = branchIndex(feeder, branchId)
  const below = busesBelow(feeder, branch)
  const found = sweepPhasors(feeder, loads)
  const effects = found === null ? null : marginalFlows(feeder, branch, loads, found)
  return effects === null ? null : below.map((isBelow, bus) => (isBelow ? (effects[bus] ?? 0) : 0))
}

/** The same per device that the feeder knows; null: the loads have no solution. */
export function resourceEffects(
  feeder: Feeder,
  branchId: string,
  loads: readonly BusLoad[] = feeder.buses,
): ReadonlyMap<ResourceId, number> | null {
  const places = new Map(feeder.buses.map(({ id }, index) => [id, index]))
  const effects = effectOnBranch(feeder, branchId, loads)
  if (effects === null) return null
  return new Map(
    feeder.resources.map(({ resourceId, bus }) => [
      resourceId,
      effects[places.get(bus) ?? -1] ?? 0,
    ]),
  )
}

/** Per unit by which voltages move per W and per var drawn more at one bus; both are at most 0. */
export type VoltageEffect = { readonly perW: readonly number[]; readonly perVar: readonly number[] }

/**
 * `dV_j / dP_k = -R / V_j` with R the resistance that the ways from the root to j and to k share; the
 * same with reactances for Q. Drawing less at k raises every V_j by that much.
 */
export function effectOnVoltages(
  feeder: Feeder,
  bus: number,
  { voltagePu }: Pick<FeederFlow, 'voltagePu'>,
): VoltageEffect {
  const onTheWay = new Set<number>()
  for (let at = bus; at > 0; at = feeder.parents[at - 1] ?? 0) onTheWay.add(at)
  const shared = [{ r: 0, x: 0 }]
  feeder.branches.forEach(({ rOhm, xOhm }, index) => {
    const { r, x } = shared[feeder.parents[index] ?? 0] ?? { r: 0, x: 0 }
    shared.push(onTheWay.has(index + 1) ? { r: r + rOhm, x: x + xOhm } : { r, x })
  })
  const ohmVa = perUnitOhm(feeder) * feeder.baseMva * 1e6
  const per = (of: 'r' | 'x') =>
    shared.map((one, at) => -one[of] / ohmVa / (voltagePu[at] ?? Number.NaN) || 0)
  return { perW: per('r'), perVar: per('x') }
}
