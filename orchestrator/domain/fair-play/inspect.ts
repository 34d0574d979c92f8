import type { Delivery } from '../delivery.ts'
import type { Evidence } from '../measurement.ts'
import { byResource } from '../telemetry.ts'
import { localDate } from '../time.ts'
import { type Finding, inOrder } from './finding.ts'
import { registerFalls } from './meter-traces.ts'
import { beyondRating, socMismatch } from './physical-cap.ts'
import { staleBaseline } from './stale-baseline.ts'

/** What an inspection reads of a bundle: everybody who has the bundle finds the same. */
export type Inspectable = Pick<Evidence, 'allocations' | 'readings' | 'terms' | 'stated'>

/**
 * What does not look like an honest delivery: found again by everybody from the bundle's own
 * readings, and what the service states of readings that are not in it, with the figures.
 */
export function inspect(evidence: Inspectable, deliveries: readonly Delivery[]): Finding[] {
  const { candidates, request, program } = evidence.terms
  const byId = new Map(candidates.map((candidate) => [candidate.resourceId, candidate]))
  const readings = byResource(evidence.readings)
  const windowDate = localDate(request.window.start, program.timeZone)
  const delivered = Map.groupBy(deliveries, ({ resourceId }) => resourceId)
  const found = evidence.allocations.flatMap(({ resourceId }): (Finding | null)[] => {
    const candidate = byId.get(resourceId)
    if (!candidate) throw new Error(`${resourceId} is not among the terms' candidates`)
    const mine = readings.get(resourceId) ?? []
    return [
      beyondRating(resourceId, candidate.rating, delivered.get(resourceId) ?? []),
      socMismatch(resourceId, candidate.rating, mine),
      registerFalls(resourceId, candidate.rating, mine),
      staleBaseline(resourceId, windowDate, candidate.baseline.daysUsed),
    ]
  })
  return inOrder([...found.filter((finding) => finding !== null), ...evidence.stated])
}
