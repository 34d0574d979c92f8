import type { CallId, ResourceId } from './ids.ts'
import { formatInstant, type Instant, instant } from './time.ts'

/** 'order': it has a part from the start or since a repair; 'reserve': its call counts on it. */
export type PromiseRole = 'order' | 'reserve'

/** One resource in one settlement period, [start, end). */
export type PromisedPeriod = {
  readonly resourceId: ResourceId
  readonly periodStart: Instant
  readonly periodEnd: Instant
}

export type Promised = PromisedPeriod & { readonly callId: CallId; readonly role: PromiseRole }

export function promisedPeriod(
  resourceId: ResourceId,
  { start, end }: { readonly start: Instant; readonly end: Instant },
): PromisedPeriod {
  return { resourceId, periodStart: start, periodEnd: end }
}

type Stretch = Pick<PromisedPeriod, 'periodStart' | 'periodEnd'>

/**
 * One MW once: whatever a resource does in an instant can be sold to one service. Two stretches
 * that share an instant, however their periods are cut, cannot both be promised of one resource.
 */
export function shareAnInstant(a: Stretch, b: Stretch): boolean {
  return a.periodStart < b.periodEnd && b.periodStart < a.periodEnd
}

/** Whether one may be promised beside the other. */
export function mayStandBeside(a: PromisedPeriod, b: PromisedPeriod): boolean {
  return a.resourceId !== b.resourceId || !shareAnInstant(a, b)
}

/** In words for its aggregator: to which calls it is promised, and from when to when. */
export function sayPromised(promised: readonly Promised[]): string {
  const byHolder = Map.groupBy(promised, ({ callId, role }) => `${SAYS[role]} call ${callId}`)
  const said = [...byHolder].map(([held, mine]) => {
    const from = instant(Math.min(...mine.map(({ periodStart }) => periodStart)))
    const until = instant(Math.max(...mine.map(({ periodEnd }) => periodEnd)))
    return `${held} from ${formatInstant(from)} to ${formatInstant(until)}`
  })
  return said.sort().join('; ')
}

const SAYS: Readonly<Record<PromiseRole, string>> = {
  order: 'ordered by',
  reserve: 'in the warm reserve of',
}
