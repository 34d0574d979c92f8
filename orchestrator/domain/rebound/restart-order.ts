import { hashOf } from '../canonical.ts'
import type { CallId, Hex, ResourceId } from '../ids.ts'
import type { RestartSteps } from './rebound-periods.ts'

/**
 * In which order devices come back after a call: by the hash of call and resource. Nobody is always
 * the last, nobody can choose a place, and anyone can work the order out again.
 */
export function restartOrder(callId: CallId, ids: readonly ResourceId[]): ResourceId[] {
  return ids
    .map((resourceId) => ({ resourceId, rank: rankOf(callId, resourceId) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0))
    .map(({ resourceId }) => resourceId)
}

/**
 * How long after a window a device lets go by itself where nobody tells it anything else any more,
 * s: some whole step of the restart, so that a service that died brings not all of them back at
 * once.
 */
export function secondsAlone(callId: CallId, resourceId: ResourceId, steps: RestartSteps): number {
  const chance = Number.parseInt(rankOf(callId, resourceId).slice(2, 10), 16) / 2 ** 32
  return (1 + Math.floor(chance * steps.count)) * steps.seconds
}

function rankOf(callId: CallId, resourceId: ResourceId): Hex {
  return hashOf({ restarts: 'after', callId, resourceId })
}
