import type { ResourceId } from '../ids.ts'
import {
  type BusLoad,
  branchIndex,
  busesBelow,
  type Feeder,
  type FeederFlow,
  loadsWith,
  perUnitOhm,
} from './feeder.ts'
import { sweepFlow } from './sweep.ts'

/** W by which a bus is moved up and down to see what the element feels. */
const PROBE_W = 1_000

/**
 * W that a branch carries less, at its end nearer the root, per W that is drawn less at each bus: 1 and
 * the marginal loss on the way for a bus below it, 0 for every other. null: the loads have no solution.
 * One pair of AC solutions per bus asked for; `only` names the places asked for.
 */
export function effectOnBranch(
  feeder: Feeder,
  branchId: string,
  loads: readonly BusLoad[] = feeder.buses,
  only: ReadonlySet<number> | null = null,
): number[] | null {
  const branch = branchIndex(feeder, branchId)
  const below = busesBelow(feeder, branch)
  const effects: number[] = []
  for (const [bus, isBelow] of below.entries()) {
    if (!isBelow || only?.has(bus) === false) {
      effects.push(0)
      continue
    }
    const more = sweepFlow(feeder, loadsWith(loads, new Map([[bus, PROBE_W]])))
    const less = sweepFlow(feeder, loadsWith(loads, new Map([[bus, -PROBE_W]])))
    if (more === null || less === null) return null
    effects.push(((more.branchW[branch] ?? 0) - (less.branchW[branch] ?? 0)) / (2 * PROBE_W))
  }
  return effects
}

/** The same per device that the feeder knows; null: the loads have no solution. */
export function resourceEffects(
  feeder: Feeder,
  branchId: string,
  loads: readonly BusLoad[] = feeder.buses,
): ReadonlyMap<ResourceId, number> | null {
  const places = new Map(feeder.buses.map(({ id }, index) => [id, index]))
  const asked = new Set(feeder.resources.map(({ bus }) => places.get(bus) ?? -1))
  const effects = effectOnBranch(feeder, branchId, loads, asked)
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
