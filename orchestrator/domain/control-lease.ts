import type { Arming } from './arming.ts'
import type { DeviceCondition } from './capability.ts'
import { TAKEN_BACK } from './charge-now.ts'
import type { SetpointRow } from './dispatch-instruction.ts'
import type { EmergencyStop } from './emergency-stop.ts'
import type { CallId } from './ids.ts'
import { chargesNow, type OwnerLimits, sayWithdrawn } from './owner-limits.ts'
import type { ResourceKind } from './resource.ts'
import { formatInstant, type Instant } from './time.ts'

/** Who can lead a device, the strongest first. */
export const LEASE_HOLDERS = [
  'emergency-stop',
  'owner',
  'driver',
  'elsewhere',
  'call',
  'nobody',
] as const
export type LeaseHolder = (typeof LEASE_HOLDERS)[number]

/** Who leads a device, until when, and before whom. It follows from what is known. */
export type ControlLease = {
  readonly holder: LeaseHolder
  /** 1 is the strongest: who has a lower number takes the device from who has a higher one. */
  readonly priority: number
  readonly since: Instant | null
  /** null: until it is taken back. */
  readonly until: Instant | null
  /** Of the call that leads; null: none does. */
  readonly callId: CallId | null
  /** Which limit of the owner's, or of whom else, stands behind it; null: none. */
  readonly limit: LeaseLimit | null
  readonly detail: string
  /** The window of the call is over: its device only comes back, and another call may have it. */
  readonly yields?: true
}

export type LeaseLimit =
  | 'emergency-stop'
  | 'consent-withdrawn'
  | 'charge-now'
  | 'driver-override'
  | 'led-elsewhere'

export type LeaseFacts = {
  readonly kind: ResourceKind
  readonly owner: OwnerLimits
  readonly condition: DeviceCondition | null
  /** That stands at the device's congestion point. */
  readonly stop: EmergencyStop | null
  /** The newest setpoint that was ordered. */
  readonly row:
    | (Pick<SetpointRow, 'callId' | 'powerW' | 'validFrom' | 'validUntil'> & {
        /** Of a call whose window is over. */
        readonly isAfterWindow?: boolean
      })
    | null
  /** Curves that a call wants on it; absent: none. */
  readonly arming?: Pick<Arming, 'answers' | 'callId' | 'validFrom' | 'validUntil'>
}

/** Who leads the device at an instant. */
export function leaseOf(facts: LeaseFacts, at: Instant): ControlLease {
  const { owner, condition, stop } = facts
  if (stop !== null) {
    const detail = `all control has ended since ${formatInstant(stop.at)}: ${stop.reason}`
    return lease('emergency-stop', { since: stop.at, limit: 'emergency-stop', detail })
  }
  const { withdrawnAt } = owner.consent
  if (withdrawnAt !== null && withdrawnAt <= at) {
    const detail = sayWithdrawn(owner.consent) ?? ''
    return lease('owner', { since: withdrawnAt, limit: 'consent-withdrawn', detail })
  }
  if (owner.chargeNow !== null && chargesNow(owner, at)) {
    const { since, until } = owner.chargeNow
    const detail = `its owner ${TAKEN_BACK[facts.kind].now} until ${formatInstant(until)}`
    return lease('owner', { since, until, limit: 'charge-now', detail })
  }
  const since = condition?.overrideSince ?? null
  if (since !== null) {
    const detail = `the driver asked for full power at ${formatInstant(since)}`
    return lease('driver', { since, limit: 'driver-override', detail })
  }
  if (facts.kind === 'battery' && condition?.externalLimitW === 0) {
    // A battery that somebody holds at 0 W is steered by him, either way (LOCAL).
    const by = condition.externalSource ?? 'somebody else'
    return lease('elsewhere', { limit: 'led-elsewhere', detail: `held at 0 W by ${by}` })
  }
  return callOrNobody(facts, at)
}

function callOrNobody({ row, arming }: LeaseFacts, at: Instant): ControlLease {
  if (row === null || row.powerW === null || row.validUntil <= at) {
    if (arming !== undefined && arming.validFrom <= at && arming.validUntil > at) {
      const { answers = 'frequency', callId, validFrom, validUntil } = arming
      const detail = `it answers the ${answers} for call ${callId}`
      return lease('call', { since: validFrom, until: validUntil, callId, detail })
    }
    return lease('nobody', { detail: "the device's own default holds" })
  }
  const { callId, validFrom, validUntil } = row
  const detail = `call ${callId} holds it at ${row.powerW} W`
  const found = { since: validFrom, until: validUntil, callId, detail }
  return lease('call', row.isAfterWindow === true ? { ...found, yields: true } : found)
}

function lease(
  holder: LeaseHolder,
  rest: Pick<ControlLease, 'detail'> & Partial<ControlLease>,
): ControlLease {
  const priority = LEASE_HOLDERS.indexOf(holder) + 1
  return { holder, priority, since: null, until: null, callId: null, limit: null, ...rest }
}

/**
 * May a call tell the device what to do? Nobody stronger leads it, and no other call does whose
 * window is not over.
 */
export function mayLead({ holder, callId, yields }: ControlLease, caller: CallId): boolean {
  return holder === 'nobody' || (holder === 'call' && (callId === caller || yields === true))
}
