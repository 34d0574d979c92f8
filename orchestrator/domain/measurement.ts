import type { Candidate } from './allocation.ts'
import { completeDays, likeDays, meanOfLikeDays, readingBefore } from './baseline.ts'
import { type Delivery, measureDelivery, orderedEnergy } from './delivery.ts'
import type { EvidenceBundle } from './evidence.ts'
import { inspect } from './fair-play/inspect.ts'
import type { Program } from './program.ts'
import { type CallSettlement, type OrderedPeriod, type Rounding, settle } from './settlement.ts'
import { byResource, type DeviceReading } from './telemetry.ts'
import { addSeconds, type Instant, instant, secondsBetween } from './time.ts'

/** Everything in a bundle but what is computed from it. */
export type Evidence = Omit<EvidenceBundle, 'deliveries' | 'settlement'>

/** The raw curve of a resource by its method, W per settlement period; [] where there is none. */
export function rawCurve(
  program: Program,
  method: Candidate['baselineMethod'],
  periodStarts: readonly Instant[],
  history: readonly DeviceReading[],
  isCallDay: (periodStart: Instant) => boolean = () => false,
): number[] {
  if (method.name !== 'mean-of-like-days') return []
  const seconds = program.settlementPeriodSeconds
  const days = likeDays(periodStarts, program.timeZone, isCallDay)
  const complete = completeDays(days, history, seconds, method.days)
  return meanOfLikeDays(complete, seconds) ?? []
}

/** What deliveries follow from; also while the call runs and there is no bundle yet. */
export type Measurable = Pick<Evidence, 'allocations' | 'before' | 'readings'> & {
  readonly terms: Pick<Evidence['terms'], 'candidates' | 'program' | 'request'>
}

/** Delivery per resource and ordered stretch, recomputed from the bundle's readings alone. */
export function measure(evidence: Measurable): Delivery[] {
  const { request, program, candidates } = evidence.terms
  const readings = byResource(evidence.readings)
  const before = byResource(evidence.before)
  return evidence.allocations.flatMap((allocation) => {
    const candidate = candidates.find((c) => c.resourceId === allocation.resourceId)
    if (!candidate) throw new Error(`${allocation.resourceId} is not among the terms' candidates`)
    const held = readingBefore(before.get(allocation.resourceId) ?? [], request.window.start) ?? 0
    const baselineAt = (start: Instant) => {
      if (candidate.baselineMethod.name === 'reading-before') return held
      const index = request.periods.findLastIndex((period) => period.start <= start)
      return candidate.baselineW[index] ?? 0
    }
    return measureDelivery(
      allocation,
      baselineAt,
      readings.get(allocation.resourceId) ?? [],
      request.direction,
      program.settlementPeriodSeconds,
    )
  })
}

/** W·min promised to the DSO up to where the ordered window ended, in whole Wh per period. */
export function orderedPeriodsOf(evidence: Evidence): OrderedPeriod[] {
  const { request, program, orderedW } = evidence.terms
  return request.periods.flatMap(({ start }, i) => {
    const whole = addSeconds(start, program.settlementPeriodSeconds)
    const end = instant(Math.min(whole, evidence.deliveryEnd))
    if (end <= start) return []
    const powerW = orderedW[i] ?? 0
    const orderedWh = orderedEnergy({ start, end, powerW, setpointW: 0 })
    return [{ start, seconds: secondsBetween(start, end), orderedWh }]
  })
}

/** The exact split of the call's escrow. */
export function settlementOf(
  evidence: Evidence,
  deliveries: readonly Delivery[],
  round?: Rounding,
): CallSettlement {
  const { request, program, candidates } = evidence.terms
  return settle(
    {
      allocations: evidence.allocations,
      candidates,
      deliveries,
      orderedPeriods: orderedPeriodsOf(evidence),
      policy: program.paymentPolicy,
      priceCap: request.priceCap,
      penalty: request.penalty,
      carriedWh: 0,
      isFinal: true,
      findings: inspect(evidence, deliveries),
      holds: new Map(),
      feeBp: program.feeBp,
      escrow: evidence.escrow.terms.amount,
    },
    round,
  )
}

/** Completes evidence into the bundle that is stored, sent and signed. */
export function completeBundle(evidence: Evidence): EvidenceBundle {
  const deliveries = measure(evidence)
  return { ...evidence, deliveries, settlement: settlementOf(evidence, deliveries) }
}
