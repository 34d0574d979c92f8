import { type BusLoad, type Feeder, type FeederFlow, perUnitOhm } from './feeder.ts'

const SWEEPS_MAX = 200
/** Per unit, between two sweeps. */
const SETTLED = 1e-11

/** Complex values per unit, by place. */
export type Phasors = { readonly re: Float64Array; readonly im: Float64Array }

/** Voltages of all buses and the current of the branch that leads to each; of the root's all. */
export type FeederPhasors = { readonly voltage: Phasors; readonly current: Phasors }

/**
 * The full AC solution of a radial feeder by backward and forward sweeps: currents from the loads at
 * the voltages known, then voltages from the currents, until nothing moves. null: no voltage carries
 * these loads (beyond the nose of the P-V curve the sweeps do not settle).
 */
export function sweepFlow(
  feeder: Feeder,
  loads: readonly BusLoad[] = feeder.buses,
): FeederFlow | null {
  const found = sweepPhasors(feeder, loads)
  return found === null ? null : flowOf(feeder, loads, found.voltage, found.current)
}

/** The same solution as phasors. */
export function sweepPhasors(feeder: Feeder, loads: readonly BusLoad[]): FeederPhasors | null {
  const count = feeder.buses.length
  const voltage = {
    re: new Float64Array(count).fill(feeder.rootVoltagePu),
    im: new Float64Array(count),
  }
  const current = { re: new Float64Array(count), im: new Float64Array(count) }
  for (let sweep = 0; sweep < SWEEPS_MAX; sweep += 1) {
    gatherCurrents(feeder, loads, voltage, current)
    const moved = dropVoltages(feeder, voltage, current)
    if (Number.isNaN(moved)) return null
    if (moved < SETTLED) return { voltage, current }
  }
  return null
}

/** Backwards: `I = conj(S / V)` of each bus and of all behind it. */
function gatherCurrents(
  { buses, parents, baseMva }: Feeder,
  loads: readonly BusLoad[],
  voltage: Phasors,
  current: Phasors,
): void {
  const baseVa = baseMva * 1e6
  for (let bus = 0; bus < buses.length; bus += 1) {
    const re = voltage.re[bus] ?? 0
    const im = voltage.im[bus] ?? 0
    const p = (loads[bus]?.loadW ?? 0) / baseVa
    const q = (loads[bus]?.loadVar ?? 0) / baseVa
    const squared = re * re + im * im
    current.re[bus] = (p * re + q * im) / squared
    current.im[bus] = (p * im - q * re) / squared
  }
  for (let bus = buses.length - 1; bus > 0; bus -= 1) {
    const parent = parents[bus - 1] ?? 0
    current.re[parent] = (current.re[parent] ?? 0) + (current.re[bus] ?? 0)
    current.im[parent] = (current.im[parent] ?? 0) + (current.im[bus] ?? 0)
  }
}

/** Forwards: `V = V_parent - z I`. How far the voltage moved that moved most, per unit. */
function dropVoltages(feeder: Feeder, voltage: Phasors, current: Phasors): number {
  const ohm = perUnitOhm(feeder)
  let moved = 0
  feeder.branches.forEach(({ rOhm, xOhm }, index) => {
    const bus = index + 1
    const parent = feeder.parents[index] ?? 0
    const r = rOhm / ohm
    const x = xOhm / ohm
    const iRe = current.re[bus] ?? 0
    const iIm = current.im[bus] ?? 0
    const re = (voltage.re[parent] ?? 0) - r * iRe + x * iIm
    const im = (voltage.im[parent] ?? 0) - r * iIm - x * iRe
    const by = Math.hypot(re - (voltage.re[bus] ?? 0), im - (voltage.im[bus] ?? 0))
    moved = Number.isFinite(by) ? Math.max(moved, by) : Number.NaN
    voltage.re[bus] = re
    voltage.im[bus] = im
  })
  return moved
}

function flowOf(
  { buses, branches, parents, baseMva }: Feeder,
  loads: readonly BusLoad[],
  voltage: Phasors,
  current: Phasors,
): FeederFlow {
  const baseVa = baseMva * 1e6
  const branchW: number[] = []
  const branchVar: number[] = []
  branches.forEach((_, index) => {
    const re = voltage.re[parents[index] ?? 0] ?? 0
    const im = voltage.im[parents[index] ?? 0] ?? 0
    const iRe = current.re[index + 1] ?? 0
    const iIm = current.im[index + 1] ?? 0
    branchW.push((re * iRe + im * iIm) * baseVa)
    branchVar.push((im * iRe - re * iIm) * baseVa)
  })
  const fromRoot = branchW.reduce((sum, w, index) => (parents[index] === 0 ? sum + w : sum), 0)
  const drawn = loads.reduce((sum, { loadW }, bus) => (bus === 0 ? sum : sum + loadW), 0)
  return {
    voltagePu: buses.map((_, bus) => Math.hypot(voltage.re[bus] ?? 0, voltage.im[bus] ?? 0)),
    branchW,
    branchVar,
    lossW: fromRoot - drawn,
  }
}
