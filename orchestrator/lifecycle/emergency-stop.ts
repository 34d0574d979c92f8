import type { BusinessEventInput } from '#domain/business-event.ts'
import type { EmergencyStop } from '#domain/emergency-stop.ts'
import { idFromBytes } from '#domain/enrolment.ts'
import { DomainError, fieldError } from '#domain/errors.ts'
import type { CongestionPointId, OrganisationId, ResourceId } from '#domain/ids.ts'
import type { CongestionPoint } from '#domain/resource.ts'
import type { Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { endInside } from './cancel-call.ts'
import { letGoOf } from './order-setpoints.ts'

/** Who stops; a DSO only at its own congestion points. */
export type Stopper = {
  readonly organisationId: OrganisationId
  readonly role: 'dso' | 'operator'
}

/** How far a stop has come. */
export type StopProgress = {
  /** Devices that held a setpoint of ours when it came. */
  readonly told: number
  /** Those of them that have said since that they are at their default. */
  readonly letGo: number
}

/**
 * Ends all control at one congestion point, or everywhere (null): every device goes back to its
 * own default at once, and none is told anything until the stop is lifted. No call's lock is waited for.
 * Calls inside their window end here; what was delivered until now is measured and paid. Said again
 * while it stands, it lets go again. @throws DomainError unknown-congestion-point, malformed
 */
export async function emergencyStop(
  ports: Ports,
  by: Stopper,
  input: { readonly congestionPointId: CongestionPointId | null; readonly reason: string },
): Promise<EmergencyStop> {
  const reason = checkReason(input.reason)
  const now = ports.clock.now()
  const stop = await ports.store.transaction(async (tx) => {
    const points = await pointsOf(tx, by, input.congestionPointId)
    await tx.control.lock(points.map(({ id }) => id))
    const standing = (await tx.control.stops()).find(
      ({ liftedAt, congestionPointId }) =>
        liftedAt === null && congestionPointId === input.congestionPointId,
    )
    const id = standing?.id ?? idFromBytes('stop', ports.random.bytes(8))
    const at = standing?.at ?? now
    const { congestionPointId } = input
    const { organisationId } = by
    const made = { id, congestionPointId, at, by: organisationId, reason, liftedAt: null }
    await tx.control.saveStop(standing ?? made)
    const told = await letGoOf(tx, await resourcesAt(tx, points), now)
    const message = `emergency stop: ${told} devices are let go; ${reason}`
    await tx.events.append([pointEvent('emergency-stop', points, now, message, { told })])
    return standing ?? made
  })
  await ports.wakeUps.notify('setpoints')
  await ports.wakeUps.notify('events')
  await endCalls(ports, input.congestionPointId)
  return stop
}

/** Control is possible again. Lifting it twice changes nothing. @throws DomainError not-found */
export async function liftStop(ports: Ports, by: Stopper, id: string): Promise<EmergencyStop> {
  const now = ports.clock.now()
  const lifted = await ports.store.transaction(async (tx) => {
    const stop = (await tx.control.stops()).find((one) => one.id === id)
    if (stop === undefined || !(await mayLift(tx, by, stop))) {
      throw new DomainError('not-found', `there is no emergency stop ${id}`)
    }
    if (stop.liftedAt !== null) return stop
    const after = { ...stop, liftedAt: now }
    await tx.control.saveStop(after)
    const points = await pointsOf(tx, by, stop.congestionPointId)
    const message = 'the emergency stop is lifted; calls may be dispatched again'
    await tx.events.append([pointEvent('emergency-stop-lifted', points, now, message)])
    return after
  })
  await ports.wakeUps.notify('events')
  return lifted
}

/** Stops that somebody may see, the newest first, with how far each has come. */
export async function stopsOf(
  { store }: Pick<Ports, 'store'>,
  by: Stopper,
): Promise<(EmergencyStop & StopProgress)[]> {
  return store.transaction(async (tx) => {
    const found: (EmergencyStop & StopProgress)[] = []
    for (const stop of (await tx.control.stops()).reverse()) {
      if (!(await maySee(tx, by, stop))) continue
      const points = await pointsOf(tx, { ...by, role: 'operator' }, stop.congestionPointId)
      found.push({ ...stop, ...(await progressOf(tx, stop, await resourcesAt(tx, points))) })
    }
    return found
  })
}

async function progressOf(
  tx: StoreTransaction,
  { at, liftedAt }: EmergencyStop,
  ids: readonly ResourceId[],
): Promise<StopProgress> {
  const rows = (await tx.setpoints.current(ids)).filter(
    ({ orderedAt, powerW }) =>
      powerW === null && orderedAt >= at && (liftedAt === null || orderedAt <= liftedAt),
  )
  const back = rows.filter((row) => row.effectiveAt !== null && row.effectiveW === null)
  return { told: rows.length, letGo: back.length }
}

/** Whose window runs at this place: it ends now, as if its DSO had cancelled it inside. */
async function endCalls(ports: Ports, congestionPointId: CongestionPointId | null): Promise<void> {
  const filter = congestionPointId === null ? {} : { congestionPointId }
  const open = await ports.store.transaction((tx) =>
    tx.calls.list({ states: ['dispatched'], ...filter }),
  )
  for (const { id } of open) {
    await ports.store.transaction(async (tx) => {
      const call = await tx.calls.lock(id)
      if (call.state !== 'dispatched' || call.cancelledAt !== null) return
      await endInside(ports, tx, call, 'ended by an emergency stop')
    })
    await ports.wakeUps.wakeCall(id, ports.clock.now())
  }
  if (open.length > 0) await ports.wakeUps.notify('events')
}

async function pointsOf(
  tx: StoreTransaction,
  by: Stopper,
  id: CongestionPointId | null,
): Promise<CongestionPoint[]> {
  const all = await tx.organisations.congestionPoints()
  const mine = all.filter(({ dsoId }) => by.role === 'operator' || dsoId === by.organisationId)
  const found = mine.filter((point) => id === null || point.id === id)
  const isForeign = id === null ? by.role !== 'operator' : found.length === 0
  if (isForeign) {
    const expected = 'a congestion point of yours'
    throw fieldError('unknown-congestion-point', 'congestionPointId', expected, id)
  }
  return found
}

async function maySee(tx: StoreTransaction, by: Stopper, stop: EmergencyStop): Promise<boolean> {
  if (by.role === 'operator' || stop.congestionPointId === null) return true
  const point = await tx.organisations.congestionPoint(stop.congestionPointId)
  return point?.dsoId === by.organisationId
}

/** A DSO lifts what was stopped by itself; the operator lifts everything. */
async function mayLift(tx: StoreTransaction, by: Stopper, stop: EmergencyStop): Promise<boolean> {
  if (by.role === 'operator') return true
  return stop.by === by.organisationId && (await maySee(tx, by, stop))
}

async function resourcesAt(
  tx: StoreTransaction,
  points: readonly CongestionPoint[],
): Promise<ResourceId[]> {
  const ids: ResourceId[] = []
  for (const { id: congestionPointId } of points) {
    const resources = await tx.resources.list({ congestionPointId })
    ids.push(...resources.map(({ id }) => id))
  }
  return ids
}

function pointEvent(
  kind: 'emergency-stop' | 'emergency-stop-lifted',
  points: readonly CongestionPoint[],
  at: Instant,
  message: string,
  data: BusinessEventInput['data'] = {},
): BusinessEventInput {
  const organisationIds = [...new Set(points.map(({ dsoId }) => dsoId))]
  const nobody = { callId: null, resourceId: null, ownerId: null }
  return { kind, at, ...nobody, organisationIds, notice: true, message, data }
}

function checkReason(text: string): string {
  const reason = text.trim()
  if (reason.length < 1 || reason.length > 200 || /\p{Cc}/u.test(reason)) {
    throw fieldError('malformed', 'reason', '1 to 200 printable characters', text.slice(0, 210))
  }
  return reason
}
