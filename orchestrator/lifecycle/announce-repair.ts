import type { Allocation, PeriodNeed } from '#domain/allocation.ts'
import type { BusinessEventInput } from '#domain/business-event.ts'
import { sayTakenBack } from '#domain/charge-now.ts'
import { type Correction, correctionSentence } from '#domain/control/correction.ts'
import { type FlexibilityCall, type Repair, wasTo } from '#domain/flexibility-call.ts'
import { isWorthAStep, stillOpenW } from '#domain/passed-over.ts'
import type { Instant } from '#domain/time.ts'
import { callEvent, resourceEvent } from './announce.ts'

/** What the DSO and the aggregators are told at once of a device that does not do its part. */
export function announceRepair(
  call: FlexibilityCall,
  repair: Repair,
  needs: readonly PeriodNeed[],
  added: readonly Allocation[],
  now: Instant,
): BusinessEventInput[] {
  const { resourceId, orderedW, observedW, replacedBy, reason } = repair
  const found = resourceEvent(
    call,
    'resource-not-obeying',
    now,
    resourceId,
    `${resourceId} ${wasTo(call, repair)}${whatIsWrong(call, repair)}`,
    { notice: true, data: { orderedW, observedW, reason } },
  )
  const openW = stillOpenW(needs, added, call.candidates)
  const repaired = resourceEvent(
    call,
    'shortfall-repaired',
    now,
    resourceId,
    reason === 'cannot-pause'
      ? `what ${resourceId} cannot give comes from ${replacedBy.join(', ')}`
      : `${resourceId} is replaced by ${replacedBy.join(', ')}`,
    { notice: true, data: { replacedBy: replacedBy.join(' ') } },
  )
  const remains = resourceEvent(
    call,
    'shortfall-remains',
    now,
    resourceId,
    `${openW} W cannot be replaced from the reserve`,
    { notice: true, data: { openW } },
  )
  return [
    found,
    ...(replacedBy.length > 0 ? [repaired] : []),
    ...(isWorthAStep(openW, call.candidates) ? [remains] : []),
  ]
}

/**
 * What is told of corrections that no single device is the reason for: never where devices stand by. What nobody can give is told
 * only in a cycle that could give some of it: else every cycle would say the same.
 */
export function announceCorrections(
  call: FlexibilityCall,
  corrections: readonly Correction[],
  openW: number,
): BusinessEventInput[] {
  const raised = corrections.filter(({ fromW, toW }) => toW > fromW)
  const told = raised.map((correction) => {
    const { at, resourceId, fromW, toW, errorW } = correction
    const message = `${resourceId} ${correctionSentence(correction, null)}`
    const data = { fromW, toW, errorW }
    return resourceEvent(call, 'shortfall-repaired', at, resourceId, message, {
      notice: true,
      data,
    })
  })
  const last = raised.at(-1)
  if (last === undefined || openW < 100) return told
  const message = `${openW} W of what is ordered are still missing`
  const remains = { notice: true, data: { openW } }
  return [...told, callEvent(call, 'shortfall-remains', last.at, message, remains)]
}

function whatIsWrong(
  { candidates }: FlexibilityCall,
  { resourceId, reason, observedW }: Repair,
): string {
  // Which limit, and when a car leaves, is between its owner and the aggregator.
  if (reason === 'owner-limit') return '; its owner allows no more'
  if (reason === 'overridden') {
    const found = candidates.find((candidate) => candidate.resourceId === resourceId)
    return `; ${sayTakenBack(found?.kind ?? 'charger')}`
  }
  if (reason === 'cannot-pause')
    return `, does not go to 0 and is held at its minimum (measured: ${observedW} W)`
  if (reason === 'implausible') {
    return ` and tells a power that its own register or charge contradicts (${observedW} W)`
  }
  return ` and is measured at ${observedW} W (${reason})`
}
