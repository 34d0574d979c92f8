import type { BusinessEventInput } from '#domain/business-event.ts'
import type { EmergencyStop, PointCounts } from '#domain/emergency-stop.ts'
import { idFromBytes } from '#domain/enrolment.ts'
import { DomainError, fieldError } from '#domain/errors.ts'
import type { CongestionPointId, OrganisationId, ResourceId } from '#domain/ids.ts'
import type { CongestionPoint } from '#domain/resource.ts'
import type { Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { endStopped } from './end-stopped.ts'
import { stillArmed } from './order-armings.ts'
import { letGoOf } from './order-setpoints.ts'

/** Who stops; a DSO only at its own congestion points. */
export type Stopper = {
  readonly organisationId: OrganisationId
  readonly role: 'dso' | 'operator'
}

/** How far a stop has come. */
export type StopProgress = {
  /** Devices that held a setpoint or a droop curve of ours when it came. */
  readonly told: number
  /** Those of them that have said since that they are at their default. */
  readonly letGo: number
}

/** A stop, and how far it has come at the points of who asks. */
export type StopNow = Omit<EmergencyStop, 'told' | 'letGo'> & StopProgress

/**
 * Ends all control at one congestion point, or everywhere (null): every device goes back to its
 * own default at once, and none is told anything until the stop is lifted. No call's lock is waited
 * for. Calls inside their window end here; what was delivered until now is measured and paid. Said
 * again by the same while it stands, it lets go again; by somebody else it is a stop of its own.
 * @throws DomainError unknown-congestion-point, malformed
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
      ({ liftedAt, congestionPointId, by: who }) =>
        liftedAt === null &&
        congestionPointId === input.congestionPointId &&
        who === by.organisationId,
    )
    const id = standing?.id ?? idFromBytes('stop', ports.random.bytes(8))
    const at = standing?.at ?? now
    const { congestionPointId } = input
    const { organisationId } = by
    const made = { id, congestionPointId, at, by: organisationId, reason, liftedAt: null }
    const told: Record<CongestionPointId, number> = {}
    for (const point of points) {
      told[point.id] = await letGoOf(tx, await resourcesAt(tx, [point]), now)
    }
    const before = standing?.told ?? {}
    const stood = { ...(standing ?? made), told: addedUp(before, told) }
    await tx.control.saveStop(stood)
    await tx.events.append(
      byDso(points).map((mine) => {
        const count = countAt(told, mine)
        const message = `emergency stop: ${count} devices are let go; ${reason}`
        return pointEvent('emergency-stop', mine, now, message, { told: count })
      }),
    )
    const ended = `an emergency stop has ended all control of devices: ${reason}`
    await tellAggregators(tx, points, 'emergency-stop', now, ended)
    return stood
  })
  await ports.wakeUps.notify('setpoints')
  await ports.wakeUps.notify('events')
  await endCalls(ports, input.congestionPointId)
  // What a cycle under way ordered meanwhile is taken back with its call.
  await ports.wakeUps.notify('setpoints')
  return stop
}

/**
 * Control is possible again, but for calls that the stop ended: they end before it is lifted, had
 * somebody died meanwhile. Lifting it twice changes nothing. @throws DomainError not-found
 */
export async function liftStop(ports: Ports, by: Stopper, id: string): Promise<EmergencyStop> {
  const now = ports.clock.now()
  const standing = await ports.store.transaction((tx) => toLift(tx, by, id))
  if (standing.liftedAt === null) await endCalls(ports, standing.congestionPointId)
  const lifted = await ports.store.transaction(async (tx) => {
    const stop = await toLift(tx, by, id)
    if (stop.liftedAt !== null) return stop
    const points = await pointsOf(tx, by, stop.congestionPointId)
    const letGo: Record<CongestionPointId, number> = {}
    for (const point of points) letGo[point.id] = await letGoAt(tx, stop, point, now)
    const after = { ...stop, liftedAt: now, letGo }
    await tx.control.saveStop(after)
    const message = 'the emergency stop is lifted; calls may be dispatched again'
    await tx.events.append([pointEvent('emergency-stop-lifted', points, now, message)])
    await tellAggregators(tx, points, 'emergency-stop-lifted', now, message)
    return after
  })
  await ports.wakeUps.notify('events')
  return lifted
}

async function toLift(tx: StoreTransaction, by: Stopper, id: string): Promise<EmergencyStop> {
  const stop = (await tx.control.stops()).find((one) => one.id === id)
  if (stop === undefined || !(await mayLift(tx, by, stop))) throw noStop(id)
  return stop
}

/** Stops that somebody may see, the newest first, with how far each has come at their points. */
export async function stopsOf(ports: Pick<Ports, 'store' | 'clock'>, by: Stopper) {
  return seenBy(ports, by, () => true)
}

/** One of them. @throws DomainError not-found */
export async function stopOf(
  ports: Pick<Ports, 'store' | 'clock'>,
  by: Stopper,
  wanted: string,
): Promise<StopNow> {
  const [found] = await seenBy(ports, by, ({ id }) => id === wanted)
  if (found === undefined) throw noStop(wanted)
  return found
}

function noStop(id: string): DomainError {
  return new DomainError('not-found', `there is no emergency stop ${id}`)
}

async function seenBy(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  by: Stopper,
  isWanted: (stop: EmergencyStop) => boolean,
): Promise<StopNow[]> {
  return store.transaction(async (tx) => {
    const all = await tx.organisations.congestionPoints()
    const seen = new Set(all.filter((point) => isOf(by, point)).map(({ id }) => id))
    return Promise.all(
      (await tx.control.stops())
        .filter(({ congestionPointId: id }) => id === null || seen.has(id))
        .filter(isWanted)
        .reverse()
        .map(async (stop) => {
          const points = all.filter(({ id }) => isAt(stop, id) && seen.has(id))
          return { ...stop, ...(await progressOf(tx, stop, points, clock.now())) }
        }),
    )
  })
}

async function progressOf(
  tx: StoreTransaction,
  stop: EmergencyStop,
  points: readonly CongestionPoint[],
  now: Instant,
): Promise<StopProgress> {
  const told = countAt(stop.told ?? {}, points)
  // Once it is lifted devices may be told something else.
  if (stop.liftedAt !== null) return { told, letGo: countAt(stop.letGo ?? {}, points) }
  let letGo = 0
  for (const point of points) letGo += await letGoAt(tx, stop, point, now)
  return { told, letGo }
}

/** How many devices at a point have said that they are at their default, while a stop stands. */
async function letGoAt(
  tx: StoreTransaction,
  { at, told }: EmergencyStop,
  point: CongestionPoint,
  now: Instant,
): Promise<number> {
  const count = told?.[point.id] ?? 0
  if (count === 0) return 0
  const ids = await resourcesAt(tx, [point])
  const rows = (await tx.setpoints.current(ids)).filter(
    ({ orderedAt, powerW, effectiveAt, effectiveW }) =>
      powerW === null && orderedAt >= at && (effectiveAt === null || effectiveW !== null),
  )
  const armed = await stillArmed(tx, ids, at, now)
  const missing = new Set([...armed, ...rows.map(({ resourceId }) => resourceId)])
  return Math.max(0, count - missing.size)
}

/** Whose window runs at this place: it ends now, as if its DSO had cancelled it inside. */
async function endCalls(ports: Ports, congestionPointId: CongestionPointId | null): Promise<void> {
  const filter = congestionPointId === null ? {} : { congestionPointId }
  const open = await ports.store.transaction((tx) =>
    tx.calls.list({ states: ['dispatched'], ...filter }),
  )
  for (const { id } of open) {
    await endStopped(ports, id)
    await ports.wakeUps.wakeCall(id, ports.clock.now())
  }
}

async function pointsOf(
  tx: StoreTransaction,
  by: Stopper,
  id: CongestionPointId | null,
): Promise<CongestionPoint[]> {
  const all = await tx.organisations.congestionPoints()
  const mine = all.filter((point) => isOf(by, point))
  const found = mine.filter((point) => id === null || point.id === id)
  const isForeign = id === null ? by.role !== 'operator' : found.length === 0
  if (isForeign) {
    const expected = 'a congestion point of yours'
    throw fieldError('unknown-congestion-point', 'congestionPointId', expected, id)
  }
  return found
}

function isOf(by: Stopper, { dsoId }: CongestionPoint): boolean {
  return by.role === 'operator' || dsoId === by.organisationId
}

function isAt({ congestionPointId }: EmergencyStop, id: CongestionPointId): boolean {
  return congestionPointId === null || congestionPointId === id
}

function byDso(points: readonly CongestionPoint[]): CongestionPoint[][] {
  return [...Map.groupBy(points, ({ dsoId }) => dsoId).values()]
}

function countAt(counts: PointCounts, points: readonly CongestionPoint[]): number {
  return points.reduce((sum, { id }) => sum + (counts[id] ?? 0), 0)
}

/** Said again while it stands, it may let go of more. */
function addedUp(before: PointCounts, more: PointCounts): PointCounts {
  const ids = Object.keys(more) as CongestionPointId[]
  const sums = ids.map((id) => [id, (before[id] ?? 0) + (more[id] ?? 0)] as const)
  return { ...before, ...Object.fromEntries(sums) }
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

/** Who has devices at these points; of how many there are they are told nothing. */
async function tellAggregators(
  tx: StoreTransaction,
  points: readonly CongestionPoint[],
  kind: 'emergency-stop' | 'emergency-stop-lifted',
  at: Instant,
  message: string,
): Promise<void> {
  const found = new Set<OrganisationId>()
  for (const { id: congestionPointId } of points) {
    const resources = await tx.resources.list({ congestionPointId })
    for (const { aggregatorId } of resources) found.add(aggregatorId)
  }
  if (found.size === 0) return
  await tx.events.append([{ ...pointEvent(kind, [], at, message), organisationIds: [...found] }])
}

function checkReason(text: string): string {
  const reason = text.trim()
  if (reason.length < 1 || reason.length > 200 || /\p{Cc}/u.test(reason)) {
    throw fieldError('malformed', 'reason', '1 to 200 printable characters', text.slice(0, 210))
  }
  return reason
}
