import type { Allocation, Offerable, PeriodNeed, SkippedResource } from './allocation.ts'
import { STEP_W } from './allocation/offers.ts'
import { type FlexibilityCall, type Repair, wasTo } from './flexibility-call.ts'
import type { ResourceId } from './ids.ts'
import type { NotedPassing, PassedOverReason } from './passed-over.ts'
import { asAtGate } from './reserve.ts'
import { type Instant, secondsBetween } from './time.ts'

/** What can become of an enrolled resource in a call; `decision-words.ts` has words for each. */
export type DecisionCode =
  | SkippedResource['reason']
  /** Could have helped inside the window, and was not asked. */
  | `passed-${PassedOverReason}`
  /** Ordered as the gate closed: all that it could give, or less. */
  | 'selected'
  | 'cut'
  /** Ordered inside the window in place of another; then measured to do its part. */
  | 'taken-from-reserve'
  | 'stood-in'
  /** Ordered, and told inside the window to give more, because others gave less. */
  | 'raised'
  /** Does not go to 0: kept at its minimum, with its part. */
  | 'held-at-minimum'
  /** Let go inside the window. */
  | 'released-not-obeying'
  | 'released-silent'
  | 'released-refused'
  | 'released-implausible'
  | 'overridden'
  | 'taken-back'
  | 'owner-limit'
  /** The DSO cancelled inside the window. */
  | 'ended-early'
  /** An emergency stop ended the call inside the window. */
  | 'ended-by-stop'
  /** Ordered, but the call never began. */
  | 'call-cancelled'
  | 'call-expired'
  | 'call-refunded'

export type Decision = {
  readonly code: DecisionCode
  readonly at: Instant
  /** Figures for its aggregator, naming no other resource; empty where the code says it all. */
  readonly detail: string
}

/** What was decided about one resource of a call. */
export type ResourceDecisions = {
  readonly resourceId: ResourceId
  /** The one that stands. */
  readonly final: Decision
  /** Those before it, oldest first. */
  readonly earlier: readonly Decision[]
  /**
   * Why else it was not asked when the call looked for what it lacked inside its window, each
   * reason once, oldest first: beside a part, which stands all the same.
   */
  readonly passedOver: readonly Decision[]
}

/**
 * What was decided about each resource that was enrolled at the call's congestion point as its gate
 * closed, by id; none before that. Follows from the call alone.
 */
export function decisionsOf(call: FlexibilityCall): ResourceDecisions[] {
  const steps = [...atTheGate(call), ...insideTheWindow(call), ...atTheEnd(call)]
  const passings = Map.groupBy(call.passedOver ?? [], ({ resourceId }) => resourceId)
  const withPart = new Set(call.allocations.map(({ resourceId }) => resourceId))
  return [...Map.groupBy(steps, ({ resourceId }) => resourceId)]
    .map(([resourceId, mine]) => {
      const decisions = mine.map(({ code, at, detail }) => ({ code, at, detail }))
      const final = decisions.at(-1) as Decision // a group has at least one
      const one = { resourceId, final, earlier: decisions.slice(0, -1) }
      return withPassings(one, passings.get(resourceId) ?? [], withPart.has(resourceId))
    })
    .sort((a, b) => (a.resourceId < b.resourceId ? -1 : 1))
}

/** Of who never had a part the last reason stands: it is why it was not called in. */
function withPassings(
  one: Omit<ResourceDecisions, 'passedOver'>,
  passings: readonly NotedPassing[],
  hasPart: boolean,
): ResourceDecisions {
  const passed = passings.map(({ reason, at, detail = '' }): Decision => {
    return { code: `passed-${reason}`, at, detail }
  })
  const last = passed.at(-1)
  if (hasPart || last === undefined) return { ...one, passedOver: passed }
  const earlier = [...one.earlier, one.final]
  return { ...one, final: last, earlier, passedOver: passed.slice(0, -1) }
}

/** Who was ordered less than it could give: a step more in some period, and energy for it. */
export function orderedInPart(
  allocations: readonly Allocation[],
  offers: readonly Offerable[],
  needs: readonly PeriodNeed[],
): ResourceId[] {
  const offerOf = new Map(offers.map((offer) => [offer.candidate.resourceId, offer]))
  return allocations.flatMap(({ resourceId, periods }) => {
    const offer = offerOf.get(resourceId)
    if (offer === undefined) return []
    const hours = needs.map(({ start, end }) => secondsBetween(start, end) / 3600)
    const orderedW = needs.map(({ start }) => periods.find((p) => p.start === start)?.powerW ?? 0)
    const orderedWh = orderedW.reduce((sum, powerW, i) => sum + powerW * (hours[i] ?? 0), 0)
    const hasMore = orderedW.some((powerW, i) => {
      const isEnergyLeft = orderedWh + STEP_W * (hours[i] ?? 0) <= offer.energyMaxWh
      // Who takes its time counts with less than it is told to move by.
      const setpointW = periods.find((p) => p.start === needs[i]?.start)?.setpointW
      const toldW = setpointW === undefined ? 0 : Math.abs(setpointW - (offer.fromW[i] ?? 0))
      return isEnergyLeft && Math.max(powerW, toldW) + STEP_W <= (offer.powerMaxW[i] ?? 0)
    })
    return hasMore ? [resourceId] : []
  })
}

type Step = Decision & { readonly resourceId: ResourceId }

function atTheGate(call: FlexibilityCall): Step[] {
  const { allocations, skipped, decided, gateClosesAt, request } = call
  const at = decided?.at ?? gateClosesAt
  const inPart = new Set(decided?.inPart ?? [])
  const left = skipped.map(({ resourceId, reason, detail }): Step => {
    return { resourceId, code: reason, at, detail }
  })
  const ordered = allocations.filter(({ role }) => role === 'order')
  const taken = ordered.map((allocation): Step => {
    const { resourceId } = allocation
    const code = inPart.has(resourceId) ? 'cut' : 'selected'
    const periods = asAtGate(allocation, new Set(request.periods.map(({ start }) => start)))
    return { resourceId, code, at, detail: orderedTo({ periods }) }
  })
  return [...left, ...taken]
}

const RELEASED: Readonly<Record<Exclude<Repair['reason'], 'cannot-pause'>, DecisionCode>> = {
  'not-obeying': 'released-not-obeying',
  silent: 'released-silent',
  refused: 'released-refused',
  implausible: 'released-implausible',
  overridden: 'overridden',
  'owner-limit': 'owner-limit',
}

/** Only its owner takes a battery back: no driver waits for it. */
function releasedAs(
  { candidates }: FlexibilityCall,
  { resourceId }: Repair,
  reason: keyof typeof RELEASED,
): DecisionCode {
  const kind = candidates.find((candidate) => candidate.resourceId === resourceId)?.kind
  return reason === 'overridden' && kind === 'battery' ? 'taken-back' : RELEASED[reason]
}

/** A resource that was let go stays so, whatever is noted of the others later. */
function insideTheWindow(call: FlexibilityCall): Step[] {
  const { repairs, allocations, corrections = [] } = call
  const partOf = new Map(allocations.map((one) => [one.resourceId, one]))
  const standIn = (code: DecisionCode, at: Instant) => (resourceId: ResourceId) => {
    const part = partOf.get(resourceId)
    return { resourceId, code, at, detail: part ? orderedTo(part) : '' }
  }
  const staying: Step[] = []
  const releases: Step[] = []
  for (const repair of repairs) {
    const { resourceId, reason, detectedAt: at, replacedBy, restoredAt } = repair
    const detail = `${wasTo(call, repair)}, measured at ${repair.observedW} W`
    if (reason === 'cannot-pause') staying.push({ resourceId, code: 'held-at-minimum', at, detail })
    else releases.push({ resourceId, code: releasedAs(call, repair, reason), at, detail })
    staying.push(...replacedBy.map(standIn('taken-from-reserve', at)))
    if (restoredAt !== null) staying.push(...replacedBy.map(standIn('stood-in', restoredAt)))
  }
  // Called in for what all together lacked, in nobody's place.
  const inPlace = new Set(repairs.flatMap(({ replacedBy }) => replacedBy))
  for (const { resourceId, reason, at, fromW, toW } of corrections) {
    const isOrdered = partOf.get(resourceId)?.role === 'order'
    if (reason === 'headroom' && isOrdered) {
      staying.push({ resourceId, code: 'raised', at, detail: `${fromW} W, then ${toW} W` })
    }
    if (reason !== 'reserve' || inPlace.has(resourceId)) continue
    staying.push(standIn('taken-from-reserve', at)(resourceId))
  }
  return [...staying.sort((a, b) => a.at - b.at), ...releases]
}

/** What the end of the call did to those that still had a part. */
function atTheEnd(call: FlexibilityCall): Step[] {
  const ending = endOf(call)
  if (ending === null) return []
  const left = call.allocations.filter(({ releasedAt }) => releasedAt === null)
  return left.map(({ resourceId }) => ({ resourceId, ...ending, detail: '' }))
}

function endOf(call: FlexibilityCall): { code: DecisionCode; at: Instant } | null {
  const { state, windowStartCommitment, cancelledAt, request, escrow } = call
  const { start, end } = request.window
  if (windowStartCommitment !== null) {
    const isEarly = cancelledAt !== null && cancelledAt < end
    const code = call.endedBy === 'emergency-stop' ? 'ended-by-stop' : 'ended-early'
    return isEarly ? { code, at: cancelledAt } : null
  }
  if (state === 'cancelled') return { code: 'call-cancelled', at: cancelledAt ?? start }
  if (state === 'expired') return { code: 'call-expired', at: start }
  if (state === 'refunded') return { code: 'call-refunded', at: escrow?.terms.settleBy ?? end }
  return null
}

function orderedTo({ periods }: Pick<Allocation, 'periods'>): string {
  return periods.length === 0 ? '' : `${periods.map(({ powerW }) => powerW).join(' / ')} W ordered`
}
