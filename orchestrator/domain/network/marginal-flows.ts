import { type BusLoad, type Feeder, perUnitOhm } from './feeder.ts'
import type { FeederPhasors, Phasors } from './sweep.ts'

const SWEEPS_MAX = 200
/** Between two sweeps. */
const SETTLED = 1e-12

/**
 * How the active power into a branch, at its end nearer the root, moves with what is drawn at every bus
 * (W per W), at a solution of the sweeps. All of it from one solution: the sweeps are taken backwards
 * (their adjoint), so that a feeder of thousands of buses costs no more than a few solutions, where
 * moving each bus by itself costs two of them for each. null: what moves does not settle.
 *
 * With J the currents of branches and I those of loads, `T = Re(V_from conj(J_b))` is what moves by
 * `dV_child = dV - z dJ`, `dJ = sum of dI`, `dI = dP / conj(V) - conj(S) / conj(V)^2 conj(dV)`.
 * Of a complex x its adjoint a is the one with `dT = Re(conj(a) dx)`.
 */
export function marginalFlows(
  feeder: Feeder,
  branch: number,
  loads: readonly BusLoad[],
  { voltage, current }: FeederPhasors,
): number[] | null {
  const count = feeder.buses.length
  const byLoad = zeros(count)
  const ofVoltage = zeros(count)
  const ofCurrent = zeros(count)
  for (let sweep = 0; sweep < SWEEPS_MAX; sweep += 1) {
    gatherVoltages(feeder, branch, { byLoad, ofVoltage, current })
    spreadCurrents(feeder, branch, { ofVoltage, ofCurrent, voltage })
    const moved = throughLoads(feeder, loads, { byLoad, ofCurrent, voltage })
    if (Number.isNaN(moved)) return null
    if (moved < SETTLED) return feeder.buses.map((_, bus) => perWatt(bus, ofCurrent, voltage))
  }
  return null
}

/** Towards the root: a voltage moves all behind it, its load, and the flow into the branch. */
function gatherVoltages(
  { parents }: Feeder,
  branch: number,
  at: { readonly byLoad: Phasors; readonly ofVoltage: Phasors; readonly current: Phasors },
): void {
  const { byLoad, ofVoltage, current } = at
  ofVoltage.re.set(byLoad.re)
  ofVoltage.im.set(byLoad.im)
  const from = parents[branch] ?? 0
  add(ofVoltage, from, current.re[branch + 1] ?? 0, current.im[branch + 1] ?? 0)
  for (let bus = parents.length; bus > 0; bus -= 1) {
    add(ofVoltage, parents[bus - 1] ?? 0, ofVoltage.re[bus] ?? 0, ofVoltage.im[bus] ?? 0)
  }
}

/** Away from the root: a load's current flows through every branch on its way. */
function spreadCurrents(
  feeder: Feeder,
  branch: number,
  at: { readonly ofVoltage: Phasors; readonly ofCurrent: Phasors; readonly voltage: Phasors },
): void {
  const { ofVoltage, ofCurrent, voltage } = at
  const ohm = perUnitOhm(feeder)
  ofCurrent.re[0] = 0
  ofCurrent.im[0] = 0
  feeder.branches.forEach(({ rOhm, xOhm }, index) => {
    const [r, x] = [rOhm / ohm, xOhm / ohm]
    const [re, im] = [ofVoltage.re[index + 1] ?? 0, ofVoltage.im[index + 1] ?? 0]
    const parent = feeder.parents[index] ?? 0
    const isAsked = index === branch
    // The adjoint of a product with z is one with conj(z).
    const ownRe = (isAsked ? (voltage.re[parent] ?? 0) : 0) - (r * re + x * im)
    const ownIm = (isAsked ? (voltage.im[parent] ?? 0) : 0) - (r * im - x * re)
    ofCurrent.re[index + 1] = (ofCurrent.re[parent] ?? 0) + ownRe
    ofCurrent.im[index + 1] = (ofCurrent.im[parent] ?? 0) + ownIm
  })
}

/** A load of constant power draws another current at another voltage. How far the furthest moved. */
function throughLoads(
  { baseMva }: Feeder,
  loads: readonly BusLoad[],
  at: { readonly byLoad: Phasors; readonly ofCurrent: Phasors; readonly voltage: Phasors },
): number {
  const { byLoad, ofCurrent, voltage } = at
  const baseVa = baseMva * 1e6
  let moved = 0
  for (let bus = 1; bus < loads.length; bus += 1) {
    const p = (loads[bus]?.loadW ?? 0) / baseVa
    const q = (loads[bus]?.loadVar ?? 0) / baseVa
    const [vRe, vIm] = [voltage.re[bus] ?? 0, voltage.im[bus] ?? 0]
    // conj(S) / conj(V)^2 = conj(S) V^2 / |V|^4
    const scale = 1 / (vRe * vRe + vIm * vIm) ** 2
    const [squareRe, squareIm] = [vRe * vRe - vIm * vIm, 2 * vRe * vIm]
    const aRe = (p * squareRe + q * squareIm) * scale
    const aIm = (p * squareIm - q * squareRe) * scale
    const [iRe, iIm] = [ofCurrent.re[bus] ?? 0, ofCurrent.im[bus] ?? 0]
    const re = -(iRe * aRe + iIm * aIm)
    const im = -(iRe * aIm - iIm * aRe)
    const by = Math.hypot(re - (byLoad.re[bus] ?? 0), im - (byLoad.im[bus] ?? 0))
    moved = Number.isFinite(by) ? Math.max(moved, by) : Number.NaN
    byLoad.re[bus] = re
    byLoad.im[bus] = im
  }
  return moved
}

function perWatt(bus: number, ofCurrent: Phasors, voltage: Phasors): number {
  const [vRe, vIm] = [voltage.re[bus] ?? 0, voltage.im[bus] ?? 0]
  const along = (ofCurrent.re[bus] ?? 0) * vRe + (ofCurrent.im[bus] ?? 0) * vIm
  return along / (vRe * vRe + vIm * vIm)
}

function zeros(count: number): Phasors {
  return { re: new Float64Array(count), im: new Float64Array(count) }
}

function add({ re, im }: Phasors, at: number, byRe: number, byIm: number): void {
  re[at] = (re[at] ?? 0) + byRe
  im[at] = (im[at] ?? 0) + byIm
}
