import {
  type Candidate,
  type Offerable,
  orderedPerPeriod,
  type PeriodNeed,
  type SkippedResource,
} from '#domain/allocation.ts'
import { offeredWhOf, STEP_W } from '#domain/allocation/offers.ts'
import { canonicalJson, hashOf } from '#domain/canonical.ts'
import { orderedInPart } from '#domain/decision.ts'
import { orderedEnergy } from '#domain/delivery.ts'
import type { Escrow } from '#domain/escrow.ts'
import { commitReadings, type GatewayKey, termsOf } from '#domain/evidence.ts'
import { type FlexibilityCall, transition } from '#domain/flexibility-call.ts'
import { offerable } from '#domain/flexibility-offer.ts'
import type { CallId, Hex, ResourceId } from '#domain/ids.ts'
import type { BehindPoint } from '#domain/network/behind-point.ts'
import { canStandIn, leastPart } from '#domain/offer-conditions.ts'
import { type PromisedPeriod, promisedPeriod } from '#domain/promised.ts'
import { escrowNeeded } from '#domain/settlement.ts'
import { STANDBY_RULE } from '#domain/standby.ts'
import { addSeconds, floorToStep, type Instant } from '#domain/time.ts'
import { energyOrdered, toWattHours, watts } from '#domain/units.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { callEvent } from './announce.ts'
import { carriedInto } from './carried-deficit.ts'
import { declineRequest } from './decline-request.ts'
import { findCandidates } from './find-candidates.ts'
import { keepUncongested } from './keep-uncongested.ts'
import { planOrder, sayingHow } from './plan-order.ts'
import { promiseSurely } from './promise-surely.ts'
import { resourcesNow } from './resources-now.ts'

/**
 * At gate closure: turns standing offers into an offer. Allocates in merit order within what each
 * resource can do, promises it, and fixes the terms whose hash the DSO's escrow will carry. What
 * cannot be met in full is offered in part; none at all is declined. Safe to run twice.
 */
export async function offerFlexibility(ports: Ports, callId: CallId): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    const now = ports.clock.now()
    if (call.state !== 'requested' || now < call.gateClosesAt) return
    await tx.promises.lockCongestionPoint(call.request.congestionPointId)
    const known = await findCandidates(tx, call)
    const { control, skipped, history, meterKeys, giniBp, network } = known
    const needs = needsOf(call)
    const lookedAt = lookAt(call)
    const offers: Offerable[] = []
    for (const state of await resourcesNow(tx, call, known.candidates, lookedAt)) {
      const found = offerable(state, needs, call.request.direction)
      if ('reason' in found) skipped.push(found)
      else offers.push(found)
    }
    const candidates = withOffered(known.candidates, offers, needs)
    const question = { needs, offers, network, giniBp }
    const { planned, leftOut } = await planWithin(ports, tx, call, question)
    const { surely, allocations, allocatedBy } = planned
    skipped.push(...leftOut)
    const starts = needs.map((need) => need.start)
    const orderedW = orderedPerPeriod(starts, allocations, candidates)
    const taking = new Set(allocations.map((a) => a.resourceId))
    const reserve = inReserve(surely.countedOn, offers, taking)
    const held = new Set(reserve.map(({ resourceId }) => resourceId))
    const isShort = surely.needs.some(({ powerW }, i) => powerW - (orderedW[i] ?? 0) >= STEP_W)
    const isWhole = surely.needs.every((one) => needs.includes(one))
    const told = new Set([...taking, ...leftOut.map(({ resourceId }) => resourceId)])
    for (const { candidate } of offers) {
      const { resourceId } = candidate
      if (told.has(resourceId)) continue
      skipped.push(notTaken(candidate, { isShort, isWhole, isHeld: held.has(resourceId) }))
    }
    const fixed = { candidates, skipped: sorted(skipped), allocations, allocatedBy, orderedW }
    const behind = network ? { network: { ...network.statement, leftOut: leftOut.length } } : {}
    const decided = { at: now, inPart: orderedInPart(allocations, offers, needs) }
    const offered = { ...call, ...fixed, ...behind, ...standbyRuleOf(call), decided }
    if (allocations.length === 0) {
      return declineRequest(tx, offered, reasonsOf(skipped), now)
    }
    await promise(tx, offered, reserve)
    const committed = { ...offered, baselineCommitment: commitReadings(history, candidates) }
    const terms = termsOf(committed, {
      gatewayKeys: await gatewayKeys(tx),
      meterKeys,
      control,
      carriedWh: await carriedInto(tx, call),
    })
    await tx.evidence.save(call.id, 0, canonicalJson({ terms, history }))
    const escrow = await escrowFor(ports, tx, committed, hashOf(terms))
    await tx.calls.save({ ...transition(committed, 'offered'), escrow })
    const message = `offered ${orderedW.join(' / ')} W by ${allocations.length} resources; ${sayingHow(allocatedBy)}${sayingWithout(leftOut)}`
    await tx.events.append([callEvent(call, 'call-offered', now, message)])
  })
  await ports.wakeUps.notify('events')
}

/** What only stands by is judged by the rule of today, whatever comes after it. */
function standbyRuleOf({ program }: FlexibilityCall): Pick<FlexibilityCall, 'standbyRule'> {
  return program.product === 'availability' ? { standbyRule: STANDBY_RULE } : {}
}

type Question = {
  readonly needs: readonly PeriodNeed[]
  readonly offers: readonly Offerable[]
  readonly network: BehindPoint | null
  readonly giniBp: number | null
}

/** What is promised and by whom, so that the grid behind the congestion point bears it. */
function planWithin(
  ports: Ports,
  tx: StoreTransaction,
  call: FlexibilityCall,
  { needs, offers, network, giniBp }: Question,
) {
  const plan = async (kept: readonly Offerable[], before: number) => {
    const surely = await promiseSurely(tx, call, needs, kept)
    const asked = { needs: surely.needs, requested: needs, giniBp }
    return { surely, ...(await planOrder(ports, call, asked, kept, before)) }
  }
  return keepUncongested(network, { needs, direction: call.request.direction }, offers, plan)
}

/** A sentence for the DSO about what its grid does not bear elsewhere. */
function sayingWithout({ length }: readonly SkippedResource[]): string {
  if (length === 0) return ''
  return `; ${length} resources are left out, which would congest the grid elsewhere or right after`
}

/** Of those that the order's chance stands on, who is not ordered and can be called in the window. */
function inReserve(
  countedOn: readonly PromisedPeriod[],
  offers: readonly Offerable[],
  taking: ReadonlySet<ResourceId>,
): PromisedPeriod[] {
  const able = offers.filter(({ candidate }) => canStandIn(candidate.conditions ?? {}))
  const ids = new Set(able.map(({ candidate }) => candidate.resourceId))
  return countedOn.filter(({ resourceId }) => ids.has(resourceId) && !taking.has(resourceId))
}

type Left = { readonly isShort: boolean; readonly isWhole: boolean; readonly isHeld: boolean }

/**
 * `isShort`: less was ordered than was to be; `isWhole`: that was all of the request; `isHeld`: the
 * order's chance stands on it.
 */
function notTaken(
  { resourceId, conditions = {} }: Candidate,
  { isShort, isWhole, isHeld }: Left,
): SkippedResource {
  const least = leastPart(conditions)
  if (isShort && least !== null) {
    const detail = `gives ${least}, which does not fit into what was left to order`
    return { resourceId, reason: 'part-refused', detail }
  }
  const why = isWhole
    ? 'cheaper resources cover the request'
    : 'no more than this is sure enough for the program'
  if (!canStandIn(conditions)) {
    const detail = `${why}; it has to know early, and stands in no reserve`
    return { resourceId, reason: 'not-needed', detail }
  }
  const detail = `${why}; it stands in reserve${isHeld ? ' and is kept free for this call' : ''}`
  return { resourceId, reason: 'not-needed', detail }
}

/** The candidates with what each could have given: later calls compare with it what they called. */
function withOffered(
  all: readonly Candidate[],
  offers: readonly Offerable[],
  needs: readonly PeriodNeed[],
): Candidate[] {
  const offered = new Map(
    offers.map((offer) => [offer.candidate.resourceId, offeredWhOf(offer, needs)]),
  )
  return all.map((candidate) => {
    const offeredWh = offered.get(candidate.resourceId)
    return offeredWh === undefined ? candidate : { ...candidate, offeredWh }
  })
}

/**
 * The settlement periods of a call and what is asked in each. What stands by may be activated in
 * any of them, and is told of that no sooner than the notice that was agreed.
 */
export function needsOf({ program, request }: FlexibilityCall): PeriodNeed[] {
  const { product, settlementPeriodSeconds: seconds, activationNoticeSeconds = 0 } = program
  return request.periods.map(({ start, powerW }) => {
    const need = { start, end: addSeconds(start, seconds), powerW }
    if (product !== 'availability') return need
    return { ...need, toldFrom: addSeconds(start, -activationNoticeSeconds) }
  })
}

/**
 * Capability is read two metering intervals before gate closure, on the raster of the meters: by
 * then the reading has arrived, whatever the machine's mood.
 */
function lookAt(call: FlexibilityCall): Instant {
  const interval = call.program.meteringIntervalSeconds
  return floorToStep(addSeconds(call.gateClosesAt, -2 * interval), interval)
}

/** Of every gateway that is known by now: whoever joins later cannot be checked in this call. */
async function gatewayKeys(tx: StoreTransaction): Promise<GatewayKey[]> {
  const gateways = await tx.gateways.list()
  return gateways.map(({ id, publicKey }) => ({ id, publicKey }))
}

/** The warm reserve is promised too: an order is only as sure as those that stand behind it. */
async function promise(
  tx: StoreTransaction,
  call: FlexibilityCall,
  reserve: readonly PromisedPeriod[],
): Promise<void> {
  const ordered = call.allocations.flatMap(({ resourceId, periods }) =>
    periods.map((period) => promisedPeriod(resourceId, period)),
  )
  const taken = [
    ...(await tx.promises.take(call.id, ordered, 'order')),
    ...(await tx.promises.take(call.id, reserve, 'reserve')),
  ]
  if (taken.length !== ordered.length + reserve.length) {
    throw new Error(`${call.id}: promised periods were taken under the congestion point's lock`)
  }
}

async function escrowFor(
  { rail }: Ports,
  tx: StoreTransaction,
  call: FlexibilityCall,
  termsHash: Hex,
): Promise<Escrow> {
  const { program, request, orderedW } = call
  const dso = await tx.organisations.find(call.dsoId)
  if (!dso?.address) throw new Error(`${call.dsoId} has no payer address`)
  const pointWh = orderedW.reduce(
    (sum, powerW) =>
      sum + toWattHours(energyOrdered(watts(powerW), program.settlementPeriodSeconds)),
    0,
  )
  const deviceWh = call.allocations
    .flatMap(({ periods }) => periods)
    .reduce((sum, period) => sum + orderedEnergy(period), 0)
  // Devices are paid by their own meters: where they count for less at the point, for more there.
  const orderedWh = Math.max(pointWh, deviceWh)
  const terms = {
    payer: dso.address,
    amount: escrowNeeded(orderedWh, request.priceCap, program.feeBp, program.paymentPolicy),
    deliverStart: request.window.start,
    deliverEnd: request.window.end,
    settleBy: addSeconds(request.window.end, program.settleBySeconds),
    verifierSetId: rail.parties.verifierSetId,
    termsHash,
    salt: hashOf({ salt: 'escrow', callId: call.id }),
  }
  return { terms, requestId: rail.requestId(terms), authorisation: null, cancellation: null }
}

function sorted(skipped: SkippedResource[]): SkippedResource[] {
  return skipped.sort((a, b) => (a.resourceId < b.resourceId ? -1 : 1))
}

/** One line per reason with how many resources it kept out. */
function reasonsOf(skipped: readonly SkippedResource[]): string[] {
  if (skipped.length === 0) return ['no resource is enrolled at this congestion point']
  const counts = new Map<string, number>()
  for (const { reason } of skipped) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].map(([reason, count]) => `${reason}: ${count}`).sort()
}
