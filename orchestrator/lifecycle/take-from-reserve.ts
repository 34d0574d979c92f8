import {
  allocate,
  type Allocation,
  type Candidate,
  type Offerable,
  periodAt,
  type PeriodNeed,
} from '#domain/allocation.ts'
import type { Verdict } from '#domain/compliance.ts'
import { evenly } from '#domain/control/even-share.ts'
import { dwellSeconds } from '#domain/control/rules.ts'
import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { deliveryEnd, type FlexibilityCall } from '#domain/flexibility-call.ts'
import { offerable, type ResourceNow } from '#domain/flexibility-offer.ts'
import type { ResourceId } from '#domain/ids.ts'
import { standInSeconds } from '#domain/offer-conditions.ts'
import {
  asPassedOver,
  isWorthAStep,
  onTimeDetail,
  type PassedOver,
  passedOverFor,
  stillOpenW,
} from '#domain/passed-over.ts'
import { promisedPeriod } from '#domain/promised.ts'
import { beyond, mayGiveMore, movedFrom, withAdded } from '#domain/reserve.ts'
import {
  addSeconds,
  floorToStep,
  type Instant,
  instant,
  nextStep,
  secondsBetween,
} from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { keptOut } from './calls-around.ts'
import { withoutConsent } from './find-candidates.ts'
import { needsOf } from './offer-flexibility.ts'
import { resourcesNow } from './resources-now.ts'

/** The rest of this period from the next metering boundary, and the periods that follow. */
export function openNeeds(
  call: FlexibilityCall,
  now: Instant,
  missingW: (start: Instant, end: Instant) => number,
): PeriodNeed[] {
  const interval = call.program.meteringIntervalSeconds
  const next = nextStep(now, interval)
  const end = deliveryEnd(call)
  return needsOf(call)
    .map((need) => {
      const start = instant(Math.max(need.start, next))
      return {
        start,
        end: instant(Math.min(need.end, end)),
        powerW: missingW(need.start, need.end),
      }
    })
    .filter((need) => need.end > need.start)
}

export type FromReserve = {
  /** What was ordered now. */
  readonly added: Allocation[]
  /** All parts of the call, with what was added. */
  readonly allocations: Allocation[]
}

/** What candidates can give now, and why others can be asked for nothing. */
export type ReserveNow = {
  readonly offers: readonly Offerable[]
  readonly unable: readonly PassedOver[]
}

type Cycle = {
  readonly tx: StoreTransaction
  readonly now: Instant
  readonly rows: ReadonlyMap<ResourceId, SetpointRow>
  readonly verdicts: ReadonlyMap<ResourceId, Verdict>
}

/**
 * Orders what is missing: the same share of their headroom from devices that do what they were told
 * and have power and energy left, and the rest in merit order from candidates without a part.
 */
export async function takeFromReserve(
  call: FlexibilityCall,
  needs: readonly PeriodNeed[],
  cycle: Cycle,
): Promise<FromReserve & { readonly passedOver: readonly PassedOver[] }> {
  if (needs.every((need) => need.powerW === 0))
    return { added: [], allocations: [...call.allocations], passedOver: [] }
  const { offers, unable } = await reserveOffers(call, needs, cycle)
  const { direction } = call.request
  const busy = new Set(call.allocations.map(({ resourceId }) => resourceId))
  const isBusy = ({ candidate }: Offerable) => busy.has(candidate.resourceId)
  const { parts, left } = evenly(needs, offers.filter(isBusy), direction)
  const reserve = offers.filter((offer) => !isBusy(offer))
  const called = allocate(left, reserve, direction, 'repair')
  const found = await orderFromReserve(call, [...parts, ...called], cycle)
  const asked = new Set(found.added.map(({ resourceId }) => resourceId))
  const openW = stillOpenW(needs, found.added, call.candidates)
  const isOpen = isWorthAStep(openW, call.candidates)
  return { ...found, passedOver: passedOverFor(unable, asked, isOpen, call) }
}

/**
 * What candidates without a part can give, and beyond it those that do what they were told: not
 * before they have kept that for their dwell time. What stands by is not asked for more than it
 * reserved.
 */
export async function reserveOffers(
  call: FlexibilityCall,
  needs: readonly PeriodNeed[],
  cycle: Cycle,
): Promise<ReserveNow> {
  const { tx, now } = cycle
  await tx.promises.lockCongestionPoint(call.request.congestionPointId)
  const busy = new Map(call.allocations.map((one) => [one.resourceId, one]))
  const interval = call.program.meteringIntervalSeconds
  const others = call.candidates.filter(({ resourceId }) => !busy.has(resourceId))
  const mayBeCalled = await notKeptOut(call, others, tx)
  const mayGive = whoMayGiveMore(call, needs[0]?.start ?? now, cycle)
  const unable: PassedOver[] = [...mayBeCalled.unable, ...mayGive.unable]
  const able = new Set([...mayBeCalled.able, ...mayGive.able])
  const reserve = call.candidates.filter(({ resourceId }) => able.has(resourceId))
  const at = floorToStep(addSeconds(now, -interval), interval)
  const offers: Offerable[] = []
  for (const state of await resourcesNow(tx, call, reserve, at)) {
    const part = busy.get(state.candidate.resourceId)
    const known = onlyOpen(call, part ? asUncalled(state, part, call, now) : state, needs)
    const found = offerable(known, needs, call.request.direction)
    if ('reason' in found) unable.push(...asPassedOver(found))
    else if (part) {
      const more = beyond(part, found, needs, call.request.direction)
      // It moves already: its least time runs since then.
      offers.push(withOnTime(more, 0))
    } else {
      const left = leftSeconds(needs)
      const seconds = standInSeconds(state.candidate.conditions ?? {}, left)
      if (seconds === null) unable.push(tooLate(state.candidate, left))
      else offers.push(withOnTime(found, seconds))
    }
  }
  return { offers, unable }
}

/** From where something can still be changed to where something is missing last, s. */
function leftSeconds(needs: readonly PeriodNeed[]): number {
  const [first] = needs
  const last = needs.findLast(({ powerW }) => powerW > 0)
  return first === undefined || last === undefined ? 0 : secondsBetween(first.start, last.end)
}

function tooLate({ resourceId, conditions }: Candidate, left: number): PassedOver {
  const detail = onTimeDetail(conditions?.onSecondsMin ?? 0, left)
  return { resourceId, reason: 'on-time', detail }
}

/** What is left of its least time, s; of one without any nothing changes. */
function withOnTime(offer: Offerable, onSecondsMin: number): Offerable {
  const { conditions } = offer.candidate
  if (conditions?.onSecondsMin === undefined) return offer
  return {
    ...offer,
    candidate: { ...offer.candidate, conditions: { ...conditions, onSecondsMin } },
  }
}

type Able = { readonly able: readonly ResourceId[]; readonly unable: readonly PassedOver[] }

/** Candidates without a part, but for those whom their owners, or their offers, keep out. */
async function notKeptOut(
  call: FlexibilityCall,
  others: readonly Candidate[],
  tx: StoreTransaction,
): Promise<Able> {
  const out = await keptOut(tx, call, others, true)
  const said = await tx.control.limits(others.map(({ resourceId }) => resourceId))
  const owners = new Map(said.map((limits) => [limits.resourceId, limits]))
  const congesting = new Set(
    call.skipped.filter(({ reason }) => reason === 'would-congest').map((one) => one.resourceId),
  )
  const able: ResourceId[] = []
  const unable: PassedOver[] = []
  for (const { resourceId } of others) {
    // It was told as the gate closed that it would congest something, and that holds.
    if (congesting.has(resourceId)) continue
    const no = out.get(resourceId) ?? withoutConsent(owners.get(resourceId))
    if (no === undefined || no === null) able.push(resourceId)
    else unable.push(...asPassedOver(no))
  }
  return { able, unable }
}

/** Those with a part that may be told to give more: what only stands by gives what it reserved. */
function whoMayGiveMore(
  { allocations, candidates, activations, program }: FlexibilityCall,
  from: Instant,
  { rows, verdicts }: Cycle,
): Able {
  const kinds = new Map(candidates.map(({ resourceId, kind }) => [resourceId, kind]))
  const able: ResourceId[] = []
  const unable: PassedOver[] = []
  for (const part of allocations) {
    const { resourceId, role } = part
    const kind = kinds.get(resourceId)
    const isStandby = role === 'order' && activations !== undefined
    if (kind === undefined || !mayGiveMore(part) || isStandby) continue
    const told = rows.get(resourceId)?.orderedAt
    const seconds = dwellSeconds(kind, program.meteringIntervalSeconds)
    const isRested = told === undefined || from >= addSeconds(told, seconds)
    const isShown = verdicts.get(resourceId)?.kind === 'obeys'
    if (!isRested) {
      const detail = `keeps what it is told for ${seconds} s`
      unable.push({ resourceId, reason: 'dwell', detail })
    } else if (isShown) able.push(resourceId)
    else unable.push({ resourceId, reason: 'not-shown' })
  }
  return { able, unable }
}

/** Orders parts from the reserve, as far as no other call was promised them meanwhile. */
export async function orderFromReserve(
  call: FlexibilityCall,
  wanted: readonly Allocation[],
  { tx }: Pick<Cycle, 'tx'>,
): Promise<FromReserve> {
  const busy = new Set(call.allocations.map(({ resourceId }) => resourceId))
  // What a battery gives already it was promised for.
  const more = wanted.filter(({ resourceId }) => busy.has(resourceId))
  const anew = wanted.filter(({ resourceId }) => !busy.has(resourceId))
  const added = [...more, ...(await keepPromised(tx, call, anew))]
  return { added, allocations: withAdded(call.allocations, added) }
}

/** A charger as it would draw without its part: its slack is counted from that. */
function asUncalled(
  state: ResourceNow,
  part: Allocation,
  { request }: FlexibilityCall,
  now: Instant,
): ResourceNow {
  const period = periodAt(part, now)
  const { candidate, reading } = state
  if (candidate.kind !== 'charger' || reading === null || period === undefined) return state
  return { ...state, reading: { ...reading, powerW: movedFrom(period, request.direction) } }
}

/** The candidate with its curve cut to the periods that are still open. */
function onlyOpen(
  call: FlexibilityCall,
  state: ResourceNow,
  needs: readonly PeriodNeed[],
): ResourceNow {
  const all = needsOf(call)
  const indexOf = (need: PeriodNeed) =>
    all.findIndex((p) => need.start >= p.start && need.start < p.end)
  const { baselineW } = state.candidate
  const curve = baselineW.length === 0 ? [] : needs.map((need) => baselineW[indexOf(need)] ?? 0)
  return { ...state, candidate: { ...state.candidate, baselineW: curve } }
}

/** Another call may have been promised a period meanwhile: what cannot be taken is dropped. */
async function keepPromised(
  tx: StoreTransaction,
  call: FlexibilityCall,
  wanted: readonly Allocation[],
): Promise<Allocation[]> {
  const all = needsOf(call)
  const kept: Allocation[] = []
  for (const allocation of wanted) {
    const promises = allocation.periods.flatMap((period) => {
      const whole = all.find((p) => period.start >= p.start && period.start < p.end)
      return whole ? [promisedPeriod(allocation.resourceId, whole)] : []
    })
    const taken = await tx.promises.take(call.id, promises, 'order')
    const starts = new Set(taken.map((promise) => promise.periodStart))
    const periods = allocation.periods.filter((_, i) =>
      starts.has(promises[i]?.periodStart as Instant),
    )
    if (periods.length > 0) kept.push({ ...allocation, periods })
  }
  return kept
}
