import { activatedPart } from '#domain/activated-parts.ts'
import { type Allocation, type Candidate, periodAt } from '#domain/allocation.ts'
import { methodFor } from '#domain/baseline/candidate.ts'
import { readingsAround } from '#domain/baseline/readings.ts'
import { levelPeriods } from '#domain/baseline/stretches.ts'
import type { BusinessEventInput } from '#domain/business-event.ts'
import { commitReadings, type OrderEvidence, parseEvidence, verifiable } from '#domain/evidence.ts'
import { standingAt } from '#domain/emergency-stop.ts'
import { deliveryEnd, type FlexibilityCall, transition } from '#domain/flexibility-call.ts'
import type { CallId, ResourceId } from '#domain/ids.ts'
import { secondsAlone } from '#domain/rebound/restart-order.ts'
import type { Rating } from '#domain/resource.ts'
import { byResource, type Reading } from '#domain/telemetry.ts'
import { addSeconds, type Instant, instant } from '#domain/time.ts'
import { periodTold } from '#domain/told-period.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { callEvent, resourceEvent } from './announce.ts'
import { endInside } from './cancel-call.ts'
import { orderArmings } from './order-armings.ts'
import { type NewSetpoint, orderSetpoints } from './order-setpoints.ts'
import { restartsInSteps, stepsOf } from './plan-restart.ts'

/**
 * At window start: commits to the readings that a baseline takes in, then writes the first
 * setpoints, in one transaction and in this order. The gateways make them true. Safe to run twice.
 */
export async function dispatchCall(ports: Ports, callId: CallId): Promise<void> {
  await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    const now = ports.clock.now()
    if (call.state !== 'ordered' || now < call.request.window.start) return
    const before = await readingsBefore(tx, call)
    const dispatched: FlexibilityCall = {
      ...transition(call, 'dispatched'),
      before,
      windowStartCommitment: commitReadings(before, []),
      corrections: [],
    }
    await tx.calls.save(dispatched)
    const stop = standingAt(await tx.control.stops(), call.request.congestionPointId)
    if (stop !== null) {
      const why = 'its window began under an emergency stop'
      await endInside(ports, tx, dispatched, why, 'emergency-stop')
      return
    }
    const wanted = call.allocations.flatMap((allocation) =>
      setpointFor(dispatched, allocation.resourceId, now),
    )
    const { told } = await orderSetpoints(tx, dispatched, wanted, now)
    await orderArmings(tx, dispatched, now)
    const message = sayDispatched(dispatched, told)
    const data = { resources: told, orderedW: call.orderedW[0] ?? 0 }
    const limited = await limitedElsewhere(tx, call, now)
    const event = callEvent(call, 'call-dispatched', now, message, { data })
    await tx.events.append([event, ...limited])
  })
  await ports.wakeUps.notify('setpoints')
  await ports.wakeUps.notify('events')
}

function sayDispatched({ allocations, activations, request }: FlexibilityCall, told: number) {
  if (activations === undefined) return `${told} resources are told to ${request.direction}`
  return `${allocations.length} resources stand by to ${request.direction}`
}

/** Marks whose readings somebody else's limit is in from the window's first instant on. */
async function limitedElsewhere(
  tx: StoreTransaction,
  call: FlexibilityCall,
  now: Instant,
): Promise<BusinessEventInput[]> {
  const ids = call.allocations.map(({ resourceId }) => resourceId)
  const conditions = await tx.resources.conditions(ids)
  return conditions.flatMap(({ resourceId, externalLimitW: limitW, externalSource: source }) => {
    if (limitW === null) return []
    const message = `${resourceId} is limited to ${limitW} W by ${source ?? 'somebody else'}`
    const data = { limitW, source }
    return [resourceEvent(call, 'limited-elsewhere', now, resourceId, message, { data })]
  })
}

/**
 * The setpoint that a resource is to have at an instant: what its allocation asks for, and before
 * that where it takes its time; none outside its periods, nor while it only stands by.
 */
export function setpointFor(
  call: FlexibilityCall,
  resourceId: ResourceId,
  now: Instant,
): NewSetpoint[] {
  const allocation = activatedPart(call, resourceId)
  if (!allocation || allocation.releasedAt !== null || now >= deliveryEnd(call)) return []
  const rating = ratingsOf(call.candidates).get(resourceId)
  if (rating === undefined) throw new Error(`${resourceId} is no candidate of ${call.id}`)
  const { controlCycleSeconds } = call.program
  const how = { rating, direction: call.request.direction, controlCycleSeconds }
  const period = periodTold(allocation, how, now)
  if (!period || period.start >= deliveryEnd(call)) return []
  return [
    {
      resourceId: allocation.resourceId,
      callId: call.id,
      powerW: Math.max(period.setpointW, allocation.floorW ?? period.setpointW),
      validFrom: period.start > now ? now : period.start,
      validUntil: letsGoAt(call, allocation, lastEnd(allocation.periods, period.end)),
      orderedAt: now,
    },
  ]
}

/** Of candidates that do not change: control cycles ask for one device after the other. */
const known = new WeakMap<readonly Candidate[], ReadonlyMap<ResourceId, Rating>>()

function ratingsOf(candidates: readonly Candidate[]): ReadonlyMap<ResourceId, Rating> {
  let ratings = known.get(candidates)
  if (ratings === undefined) {
    ratings = new Map(candidates.map(({ resourceId, rating }) => [resourceId, rating]))
    known.set(candidates, ratings)
  }
  return ratings
}

/**
 * Where devices come back one after the other, a charger lets go by itself after the window's end,
 * and under a step limit everybody does, after an activation's end too: it is told what follows in
 * time, or comes back in a step of its own if nobody is left to tell it.
 */
function letsGoAt(call: FlexibilityCall, { resourceId }: Allocation, end: Instant): Instant {
  const { program, request, candidates } = call
  const isStepped = program.stepLimit !== undefined
  const byItself = () => addSeconds(end, secondsAlone(call.id, resourceId, stepsOf(call)))
  if (end < request.window.end) {
    const goesOnUntil = standsByUntil(call, resourceId, end)
    if (!isStepped || goesOnUntil === null) return end
    return instant(Math.min(byItself(), goesOnUntil))
  }
  if (!(isStepped || restartsInSteps(call))) return end
  const kind = candidates.find((candidate) => candidate.resourceId === resourceId)?.kind
  return isStepped || kind === 'charger' ? byItself() : end
}

/** What stands by is promised to nobody else until its part ends: so long it may be held on. */
function standsByUntil(
  { activations, allocations }: FlexibilityCall,
  resourceId: ResourceId,
  from: Instant,
): Instant | null {
  const part = allocations.find((one) => one.resourceId === resourceId)
  const period = activations && part && periodAt(part, from)
  return period && part ? lastEnd(part.periods, period.end) : null
}

/** A setpoint holds to the end of the unbroken run of periods: a late renewal leaves no gap. */
function lastEnd(periods: readonly { start: Instant; end: Instant }[], from: Instant): Instant {
  let end = from
  for (const period of periods) if (period.start === end) end = period.end
  return end
}

/**
 * What baselines take in of the call's own day. Up to one metering interval before the window, so
 * that the readings are there and nothing that was dispatched is in them; the register of the
 * window's first instant, which ends the last period before it, comes with the window's readings.
 */
async function readingsBefore(tx: StoreTransaction, call: FlexibilityCall): Promise<Reading[]> {
  const { program, request } = call
  const ordered = await tx.evidence.load(call.id, 0)
  if (ordered === null) throw new Error(`${call.id} has no evidence of its order`)
  const { terms } = parseEvidence(ordered) as OrderEvidence
  const candidates = [...call.candidates, ...terms.control]
  const until = addSeconds(request.window.start, -program.meteringIntervalSeconds)
  const methodOf = ({ kind }: Candidate) => methodFor(program, kind)
  const last = await tx.readings.lastBefore(
    candidates.filter((c) => methodOf(c).family === 'last-reading').map((c) => c.resourceId),
    until,
  )
  const levels: Reading[] = []
  for (const method of new Set(candidates.map(methodOf))) {
    const mine = candidates.filter((candidate) => methodOf(candidate) === method)
    levels.push(...(await levelReadings(tx, call, mine, until)))
  }
  const readings = [...last, ...levels].sort(byResourceAndTime)
  return verifiable(terms, readings)
}

/** The readings on the boundaries of the periods that set a method's level on the call's own day. */
async function levelReadings(
  tx: StoreTransaction,
  { id, program, request }: FlexibilityCall,
  candidates: readonly Candidate[],
  until: Instant,
): Promise<Reading[]> {
  const periods = new Set(candidates.flatMap((c) => levelPeriods(c, program, request)))
  const starts = [...periods].sort((a, b) => a - b)
  const [first] = starts
  if (first === undefined) return []
  const seconds = program.settlementPeriodSeconds
  const boundaries = starts.flatMap((start) => [start, addSeconds(start, seconds)])
  const ids = candidates.map(({ resourceId }) => resourceId)
  // A device that another call moved meanwhile shows no level of its own.
  const taken = await tx.promises.taken(ids, first, request.window.end)
  const others = taken.filter(({ callId, role }) => callId !== id && role === 'order')
  const moved = new Set(others.map(({ resourceId }) => resourceId))
  const still = ids.filter((resourceId) => !moved.has(resourceId))
  const found = byResource(await tx.readings.between(still, addSeconds(first, -seconds), until))
  return [...found.values()].flatMap((mine) => readingsAround(mine, boundaries, seconds))
}

function byResourceAndTime(a: Reading, b: Reading): number {
  if (a.resourceId !== b.resourceId) return a.resourceId < b.resourceId ? -1 : 1
  return a.at - b.at
}
