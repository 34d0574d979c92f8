import type { ResourceId } from '../ids.ts'
import type { BehindPoint } from './behind-point.ts'
import type { CallInterval } from './call-loads.ts'
import { branchIndex, busesBelow, busIndex, loadsWith } from './feeder.ts'
import type { NewCongestion } from './new-congestion.ts'
import { effectOnVoltages } from './sensitivity.ts'
import { sweepFlow } from './sweep.ts'

type Adding = { readonly resourceId: ResourceId; readonly by: number }

/**
 * Which parts of a call have to be left out so that a congestion is none any more, by what each adds
 * to it to first order: the most first, equal ones by id. At least one.
 */
export function toLeaveOut(
  network: Pick<BehindPoint, 'feeder' | 'buses'>,
  congestion: NewCongestion,
  interval: CallInterval,
): ResourceId[] {
  const direct = addingTo(network, congestion, interval)
  const all = direct.length > 0 ? direct : largestFirst(interval)
  const excess = excessOf(congestion, all)
  let undone = 0
  const found: ResourceId[] = []
  for (const { resourceId, by } of all) {
    if (found.length > 0 && undone >= excess) break
    found.push(resourceId)
    undone += by
  }
  return found
}

function addingTo(
  { feeder, buses }: Pick<BehindPoint, 'feeder' | 'buses'>,
  { kind, element }: NewCongestion,
  { loads, changes, parts }: CallInterval,
): Adding[] {
  const flow = sweepFlow(feeder, loadsWith(loads, changes))
  const perW = (bus: number): number => {
    if (flow === null || element === null) return 1
    if (kind === 'branch') {
      const branch = branchIndex(feeder, element)
      const isBelow = busesBelow(feeder, branch)[bus] === true
      return isBelow ? Math.sign(flow.branchW[branch] ?? 0) || 1 : 0
    }
    const moves = effectOnVoltages(feeder, bus, flow).perW[busIndex(feeder, element)] ?? 0
    return kind === 'voltage-low' ? -moves : moves
  }
  return [...parts]
    .map(([resourceId, powerW]) => ({ resourceId, by: powerW * perW(buses.get(resourceId) ?? 0) }))
    .filter(({ by }) => by > 0)
    .sort(byMost)
}

/** Where none adds directly it is through losses and voltages, and by who moves most. */
function largestFirst({ parts }: CallInterval): Adding[] {
  return [...parts]
    .map(([resourceId, powerW]) => ({ resourceId, by: Math.abs(powerW) }))
    .filter(({ by }) => by > 0)
    .sort(byMost)
}

function byMost(a: Adding, b: Adding): number {
  return b.by - a.by || (a.resourceId < b.resourceId ? -1 : 1)
}

/** How far a limit is passed, or was passed already without the call. */
function excessOf({ kind, withCall, withoutCall, limit }: NewCongestion, all: readonly Adding[]) {
  // Where nothing carries the loads no figure tells by how much: half of what adds to it.
  if (withCall === null || limit === null) return all.reduce((sum, { by }) => sum + by, 0) / 2
  const allowed =
    kind === 'voltage-low'
      ? Math.min(limit, withoutCall ?? limit)
      : Math.max(limit, withoutCall ?? limit)
  return Math.abs(withCall - allowed)
}

/** A sentence about one of them, for whoever is left out because of it. */
export function congestionSentence(found: NewCongestion): string {
  const { part, kind, element, withCall, limit } = found
  const when = part === 'window' ? 'in the window' : 'right after the window'
  if (withCall === null || limit === null) {
    return `${when} no voltage would carry the feeder's loads`
  }
  if (kind === 'branch') {
    const [load, allowed] = [withCall, limit].map((va) => `${(va / 1000).toFixed(1)} kVA`)
    return `${when} it would add to ${load} on branch ${element}, ${allowed} are allowed`
  }
  const [pu, bound] = [withCall, limit].map((value) => `${value.toFixed(4)} pu`)
  const where = kind === 'voltage-low' ? 'below' : 'above'
  return `${when} it would help to bring bus ${element} to ${pu}, ${where} ${bound}`
}
