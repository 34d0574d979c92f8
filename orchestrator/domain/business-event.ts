import type { CallId, OrganisationId, OwnerId, ResourceId } from './ids.ts'
import type { Instant } from './time.ts'

/** What happened, for streams, notices and the audit. */
export type BusinessEventKind =
  | 'call-requested'
  | 'call-offered'
  | 'call-ordered'
  | 'call-dispatched'
  /** The DSO uses what stands by, from a stated instant on. */
  | 'reserve-activated'
  | 'call-measured'
  | 'call-verified'
  /** Somebody challenged what verifiers signed: it is on hold until more of them confirm it. */
  | 'settlement-challenged'
  | 'call-settled'
  | 'call-paid'
  | 'call-declined'
  | 'call-expired'
  | 'call-cancelled'
  /** An emergency stop ended it inside its window. */
  | 'call-stopped'
  | 'call-refunded'
  | 'setpoint-ordered'
  | 'setpoint-acknowledged'
  | 'setpoint-refused'
  | 'resource-not-obeying'
  | 'shortfall-repaired'
  | 'shortfall-remains'
  | 'resource-released'
  /** The window, or an activation, has ended, and devices come back one after the other. */
  | 'rebound-planned'
  /** All are back, and the meters tell what they did meanwhile. */
  | 'rebound-measured'
  | 'resource-enrolled'
  | 'capability-changed'
  /** Somebody else limits the device; its readings are measured and settled as they are. */
  | 'limited-elsewhere'
  | 'limit-elsewhere-ended'
  | 'driver-override'
  | 'override-ended'
  /** What its owner allows of a device. */
  | 'limits-changed'
  | 'consent-given'
  | 'consent-withdrawn'
  | 'device-security'
  /** All control has ended, or may begin again; for the DSOs of the congestion points. */
  | 'emergency-stop'
  | 'emergency-stop-lifted'
  | 'reading-conflict'
  | 'verifier-refused'
  | 'line-disputed'
  | 'dispute-decided'
  /** Money that was on hold is paid or goes back, as signed; or nobody decided in time. */
  | 'held-settled'
  | 'held-refunded'
  | 'payout-posted'
  | 'payout-paid'
  /** The pool could not pay a wallet: the money stays its own, and is tried again. */
  | 'payout-put-off'
  /** No epoch counted a payout for a year: the pool gave it back to the DSO. */
  | 'payout-returned'
  /** The bank sent a payment back; it is on the payee's account again. */
  | 'payment-returned'
  /** Where an owner's money goes, or will go from a stated instant on. */
  | 'payout-changed'
  /** Contract, events, ledger and token balance; for the operator alone. */
  | 'books-compared'
  | 'books-differ'
  | 'books-agree'

export type BusinessEventInput = {
  readonly kind: BusinessEventKind
  readonly at: Instant
  readonly callId: CallId | null
  readonly resourceId: ResourceId | null
  /** Who may see it besides the operator: organisations, and at most one owner. */
  readonly organisationIds: readonly OrganisationId[]
  readonly ownerId: OwnerId | null
  /** A DSO is told at once of what is marked a notice. */
  readonly notice: boolean
  readonly message: string
  readonly data: Readonly<Record<string, string | number | boolean | null>>
}

export type BusinessEvent = BusinessEventInput & { readonly sequence: number }
