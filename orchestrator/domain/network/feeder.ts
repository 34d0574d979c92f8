import type { ResourceId, SiteId } from '../ids.ts'

/*
 * A radial feeder as data: three phases in balance, seen as one (single-phase equivalent), loads of
 * constant power. Unbalanced low voltage needs a model of three phases, which this is not.
 */

export type FeederBus = {
  readonly id: string
  /** What is drawn here without any call, W and var; + is consumption. */
  readonly loadW: number
  readonly loadVar: number
}

/** `from` lies nearer the root than `to`. */
export type FeederBranch = {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly rOhm: number
  readonly xOhm: number
  /** What it may carry at its end nearer the root; null: nobody said. */
  readonly limitVa: number | null
}

export type PlacedResource = { readonly resourceId: ResourceId; readonly bus: string }
/** Where all resources of a site stand that are not placed by themselves. */
export type PlacedSite = { readonly siteId: SiteId; readonly bus: string }

/**
 * The root comes first and every bus after its parent, so that one pass forwards walks away from the
 * root and one backwards towards it. `branches[i]` leads to `buses[i + 1]`.
 */
export type Feeder = {
  readonly name: string
  readonly baseKv: number
  readonly baseMva: number
  readonly rootVoltagePu: number
  readonly voltageMinPu: number
  readonly voltageMaxPu: number
  readonly buses: readonly FeederBus[]
  readonly branches: readonly FeederBranch[]
  /** Of `branches[i]`: the place of its `from` in `buses`. */
  readonly parents: readonly number[]
  readonly resources: readonly PlacedResource[]
  readonly sites: readonly PlacedSite[]
}

/** What a bus draws in some interval, in place of its load in the feeder. */
export type BusLoad = { readonly loadW: number; readonly loadVar: number }

/** Voltages and flows of one instant; places as in the feeder. */
export type FeederFlow = {
  readonly voltagePu: readonly number[]
  /** Into each branch at its end nearer the root, W and var. */
  readonly branchW: readonly number[]
  readonly branchVar: readonly number[]
  readonly lossW: number
}

/** Impedances per unit: ohms over kV²/MVA. */
export function perUnitOhm({ baseKv, baseMva }: Feeder): number {
  return (baseKv * baseKv) / baseMva
}

/** The place of a bus. @throws RangeError for one that the feeder has not */
export function busIndex({ buses, name }: Feeder, id: string): number {
  const found = buses.findIndex((bus) => bus.id === id)
  if (found < 0) throw new RangeError(`feeder ${name}: no bus ${id}`)
  return found
}

/** The place of a branch. @throws RangeError for one that the feeder has not */
export function branchIndex({ branches, name }: Feeder, id: string): number {
  const found = branches.findIndex((branch) => branch.id === id)
  if (found < 0) throw new RangeError(`feeder ${name}: no branch ${id}`)
  return found
}

/** For each bus: is it the end of this branch, or behind it? */
export function busesBelow(feeder: Feeder, branch: number): boolean[] {
  const below = feeder.buses.map((_, index) => index === branch + 1)
  feeder.parents.forEach((parent, index) => {
    if (below[parent] === true) below[index + 1] = true
  })
  return below
}

/** Loads with what a call changes at some buses; W, + is more consumption. */
export function loadsWith(
  loads: readonly BusLoad[],
  changes: ReadonlyMap<number, number>,
): BusLoad[] {
  return loads.map((load, index) => ({ ...load, loadW: load.loadW + (changes.get(index) ?? 0) }))
}
