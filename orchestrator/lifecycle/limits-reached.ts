import { activatedPart } from '#domain/activated-parts.ts'
import { periodAt } from '#domain/allocation.ts'
import type { Verdict } from '#domain/compliance.ts'
import { leaseOf, mayLead } from '#domain/control-lease.ts'
import type { FlexibilityCall, Repair } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Limit, Permission } from '#domain/permission.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { type Instant, instant } from '#domain/time.ts'
import type { KnownDevice, KnownDevices } from './device-facts.ts'
import { setpointFor } from './dispatch-call.ts'
import { permissionFor } from './order-setpoints.ts'

/** By its meter, or by what its owner allows. */
export type NotObeying = Omit<Extract<Verdict, { kind: 'not-obeying' }>, 'reason'> & {
  readonly reason: Repair['reason']
  /** For its owner, where the meter has nothing to do with it. */
  readonly detail?: string
}

/**
 * Parts of a call that end because their devices may not be told anything any more: the owner, the
 * driver or somebody else has taken them back, a reserve is reached, or a car would leave short.
 */
export function limitsReached(
  call: FlexibilityCall,
  known: KnownDevices,
  readings: ReadonlyMap<ResourceId, readonly DeviceReading[]>,
  now: Instant,
): ReadonlyMap<ResourceId, NotObeying> {
  const found = new Map<ResourceId, NotObeying>()
  for (const { resourceId, releasedAt } of call.allocations) {
    const device = known.get(resourceId)
    if (releasedAt !== null || device === undefined) continue
    const refused = refusedNow(call, resourceId, device, now)
    // A stop ends the call itself.
    if (refused === null || refused.limit === 'emergency-stop') continue
    const { limit, detail, since } = refused
    found.set(resourceId, {
      kind: 'not-obeying',
      reason: reasonFor(limit),
      observedW: readings.get(resourceId)?.at(-1)?.powerW ?? 0,
      detectedAt: instant(Math.max(since ?? now, call.request.window.start)),
      detail,
    })
  }
  return found
}

type Refused = Extract<Permission, { kind: 'refused' }>

/**
 * Between two of its periods a device is told nothing, and may be taken back all the same. One that
 * is told before its period begins, and is another call's until then, waits for that to end.
 */
function refusedNow(
  call: FlexibilityCall,
  resourceId: ResourceId,
  device: KnownDevice,
  now: Instant,
): Refused | null {
  const [due] = setpointFor(call, resourceId, now)
  const { facts } = device
  const lease = leaseOf({ ...facts, kind: facts.resource.kind }, now)
  const isOtherCalls = !mayLead(lease, call.id) && lease.limit === null
  const part = activatedPart(call, resourceId)
  const hasBegun = part !== undefined && periodAt(part, now) !== undefined
  if (isOtherCalls && !hasBegun) return null
  if (due !== undefined && due.powerW !== null) {
    const found = permissionFor(call, { ...due, powerW: due.powerW }, device, now)
    return found.kind === 'refused' ? found : null
  }
  if (mayLead(lease, call.id) || lease.limit === null) return null
  return { kind: 'refused', limit: lease.limit, detail: lease.detail, since: lease.since }
}

function reasonFor(limit: Limit): Repair['reason'] {
  return limit === 'driver-override' || limit === 'charge-now' ? 'overridden' : 'owner-limit'
}
