import type { Allocation, Candidate, PeriodNeed, SkippedResource } from './allocation.ts'
import { meritOrder, STEP_W } from './allocation/offers.ts'
import type { FlexibilityCall } from './flexibility-call.ts'
import type { ResourceId } from './ids.ts'
import { atPoint, effectsOf, WHOLE_EFFECT_BP } from './network-effect.ts'
import type { Instant } from './time.ts'

/** Why a device was not asked when its call looked for what it lacked inside the window. */
export const PASSED_OVER_REASONS = [
  /** It was told something new just now, and keeps that for its dwell time. */
  'dwell',
  /** It has a part, and its meter does not show (yet) that it does all that it was told. */
  'not-shown',
  /** Once it moves it goes on for longer than there is time left. */
  'on-time',
  'price-cap',
  'driver-override',
  'kept-by-owner',
  'no-consent',
  'limited-elsewhere',
  'not-connected',
  'no-baseline',
  'departure',
  'no-capability',
  'already-promised',
  'notice-too-short',
  'calls-per-day',
  'resting',
] as const

export type PassedOverReason = (typeof PASSED_OVER_REASONS)[number]

export type PassedOver = {
  readonly resourceId: ResourceId
  readonly reason: PassedOverReason
  /** Figures for its aggregator, naming no other resource; absent: the reason says it all. */
  readonly detail?: string
}

/** One that stands in its call. */
export type NotedPassing = PassedOver & { readonly at: Instant }

/** In figures, why one with a least time on is passed over, s. */
export function onTimeDetail(least: number, left: number): string {
  return `goes on for ${least} s once it moves; ${left} s are left`
}

/** Why a candidate can give nothing now, as a reason for which it is passed over; empty: no such. */
export function asPassedOver({ resourceId, reason, detail }: SkippedResource): PassedOver[] {
  const found = PASSED_OVER_REASONS.find((one) => one === reason)
  return found === undefined ? [] : [{ resourceId, reason: found, detail }]
}

/** What of needs is still missing once parts were added: the most in any period, W at the point. */
export function stillOpenW(
  needs: readonly PeriodNeed[],
  added: readonly Allocation[],
  candidates: readonly Candidate[],
): number {
  const effectOf = effectsOf(candidates)
  const missing = needs.map((need) => {
    const given = added.flatMap(({ resourceId, periods }) =>
      periods
        .filter((period) => period.start === need.start)
        .map(({ powerW: amount }) => ({ amount, effectBp: effectOf(resourceId) })),
    )
    return need.powerW - atPoint(given)
  })
  return Math.max(0, ...missing)
}

/** Less than one whole step of the device with the most effect is nobody's to give. */
export function isWorthAStep(openW: number, candidates: readonly Candidate[]): boolean {
  const effectOf = effectsOf(candidates)
  const effects = candidates.map(({ resourceId }) => effectOf(resourceId))
  const effectBp = Math.max(WHOLE_EFFECT_BP, ...effects)
  return openW >= atPoint([{ amount: STEP_W, effectBp }])
}

/**
 * Of those that could not be asked, who would have been: all where power is still missing; else
 * those with a part, which give more before anybody is called in, and of the reserve who comes
 * before somebody that was called.
 * @param asked who was told to give more, or was called in
 */
export function passedOverFor(
  unable: readonly PassedOver[],
  asked: ReadonlySet<ResourceId>,
  isOpen: boolean,
  { allocations, candidates }: Pick<FlexibilityCall, 'allocations' | 'candidates'>,
): readonly PassedOver[] {
  if (isOpen) return unable
  if (asked.size === 0) return []
  const byId = new Map(candidates.map((one) => [one.resourceId, one]))
  const busy = new Set(allocations.map(({ resourceId }) => resourceId))
  const called = candidates.filter(({ resourceId: id }) => asked.has(id) && !busy.has(id))
  return unable.filter(({ resourceId }) => {
    const mine = byId.get(resourceId)
    if (mine === undefined || busy.has(resourceId)) return true
    return called.some((one) => meritOrder(mine, one) < 0)
  })
}

/**
 * The call with what was found, each resource and reason once: a cycle says what one before said,
 * and who was left out for the same reason as the gate closed has been told so.
 */
export function withPassedOver<T extends Pick<FlexibilityCall, 'passedOver' | 'skipped'>>(
  call: T,
  found: readonly PassedOver[],
  at: Instant,
): T {
  const { passedOver = [], skipped } = call
  const keyOf = ({ resourceId, reason }: PassedOver | SkippedResource) => `${reason} ${resourceId}`
  const known = new Set([...passedOver, ...skipped].map(keyOf))
  const news = found.filter((one) => {
    const isNew = !known.has(keyOf(one))
    known.add(keyOf(one))
    return isNew
  })
  if (news.length === 0) return call
  return { ...call, passedOver: [...passedOver, ...news.map((one) => ({ ...one, at }))] }
}
