import type { BusinessEventInput, BusinessEventKind } from '#domain/business-event.ts'
import { type ChargeNowCost, costOfChargeNow, TAKEN_BACK } from '#domain/charge-now.ts'
import { type ControlLease, leaseOf } from '#domain/control-lease.ts'
import { standingAt } from '#domain/emergency-stop.ts'
import { MINUTES_PER_DAY, whole } from '#domain/enrolment.ts'
import { DomainError, fieldError } from '#domain/errors.ts'
import type { OrganisationId, OwnerId, ResourceId } from '#domain/ids.ts'
import { asEnrolled, isLooser, type OwnerLimits, type ReadyBy } from '#domain/owner-limits.ts'
import type { Resource } from '#domain/resource.ts'
import { addSeconds, formatInstant, type Instant } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { letGoOf } from './order-setpoints.ts'
import { partNow } from './part-now.ts'

/** The owner of a device, or the aggregator that enrolled it. */
export type WhoLimits = {
  readonly organisationId: OrganisationId
  /** null: it is the aggregator. */
  readonly ownerId: OwnerId | null
}

export type LimitsNow = { readonly limits: OwnerLimits; readonly lease: ControlLease }

const ENERGY_MAX_WH = 1_000_000
const CHARGE_NOW_MAX_MINUTES = MINUTES_PER_DAY

/** What the owner of a device allows, and who leads it now. @throws DomainError not-found */
export async function limitsOf(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  who: WhoLimits,
  resourceId: ResourceId,
): Promise<LimitsNow> {
  return store.transaction(async (tx) =>
    limitsNow(tx, await ownResource(tx, who, resourceId), clock.now()),
  )
}

/**
 * Sets what a device keeps in it, and when its car is ready. An aggregator only tightens what its
 * owner said. @throws DomainError
 */
export async function saveLimits(
  ports: Ports,
  who: WhoLimits,
  resourceId: ResourceId,
  wanted: { readonly leastSocBp: number | null; readonly readyBy: ReadyBy | null },
): Promise<LimitsNow> {
  const { leastSocBp, readyBy } = wanted
  if (leastSocBp !== null) whole('leastSocBp', leastSocBp, 0, 10_000, 'basis points')
  if (readyBy !== null) {
    whole('readyBy.minuteOfDay', readyBy.minuteOfDay, 0, MINUTES_PER_DAY - 1, 'minutes')
    whole('readyBy.energyWh', readyBy.energyWh, 0, ENERGY_MAX_WH, 'Wh')
  }
  return change(ports, who, resourceId, ({ limits }) => {
    if (who.ownerId === null && isLooser(limits, wanted)) {
      throw new DomainError('forbidden', 'only the owner loosens what a device keeps')
    }
    return {
      limits: {
        ...limits,
        leastSocBp: leastSocBp === null ? null : basisPoints(leastSocBp),
        readyBy,
      },
      kind: 'limits-changed',
      message: `${resourceId}: its ${roleOf(who)} changed its owner's limits`,
      letsGo: false,
    }
  })
}

/**
 * Gives or withdraws the consent that a device may be told what to do. From the withdrawal on it is
 * told nothing, also inside a window: it goes back to its default at once. Only the owner gives
 * again what was withdrawn. Safe to run twice. @throws DomainError not-found, forbidden
 */
export async function changeConsent(
  ports: Ports,
  who: WhoLimits,
  resourceId: ResourceId,
  isGiven: boolean,
): Promise<LimitsNow> {
  return change(ports, who, resourceId, ({ limits }, now) => {
    const { consent } = limits
    if (isGiven === (consent.withdrawnAt === null)) return null
    if (isGiven && who.ownerId === null) {
      throw new DomainError('forbidden', 'only the owner gives a consent that was withdrawn')
    }
    const after = isGiven
      ? { givenAt: now, withdrawnAt: null }
      : { givenAt: consent.givenAt, withdrawnAt: now, ...withdrawnBy(who) }
    const verb = isGiven ? 'gave' : 'withdrew'
    return {
      limits: { ...limits, consent: after },
      kind: isGiven ? 'consent-given' : 'consent-withdrawn',
      message: `${resourceId}: its ${roleOf(who)} ${verb} the consent that it is told what to do`,
      letsGo: !isGiven,
    }
  })
}

/** What taking a device back would cost its owner now; null: nothing. @throws DomainError not-found */
export async function askChargeNow(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  who: WhoLimits,
  resourceId: ResourceId,
): Promise<ChargeNowCost | null> {
  return store.transaction(async (tx) => {
    await ownResource(tx, who, resourceId)
    return costNow(tx, resourceId, clock.now())
  })
}

/**
 * Full power for a car, or a battery left alone, for some minutes (0: no longer), at a cost that the owner has seen: it is refused
 * where more would be lost by now than was named, and to aggregators.
 * @throws DomainError not-found, malformed, wrong-state, forbidden
 */
export async function chargeNow(
  ports: Ports,
  who: WhoLimits,
  resourceId: ResourceId,
  wanted: { readonly minutes: number; readonly costMinor: bigint },
): Promise<LimitsNow> {
  const minutes = whole('minutes', wanted.minutes, 0, CHARGE_NOW_MAX_MINUTES, 'minutes')
  return change(ports, who, resourceId, async ({ limits, tx, resource }, now) => {
    const words = TAKEN_BACK[resource.kind]
    if (who.ownerId === null) {
      throw new DomainError('forbidden', 'only the owner takes a device back, and pays for it')
    }
    if (minutes === 0) {
      if (limits.chargeNow === null) return null
      const message = `${resourceId}: its owner ${words.over}`
      const ended = { ...limits, chargeNow: null }
      return { limits: ended, kind: 'override-ended', message, letsGo: false }
    }
    const cost = await costNow(tx, resourceId, now)
    if (cost !== null && cost.amount > wanted.costMinor) {
      const expected = `at least ${cost.amount}, which it costs now`
      throw fieldError('wrong-state', 'costMinor', expected, wanted.costMinor)
    }
    const until = addSeconds(now, minutes * 60)
    return {
      limits: { ...limits, chargeNow: { since: now, until } },
      kind: 'driver-override',
      message: `${resourceId}: its owner ${words.now} until ${formatInstant(until)}`,
      letsGo: true,
    }
  })
}

function roleOf({ ownerId }: WhoLimits): 'aggregator' | 'owner' {
  return ownerId === null ? 'aggregator' : 'owner'
}

function withdrawnBy({ ownerId }: WhoLimits): { readonly withdrawnBy?: 'aggregator' } {
  return ownerId === null ? { withdrawnBy: 'aggregator' } : {}
}

type Changed = {
  readonly limits: OwnerLimits
  readonly kind: BusinessEventKind
  readonly message: string
  /** The device goes back to its default, whatever it was told. */
  readonly letsGo: boolean
}
type Before = {
  readonly limits: OwnerLimits
  readonly tx: StoreTransaction
  readonly resource: Resource
}

/** Under the lock that every setpoint takes: none slips through beside it. null: nothing changes. */
async function change(
  ports: Ports,
  who: WhoLimits,
  resourceId: ResourceId,
  how: (before: Before, now: Instant) => Promise<Changed | null> | Changed | null,
): Promise<LimitsNow> {
  const now = ports.clock.now()
  const { after, led } = await ports.store.transaction(async (tx) => {
    const resource = await ownResource(tx, who, resourceId)
    await tx.control.lock([resource.congestionPointId])
    const before = await limitsNow(tx, resource, now)
    const changed = await how({ limits: before.limits, tx, resource }, now)
    if (changed === null) return { after: before, led: null }
    await tx.control.saveLimits(changed.limits)
    const part = await partNow(tx, resourceId, now)
    if (changed.letsGo) await letGoOf(tx, [resourceId], now)
    await tx.events.append([eventOf(resource, changed, now)])
    const led = part?.call.id ?? before.lease.callId
    return { after: await limitsNow(tx, resource, now), led }
  })
  await ports.wakeUps.notify('setpoints')
  await ports.wakeUps.notify('events')
  // Its call replaces it.
  if (led !== null) await ports.wakeUps.wakeCall(led, now)
  return after
}

function eventOf(resource: Resource, { kind, message }: Changed, at: Instant): BusinessEventInput {
  const { id, aggregatorId, ownerId } = resource
  const to = { callId: null, resourceId: id, organisationIds: [aggregatorId], ownerId }
  return { kind, at, ...to, notice: false, message, data: {} }
}

async function ownResource(
  tx: StoreTransaction,
  { organisationId, ownerId }: WhoLimits,
  id: ResourceId,
): Promise<Resource> {
  const resource = await tx.resources.find(id)
  const isOwn =
    ownerId === null ? resource?.aggregatorId === organisationId : resource?.ownerId === ownerId
  if (resource === null || !isOwn) throw new DomainError('not-found', `there is no resource ${id}`)
  return resource
}

async function limitsNow(
  tx: StoreTransaction,
  resource: Resource,
  now: Instant,
): Promise<LimitsNow> {
  const { id, kind, congestionPointId } = resource
  const [limits = asEnrolled(resource)] = await tx.control.limits([id])
  const [condition = null] = await tx.resources.conditions([id])
  const [row = null] = await tx.setpoints.current([id])
  const stop = standingAt(await tx.control.stops(), congestionPointId)
  const arming = (await tx.armings.open([id])).find(({ validUntil }) => validUntil > now)
  const facts = { kind, owner: limits, condition, stop, row, ...(arming ? { arming } : {}) }
  return { limits, lease: leaseOf(facts, now) }
}

/** Of the call in which the device has a part at this instant. */
async function costNow(
  tx: StoreTransaction,
  resourceId: ResourceId,
  now: Instant,
): Promise<ChargeNowCost | null> {
  const part = await partNow(tx, resourceId, now)
  return part === null ? null : costOfChargeNow(part.call, resourceId, now)
}
