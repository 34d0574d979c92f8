import { type BusLoad, type Feeder, type FeederFlow, perUnitOhm } from './feeder.ts'

/**
 * LinDistFlow (M. Baran, F. Wu 1989): powers add up towards the root, squared voltages fall away from
 * it, `W_b = W_parent - 2 (r P + x Q)`. Losses are left out, so its voltages are a little too high:
 * whoever judges a band by it keeps a margin. A voltage that would have no square root is 0.
 */
export function linDistFlow(feeder: Feeder, loads: readonly BusLoad[] = feeder.buses): FeederFlow {
  const { branches, parents, baseMva } = feeder
  const branchW = branches.map((_, index) => loads[index + 1]?.loadW ?? 0)
  const branchVar = branches.map((_, index) => loads[index + 1]?.loadVar ?? 0)
  for (let index = branches.length - 1; index >= 0; index -= 1) {
    const above = (parents[index] ?? 0) - 1
    if (above < 0) continue
    branchW[above] = (branchW[above] ?? 0) + (branchW[index] ?? 0)
    branchVar[above] = (branchVar[above] ?? 0) + (branchVar[index] ?? 0)
  }
  const ohm = perUnitOhm(feeder)
  const baseVa = baseMva * 1e6
  const squared = [feeder.rootVoltagePu ** 2]
  branches.forEach(({ rOhm, xOhm }, index) => {
    const drop = rOhm * (branchW[index] ?? 0) + xOhm * (branchVar[index] ?? 0)
    squared.push((squared[parents[index] ?? 0] ?? 0) - (2 * drop) / ohm / baseVa)
  })
  const voltagePu = squared.map((value) => Math.sqrt(Math.max(0, value)))
  return { voltagePu, branchW, branchVar, lossW: 0 }
}
