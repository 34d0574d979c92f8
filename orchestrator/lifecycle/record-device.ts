import type { BusinessEventInput, BusinessEventKind } from '#domain/business-event.ts'
import type { Capability, DeviceCondition } from '#domain/capability.ts'
import { canonicalJson } from '#domain/canonical.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import type { Instant } from '#domain/time.ts'
import type { GatewayPorts, SecurityEvent } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { resourceEvent } from './announce.ts'

type Data = BusinessEventInput['data']
type Change = Partial<Pick<DeviceCondition, 'externalLimitW' | 'externalSource' | 'overrideSince'>>

/** Keeps what a device can do; tells where that is not what it was. Safe to run twice. */
export async function recordCapability(
  { store, clock, wakeUps }: GatewayPorts,
  resourceId: ResourceId,
  capability: Capability,
): Promise<void> {
  const learnedAt = clock.now()
  const changed = await store.transaction(async (tx) => {
    await tx.resources.lock(resourceId)
    const [known] = await tx.resources.capabilities([resourceId])
    await tx.resources.saveCapability({ resourceId, capability, learnedAt })
    if (!known) return false
    const fields = differing(known.capability, capability)
    if (fields.length === 0) return false
    const changes = fields.map((field) => {
      const [was, is] = [known.capability[field], capability[field]].map(canonicalJson)
      return `${field} ${is}, before ${was}`
    })
    const message = `what ${resourceId} can do has changed: ${changes.join('; ')}`
    const data = { fields: fields.join(' ') }
    return tell(tx, 'capability-changed', resourceId, learnedAt, message, data)
  })
  if (changed) await wakeUps.notify('events')
}

function differing(before: Capability, after: Capability): (keyof Capability)[] {
  return (Object.keys(after) as (keyof Capability)[])
    .filter((key) => key !== 'flashWrites')
    .filter((key) => canonicalJson(before[key]) !== canonicalJson(after[key]))
    .sort()
}

/**
 * Keeps what others did to a device; what is not named stays as it was, and so does the instant
 * since which the driver has asked. Inside a call its DSO and its aggregator are told. Safe to run
 * twice and from several processes at once.
 */
export async function recordCondition(
  { store, clock, wakeUps }: GatewayPorts,
  resourceId: ResourceId,
  change: Change,
): Promise<void> {
  const changed = await store.transaction(async (tx) => {
    await tx.resources.lock(resourceId)
    const [known] = await tx.resources.conditions([resourceId])
    const at = clock.now()
    const before = known ?? {
      resourceId,
      externalLimitW: null,
      externalSource: null,
      overrideSince: null,
      at,
    }
    const after: DeviceCondition = { ...before, ...change, resourceId, at }
    const isStill = before.overrideSince !== null && after.overrideSince !== null
    const overrideSince = isStill ? before.overrideSince : after.overrideSince
    await tx.resources.saveCondition({ ...after, overrideSince })
    return announceCondition(tx, before, { ...after, overrideSince }, at)
  })
  if (changed) await wakeUps.notify('events')
}

async function announceCondition(
  tx: StoreTransaction,
  before: DeviceCondition,
  after: DeviceCondition,
  at: Instant,
): Promise<boolean> {
  const { resourceId, externalLimitW, externalSource, overrideSince } = after
  let told = false
  if (before.externalLimitW !== externalLimitW) {
    const kind = externalLimitW === null ? 'limit-elsewhere-ended' : 'limited-elsewhere'
    const message =
      externalLimitW === null
        ? `${resourceId} is limited by nobody else any more`
        : `${resourceId} is limited to ${externalLimitW} W by ${externalSource ?? 'somebody else'}`
    const data = { limitW: externalLimitW, source: externalSource }
    told = await tell(tx, kind, resourceId, at, message, data)
  }
  if ((before.overrideSince === null) !== (overrideSince === null)) {
    const isOn = overrideSince !== null
    const message = isOn
      ? `${resourceId}: the driver asked for full power`
      : `${resourceId}: the driver no longer asks for full power`
    told = await tell(tx, isOn ? 'driver-override' : 'override-ended', resourceId, at, message)
  }
  return told
}

/** Tells the operator, and the aggregator of the device, who knocked that should not have. */
export async function recordSecurity(
  { store, clock, wakeUps }: GatewayPorts,
  { resourceId, kind, detail }: SecurityEvent,
): Promise<void> {
  const at = clock.now()
  await store.transaction(async (tx) => {
    const resource = resourceId === null ? null : await tx.resources.find(resourceId)
    const name = resourceId ?? 'an unknown device'
    const message = `${name}: ${kind}: ${detail.slice(0, 300)}`
    const event = plainEvent('device-security', resource, at, message, { kind })
    await tx.events.append([{ ...event, notice: true }])
  })
  await wakeUps.notify('events')
}

/** On the call that the device is in at this instant, else between device and aggregator. */
async function tell(
  tx: StoreTransaction,
  kind: BusinessEventKind,
  resourceId: ResourceId,
  at: Instant,
  message: string,
  data: Data = {},
): Promise<boolean> {
  const [row] = await tx.setpoints.current([resourceId])
  const isHeld = row !== undefined && row.powerW !== null && row.validUntil > at
  const call = isHeld ? await tx.calls.find(row.callId) : null
  if (call?.state === 'dispatched') {
    await tx.events.append([resourceEvent(call, kind, at, resourceId, message, { data })])
    return true
  }
  const resource = await tx.resources.find(resourceId)
  if (resource === null) return false
  await tx.events.append([plainEvent(kind, resource, at, message, data)])
  return true
}

function plainEvent(
  kind: BusinessEventKind,
  resource: Resource | null,
  at: Instant,
  message: string,
  data: Data,
): BusinessEventInput {
  return {
    kind,
    at,
    callId: null,
    resourceId: resource?.id ?? null,
    organisationIds: resource === null ? [] : [resource.aggregatorId],
    ownerId: null,
    notice: false,
    message,
    data,
  }
}
