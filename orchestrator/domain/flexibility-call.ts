import type { Activation } from './activation.ts'
import type { Allocation, Candidate, SkippedResource } from './allocation.ts'
import type { AllocationStatement } from './allocation/limits.ts'
import type { Correction } from './control/correction.ts'
import type { Escrow } from './escrow.ts'
import type { EvidenceHead } from './evidence.ts'
import type { FlexibilityRequest } from './flexibility-request.ts'
import type { CallId, Hex, OrganisationId, ResourceId } from './ids.ts'
import type { NetworkStatement } from './network/stored-feeder.ts'
import type { NotedPassing } from './passed-over.ts'
import type { Program } from './program.ts'
import type { MeasuredRebound } from './rebound/measured.ts'
import type { PlannedRestart, ReboundPlan } from './rebound.ts'
import type { CallSettlement } from './settlement.ts'
import type { StandbyRule } from './standby.ts'
import type { Reading } from './telemetry.ts'
import type { Instant } from './time.ts'

export type CallState =
  | 'requested'
  | 'offered'
  | 'ordered'
  | 'dispatched'
  | 'measured'
  | 'verified'
  | 'settled'
  | 'paid'
  | 'declined'
  | 'expired'
  | 'cancelled'
  | 'refunded'

/** Every allowed transition, states in the order of a call's life. */
export const TRANSITIONS: Readonly<Record<CallState, readonly CallState[]>> = {
  requested: ['offered', 'declined', 'cancelled'],
  offered: ['ordered', 'expired', 'cancelled'],
  ordered: ['dispatched', 'cancelled', 'refunded'],
  dispatched: ['measured', 'refunded'],
  measured: ['measured', 'verified', 'settled', 'refunded'],
  verified: ['measured', 'settled', 'refunded'],
  settled: ['paid'],
  paid: [],
  declined: [],
  expired: [],
  cancelled: [],
  refunded: [],
}

export const TERMINAL: ReadonlySet<CallState> = new Set(
  (Object.keys(TRANSITIONS) as CallState[]).filter((state) => TRANSITIONS[state].length === 0),
)

/** A device found not to obey, what replaced it and when the ordered power was back. */
export type Repair = {
  readonly resourceId: ResourceId
  /** What it had been told to give; 0 where it only stood by, or its part had not begun. */
  readonly orderedW: number
  readonly observedW: number
  /** The setpoint's acknowledgement: from here the device should have obeyed. */
  readonly startedAt: Instant
  readonly detectedAt: Instant
  readonly replacedBy: readonly ResourceId[]
  readonly restoredAt: Instant | null
  readonly reason:
    | 'not-obeying'
    | 'silent'
    | 'refused'
    | 'overridden'
    | 'cannot-pause'
    | 'implausible'
    | 'owner-limit'
  /** Which limit, for its owner; absent where the meter says it all. */
  readonly detail?: string
}

export type FlexibilityCall = {
  readonly id: CallId
  readonly dsoId: OrganisationId
  readonly program: Program
  readonly request: FlexibilityRequest
  readonly state: CallState
  readonly requestedAt: Instant
  readonly gateClosesAt: Instant
  /** Every resource that could take part, in merit order: the order's and the reserve's. */
  readonly candidates: readonly Candidate[]
  readonly allocations: readonly Allocation[]
  /** W promised to the DSO per settlement period; repairs do not change it. */
  readonly orderedW: readonly number[]
  readonly skipped: readonly SkippedResource[]
  /** As the gate closed: when, and who was ordered less than it could give. */
  readonly decided?: { readonly at: Instant; readonly inPart: readonly ResourceId[] }
  /** Absent before there is an offer. */
  readonly allocatedBy?: AllocationStatement
  /** The feeder by which effects were counted; absent: none was known. */
  readonly network?: NetworkStatement
  /** Why there was no offer, or why the call ended without payment. */
  readonly reasons: readonly string[]
  readonly escrow: Escrow | null
  /** Hash of the readings that the raw baseline curves stand on, fixed in the terms. */
  readonly baselineCommitment: Hex | null
  readonly repairs: readonly Repair[]
  /** When the reserve is used, in order; absent where the whole window is. */
  readonly activations?: readonly Activation[]
  /** By which its stand-by is judged, as in its terms; absent as there. */
  readonly standbyRule?: StandbyRule
  /**
   * Whatever devices were told anew inside the window, in order, from its dispatch on; absent before
   * it, and where it was dispatched before such a log was kept.
   */
  readonly corrections?: readonly Correction[]
  /**
   * Who was not asked inside the window when something was missing, and why: each resource and
   * reason once. Absent: nobody.
   */
  readonly passedOver?: readonly NotedPassing[]
  /** Readings taken in at window start, before the first setpoint, and the hash over them. */
  readonly before: readonly Reading[]
  readonly windowStartCommitment: Hex | null
  /** When the DSO cancelled inside the window; the rest of the window is not ordered. */
  readonly cancelledAt: Instant | null
  /** Who ended it inside the window, where it was not its DSO that cancelled. */
  readonly endedBy?: 'emergency-stop'
  readonly releasedAt: Instant | null
  /** How devices come back that an activation no longer uses, inside the window; absent: none do. */
  readonly comingBack?: readonly PlannedRestart[]
  /** How its devices come back after the window; absent: all at once as it ended, or not yet. */
  readonly rebound?: Rebound
  readonly evidence: EvidenceHead | null
  readonly settlement: CallSettlement | null
  /** What stands proposed to the pool; a dispute may ask for a round after it. */
  readonly standing?: Standing
}

/** What was planned as the window ended, and what came of it. */
export type Rebound = ReboundPlan & {
  /** When the last device had come back. */
  readonly doneAt: Instant | null
  /** Absent until it has been measured. */
  readonly measured?: MeasuredRebound
}

/** A settlement that the pool knows. */
export type Standing = {
  readonly round: number
  readonly evidence: EvidenceHead
  readonly settlement: CallSettlement
}

/** The call in its next state. @throws Error for a transition the life of a call does not know. */
export function transition(call: FlexibilityCall, to: CallState): FlexibilityCall {
  if (!TRANSITIONS[call.state].includes(to)) {
    throw new Error(`a ${call.state} call cannot become ${to} (${call.id})`)
  }
  return { ...call, state: to }
}

/** Devices of the call are still held after its window, whatever has become of its money. */
export function isComingBack({ rebound }: Pick<FlexibilityCall, 'rebound'>): boolean {
  return rebound !== undefined && rebound.doneAt === null
}

/** Its devices are still held after its window, or what they did there is not measured yet. */
export function isReboundOpen({ rebound }: Pick<FlexibilityCall, 'rebound'>): boolean {
  return rebound !== undefined && rebound.measured === undefined
}

/** Where the ordered part of the window ends: the cancellation, if there was one inside it. */
export function deliveryEnd(call: FlexibilityCall): Instant {
  const { end } = call.request.window
  return call.cancelledAt !== null && call.cancelledAt < end ? call.cancelledAt : end
}

/** What a device that was found not to do its part had been told. */
export function wasTo(
  { activations }: Pick<FlexibilityCall, 'activations'>,
  { orderedW }: Pick<Repair, 'orderedW'>,
): string {
  if (orderedW > 0) return `was to move ${orderedW} W`
  return activations === undefined ? 'was not to move anything yet' : 'stood by'
}
