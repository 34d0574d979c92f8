import type { Allocation } from '#domain/allocation.ts'
import { type Delivery, orderedEnergy } from '#domain/delivery.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { measure, measuredResources } from '#domain/measurement.ts'
import { effectsOf, WHOLE_EFFECT_BP } from '#domain/network-effect.ts'
import { addSeconds, floorToStep, type Instant, instant, secondsBetween } from '#domain/time.ts'
import { divideHalfEven } from '#domain/units.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** Mean W over a settlement period, or over the part of it that has been measured so far. */
export type PeriodFigures = {
  readonly start: Instant
  readonly end: Instant
  readonly requestedW: number
  readonly orderedW: number
  /** null: nothing is known yet. + is import; delivered is signed in the call's direction. */
  readonly baselineW: number | null
  readonly measuredW: number | null
  readonly deliveredW: number | null
}

/**
 * What a call looks like now, per settlement period: of all its resources, or of those in
 * `only`. While the window runs the figures follow the meters, one metering interval behind.
 */
export async function followCall(
  ports: Ports,
  tx: StoreTransaction,
  call: FlexibilityCall,
  only: ReadonlySet<ResourceId> | null,
): Promise<PeriodFigures[]> {
  const { program, request } = call
  const mine = call.allocations.filter((a) => only === null || only.has(a.resourceId))
  const effectOf = effectsOf(call.candidates)
  const { deliveries: measuredSoFar, until } = await measuredUntil(ports, tx, call)
  const deliveries = measuredSoFar.filter((d) => only === null || only.has(d.resourceId))
  return request.periods.map(({ start, powerW: requestedW }, i) => {
    const end = addSeconds(start, program.settlementPeriodSeconds)
    const seconds = secondsBetween(start, until < end ? until : end)
    const inside = deliveries.filter((d) => d.start >= start && d.start < end)
    const orderedW = only === null ? (call.orderedW[i] ?? 0) : orderedOf(mine, start, end)
    // The whole is shown as the congestion point sees it, a device as its own meter does.
    const shown = only === null ? inside.map((d) => weighed(d, effectOf(d.resourceId))) : inside
    return { start, end, requestedW, orderedW, ...means(shown, seconds, request.direction) }
  })
}

/** What the meters have told of a call until now, one metering interval behind, and until when. */
export async function measuredUntil(
  { clock }: Ports,
  tx: StoreTransaction,
  call: FlexibilityCall,
): Promise<{ readonly deliveries: readonly Delivery[]; readonly until: Instant }> {
  const { program, request, windowStartCommitment } = call
  const interval = program.meteringIntervalSeconds
  const seen = addSeconds(floorToStep(clock.now(), interval), -interval)
  const until = seen < request.window.end ? seen : request.window.end
  return {
    deliveries: windowStartCommitment === null ? [] : await measured(tx, call, until),
    until,
  }
}

/** Deliveries up to an instant: stretches that have not begun are left out. */
async function measured(
  tx: StoreTransaction,
  call: FlexibilityCall,
  until: Instant,
): Promise<Delivery[]> {
  const begun = call.allocations.map((allocation) => ({
    ...allocation,
    periods: allocation.periods
      .filter((period) => period.start < until)
      .map((period) => (period.end > until ? { ...period, end: until } : period)),
  }))
  if (begun.every(({ periods }) => periods.length === 0)) return []
  const { candidates, program, request, before, activations, standbyRule } = call
  const { start, end } = request.window
  const readings = await tx.readings.between(measuredResources(call), start, end)
  const judged = standbyRule === undefined ? {} : { standbyRule }
  const terms = { candidates, program, request, ...judged }
  const used = activations === undefined ? {} : { activations }
  return measure({ allocations: begun, ...used, before, readings, terms })
}

type Energies = Pick<Delivery, 'baselineWh' | 'deliveredWh' | 'measuredWh'>

function weighed(delivery: Energies, effectBp: number): Energies {
  const share = (wh: number) => (wh * effectBp) / WHOLE_EFFECT_BP
  const { baselineWh, deliveredWh } = delivery
  return { ...delivery, baselineWh: share(baselineWh), deliveredWh: share(deliveredWh) }
}

function means(
  deliveries: readonly Energies[],
  seconds: number,
  direction: FlexibilityCall['request']['direction'],
): Pick<PeriodFigures, 'baselineW' | 'measuredW' | 'deliveredW'> {
  if (deliveries.length === 0 || seconds <= 0) {
    return { baselineW: null, measuredW: null, deliveredW: null }
  }
  const watts = (wh: number) => divideHalfEven(wh * 3600, seconds)
  const baselineWh = deliveries.reduce((sum, d) => sum + d.baselineWh, 0)
  const deliveredWh = deliveries.reduce((sum, d) => sum + d.deliveredWh, 0)
  // Of whom no reading tells nothing counts as delivered: it is shown at its baseline among others.
  const isMeasured = deliveries.some((d) => d.measuredWh !== null)
  const measuredWh = baselineWh - (direction === 'reduce-import' ? deliveredWh : -deliveredWh)
  return {
    baselineW: watts(baselineWh),
    measuredW: isMeasured ? watts(measuredWh) : null,
    deliveredW: watts(deliveredWh),
  }
}

function orderedOf(allocations: readonly Allocation[], start: Instant, end: Instant): number {
  const inside = allocations
    .flatMap(({ periods }) => periods)
    .filter((period) => period.start >= start && period.start < end)
  const wattHours = inside.reduce((sum, period) => sum + orderedEnergy(period), 0)
  return divideHalfEven(wattHours * 3600, secondsBetween(start, instant(end)))
}
