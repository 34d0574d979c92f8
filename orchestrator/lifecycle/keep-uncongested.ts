import type {
  Allocation,
  Candidate,
  Offerable,
  PeriodNeed,
  SkippedResource,
} from '#domain/allocation.ts'
import { congestionSentence, toLeaveOut } from '#domain/network/adding-to.ts'
import type { BehindPoint } from '#domain/network/behind-point.ts'
import { type CallInterval, intervalsOf } from '#domain/network/call-loads.ts'
import { type NewCongestion, newCongestions } from '#domain/network/new-congestion.ts'
import type { Direction } from '#domain/resource.ts'

/** After so many plans that congest something nothing is offered. */
const PLANS_MAX = 8

type Planned = { readonly allocations: readonly Allocation[] }

export type Uncongested<T> = {
  readonly planned: T
  /** Who was left out, and which congestion each would have added to. */
  readonly leftOut: readonly SkippedResource[]
}

/**
 * The first plan that creates no new congestion, in the window or in the rebound after it: whoever
 * adds to one is left out, the most first, and planned is again without. `plan` is told how often
 * it was asked before. Without a feeder the first plan is taken as it is.
 */
export async function keepUncongested<T extends Planned>(
  network: BehindPoint | null,
  call: { readonly needs: readonly PeriodNeed[]; readonly direction: Direction },
  offers: readonly Offerable[],
  plan: (offers: readonly Offerable[], before: number) => Promise<T>,
): Promise<Uncongested<T>> {
  const leftOut = new Map<string, SkippedResource>()
  let kept = offers
  for (let before = 0; before < PLANS_MAX; before += 1) {
    const planned = await plan(kept, before)
    const found = network === null ? [] : congestionsOf(network, call, kept, planned.allocations)
    if (network === null || found.length === 0) return { planned, leftOut: [...leftOut.values()] }
    for (const { congestion, interval } of found) {
      for (const resourceId of toLeaveOut(network, congestion, interval)) {
        const detail = congestionSentence(congestion)
        if (!leftOut.has(resourceId)) {
          leftOut.set(resourceId, { resourceId, reason: 'would-congest', detail })
        }
      }
    }
    kept = offers.filter(({ candidate }) => !leftOut.has(candidate.resourceId))
  }
  for (const { candidate } of kept) {
    const { resourceId } = candidate
    const detail = `${PLANS_MAX} plans in a row would have congested the grid elsewhere`
    leftOut.set(resourceId, { resourceId, reason: 'would-congest', detail })
  }
  return { planned: await plan([], PLANS_MAX), leftOut: [...leftOut.values()] }
}

type Found = { readonly congestion: NewCongestion; readonly interval: CallInterval }

/** One congestion of each element: where it is worst, all that adds to it stands in that interval. */
function congestionsOf(
  network: BehindPoint,
  { needs, direction }: { readonly needs: readonly PeriodNeed[]; readonly direction: Direction },
  offers: readonly Offerable[],
  allocations: readonly Allocation[],
): Found[] {
  const candidates = offers.map(({ candidate }): Candidate => candidate)
  const worst = new Map<string, Found>()
  for (const interval of intervalsOf(network, { allocations, candidates, direction }, needs)) {
    for (const congestion of newCongestions(network.feeder, [interval])) {
      const key = `${congestion.kind} ${congestion.element}`
      const known = worst.get(key)
      if (known === undefined || isWorse(congestion, known.congestion)) {
        worst.set(key, { congestion, interval })
      }
    }
  }
  return [...worst.values()]
}

function isWorse(one: NewCongestion, other: NewCongestion): boolean {
  const [mine, theirs] = [one.withCall ?? 0, other.withCall ?? 0]
  return one.kind === 'voltage-low' ? mine < theirs : mine > theirs
}
