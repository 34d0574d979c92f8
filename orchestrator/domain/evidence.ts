import type { Activation } from './activation.ts'
import type { Allocation, Candidate } from './allocation.ts'
import type { AllocationStatement } from './allocation/limits.ts'
import { hasCurves } from './armed-curve.ts'
import type { Arming } from './arming.ts'
import type { Correction } from './control/correction.ts'
import { canonicalJson, hashOf, keccakText } from './canonical.ts'
import type { Delivery } from './delivery.ts'
import type { DisputedLine } from './dispute.ts'
import type { EscrowTerms } from './escrow.ts'
import { evidenceRootOf, linesRootOf } from './evidence-leaves.ts'
import type { Finding } from './fair-play/finding.ts'
import type { FlexibilityCall } from './flexibility-call.ts'
import type { FlexibilityRequest } from './flexibility-request.ts'
import type { HeldRest, RestTerms } from './held-rest.ts'
import type { CallId, GatewayId, Hex, ResourceId } from './ids.ts'
import type { NetworkStatement } from './network/stored-feeder.ts'
import { policyHash } from './payment-policy.ts'
import type { PayoutAccount, PayoutShare } from './payout.ts'
import type { RecipientMove } from './payout-recipients.ts'
import type { Program } from './program.ts'
import type { CallSettlement } from './settlement.ts'
import type { Assurance } from './signed-meter/assurance.ts'
import type { MeterKey } from './signed-meter/meter-key.ts'
import { PENALTY_RULE, takesPerKwh } from './settlement-penalty.ts'
import type { StandbyRule } from './standby.ts'
import type { Reading } from './telemetry.ts'
import type { Instant } from './time.ts'

/** What the service remembers of a bundle; the bytes stand in the evidence store. */
export type EvidenceHead = {
  readonly version: number
  readonly root: Hex
  readonly bundleHash: Hex
  readonly linesRoot: Hex
  readonly closedAt: Instant
}

/** The key that the meter of one resource was enrolled with. */
export type ResourceMeterKey = MeterKey & { readonly resourceId: ResourceId }

export type GatewayKey = { readonly id: GatewayId; readonly publicKey: Hex }

/** The rules of one call, fixed before the money is locked: their hash is in openRequest. */
export type CallTerms = {
  readonly callId: CallId
  readonly program: Program
  readonly request: FlexibilityRequest
  readonly candidates: readonly Candidate[]
  readonly orderedW: readonly number[]
  /** Who was ordered what when the gate closed. */
  readonly ordered: readonly Allocation[]
  /** How they were chosen, and what of the request was out of reach. */
  readonly allocatedBy?: AllocationStatement
  /** By which feeder the candidates' effects were counted; absent: by none. */
  readonly network?: NetworkStatement
  readonly baselineCommitment: Hex
  /** Of the program's payment policy. */
  readonly policyHash: Hex
  /** What the portfolio has still to make up from earlier calls of the month, at most 0 Wh. */
  readonly carriedWh: number
  /** Held out of this call to judge its baselines; with theirs. */
  readonly control: readonly Candidate[]
  readonly gatewayKeys: readonly GatewayKey[]
  /** Of the candidates whose meters sign, by resource. */
  readonly meterKeys: readonly ResourceMeterKey[]
  /**
   * The version of the log of corrections that its evidence brings. Absent only of calls ordered
   * before that was promised: of those the evidence may leave the log out.
   */
  readonly correctionLog?: CorrectionLog
  /** What devices recorded has to be signed by a gateway; absent of calls ordered before it was. */
  readonly recordingsSigned?: true
  /**
   * By which rule its stand-by is judged. Absent of what does not stand by for a call, and of calls
   * ordered before the second rule: they are judged by the first.
   */
  readonly standbyRule?: StandbyRule
  /**
   * By which rule a penalty per kWh is taken. Absent where there is none, and of calls ordered before
   * the second rule: it comes off what all have earned.
   */
  readonly penaltyRule?: typeof PENALTY_RULE
}

/** The versions of a log of corrections that terms may promise. */
export const CORRECTION_LOGS = [1, 2] as const
export type CorrectionLog = (typeof CORRECTION_LOGS)[number]

/**
 * What a log of corrections tells, by version: of a call ordered now, this. 1: what was told from each
 * line on. 2: also what from then on the later settlement periods begin with.
 */
export const CORRECTION_LOG = 2 satisfies CorrectionLog

/** Everything from which the cents of one call can be recomputed; canonical JSON, no names. */
export type EvidenceBundle = {
  readonly format: 'gridcall-evidence'
  readonly formatVersion: 1
  readonly version: number
  readonly terms: CallTerms
  readonly escrow: { readonly terms: EscrowTerms; readonly requestId: Hex }
  /** Where the ordered part of the window ended. */
  readonly deliveryEnd: Instant
  readonly allocations: readonly Allocation[]
  /** When what stood by was used; absent where the whole window was ordered. */
  readonly activations?: readonly Activation[]
  /** What was armed on devices and what they recorded; absent where no curve was. */
  readonly armings?: readonly Arming[]
  /** Like days' readings that the raw curves stand on. */
  readonly history: readonly Reading[]
  /** The readings before the window that a battery's baseline stands on. */
  readonly before: readonly Reading[]
  readonly windowStartCommitment: Hex
  readonly readings: readonly Reading[]
  /** What meters signed themselves within the window, to the byte, in the order of their pages. */
  readonly signedRecords: readonly { readonly resourceId: ResourceId; readonly text: string }[]
  /** How well each resource's readings are vouched for. */
  readonly assurances: readonly Assurance[]
  /** What the service found in readings that are not in here, with the figures. */
  readonly stated: readonly Finding[]
  readonly deliveries: readonly Delivery[]
  readonly salts: readonly { readonly resourceId: ResourceId; readonly salt: Hex }[]
  readonly settlement: CallSettlement
  /**
   * Whatever devices were told anew inside the window, with the figures that it was decided on, as
   * the service states them, and that the allocations follow from it can be checked. Absent only of
   * calls whose terms promise no such log.
   */
  readonly corrections?: readonly Correction[]
  /** Lines that a party objects to; absent where nobody does. */
  readonly disputed?: readonly DisputedLine[]
  /** A later round settles what an earlier one held, and only that; absent in the first. */
  readonly rest?: RestTerms
}

export function termsOf(
  call: FlexibilityCall,
  known: Pick<CallTerms, 'gatewayKeys' | 'meterKeys' | 'carriedWh' | 'control'>,
): CallTerms {
  if (call.baselineCommitment === null) throw new Error(`${call.id} has no baseline commitment`)
  return {
    callId: call.id,
    program: call.program,
    request: call.request,
    candidates: call.candidates,
    orderedW: call.orderedW,
    ordered: call.allocations
      .filter((allocation) => allocation.role === 'order')
      .map((allocation) => ({ ...allocation, releasedAt: null })),
    ...(call.allocatedBy === undefined ? {} : { allocatedBy: call.allocatedBy }),
    ...(call.network === undefined ? {} : { network: call.network }),
    baselineCommitment: call.baselineCommitment,
    policyHash: policyHash(call.program.paymentPolicy),
    correctionLog: CORRECTION_LOG,
    ...(hasCurves(call.program) ? { recordingsSigned: true } : {}),
    ...(call.standbyRule === undefined ? {} : { standbyRule: call.standbyRule }),
    ...(takesPerKwh(call.program.paymentPolicy, call.request.penalty)
      ? { penaltyRule: PENALTY_RULE }
      : {}),
    ...known,
  }
}

/** What a verifier can check: a gateway that joined after the order is not in the terms. */
export function verifiable(
  { gatewayKeys }: Pick<CallTerms, 'gatewayKeys'>,
  readings: readonly Reading[],
): Reading[] {
  const known = new Set(gatewayKeys.map(({ id }) => id))
  return readings.filter(({ gatewayId }) => known.has(gatewayId))
}

/** What the readings behind a baseline are committed by: their hashes in order. */
export function commitReadings(
  readings: readonly Reading[],
  curves: readonly { readonly resourceId: ResourceId; readonly baselineW: readonly number[] }[],
): Hex {
  return hashOf({
    readings: readings.map((reading) => reading.hash),
    curves: curves.map(({ resourceId, baselineW }) => ({ resourceId, baselineW })),
  })
}

/** The bundle's one text, what is hashed, stored and sent. */
export function bundleText(bundle: EvidenceBundle): string {
  return canonicalJson(bundle)
}

export function headOf(bundle: EvidenceBundle, closedAt: Instant): EvidenceHead {
  return {
    version: bundle.version,
    root: evidenceRootOf(bundle),
    bundleHash: keccakText(bundleText(bundle)),
    linesRoot: linesRootOf(bundle),
    closedAt,
  }
}

/** Field for field the contract's Settlement struct: what verifiers sign. */
export type SettlementStatement = {
  readonly requestId: Hex
  readonly round: number
  readonly evidenceRoot: Hex
  readonly bundleHash: Hex
  readonly linesRoot: Hex
  readonly payoutTotal: bigint
  readonly feeTotal: bigint
  readonly heldTotal: bigint
  readonly deliveredWh: number
}

/**
 * The pool's rounds have 8 bits and only grow. Each version of a call's evidence has a round of its
 * own, its number: so whoever signs two settlements of one round contradicts himself.
 */
export const ROUND_MAX = 255

export function statementOf(bundle: EvidenceBundle): SettlementStatement {
  return {
    requestId: bundle.rest?.requestId ?? bundle.escrow.requestId,
    round: bundle.version,
    evidenceRoot: evidenceRootOf(bundle),
    bundleHash: keccakText(bundleText(bundle)),
    linesRoot: linesRootOf(bundle),
    payoutTotal: bundle.settlement.payout,
    feeTotal: bundle.settlement.fee,
    heldTotal: bundle.settlement.held,
    deliveredWh: bundle.settlement.deliveredWh,
  }
}

/** The same from what a measured call remembers; null for a call that was not measured. */
export function statementOfCall(call: FlexibilityCall): SettlementStatement | null {
  const { escrow, evidence, settlement } = call
  if (!escrow || !evidence || !settlement) return null
  return statementFrom(escrow.requestId, evidence, settlement)
}

/** The same from what is remembered of a held rest; null before it was measured again. */
export function statementOfRest(rest: HeldRest): SettlementStatement | null {
  const { id, evidence, settlement } = rest
  return evidence && settlement ? statementFrom(id, evidence, settlement) : null
}

function statementFrom(
  requestId: Hex,
  evidence: EvidenceHead,
  settlement: CallSettlement,
): SettlementStatement {
  return {
    requestId,
    round: evidence.version,
    evidenceRoot: evidence.root,
    bundleHash: evidence.bundleHash,
    linesRoot: evidence.linesRoot,
    payoutTotal: settlement.payout,
    feeTotal: settlement.fee,
    heldTotal: settlement.held,
    deliveredWh: settlement.deliveredWh,
  }
}

/** Field for field the contract's Epoch struct. */
export type EpochStatement = {
  readonly epoch: number
  readonly prevRoot: Hex
  readonly topHash: Hex
  readonly newTotal: bigint
  readonly requestIdsHash: Hex
  readonly dataHash: Hex
}

/** From what verifiers recompute an epoch; bundles of its calls they have verified before. */
export type EpochData = {
  readonly previous: readonly PayoutAccount[]
  readonly accounts: readonly PayoutAccount[]
  readonly shares: readonly PayoutShare[]
  /** Indices of `previous` that go to another address; absent where none does. */
  readonly moves?: readonly RecipientMove[]
  readonly calls: readonly {
    readonly callId: CallId
    readonly version: number
    readonly requestId: Hex
    /** A challenge at the pool held all of it, so it pays nothing here; absent else. */
    readonly challenged?: true
  }[]
}

export type VerificationTask =
  | {
      readonly subject: 'settlement'
      readonly subjectId: CallId
      readonly version: number
      readonly statement: SettlementStatement
    }
  | {
      readonly subject: 'epoch'
      readonly subjectId: string
      readonly version: number
      readonly statement: EpochStatement
      readonly data: EpochData
    }

/** A verifier's signed word on one settlement or epoch. */
export type Attestation = {
  readonly subject: 'settlement' | 'epoch'
  /** The call's id, or the epoch's number as text. */
  readonly subjectId: CallId | string
  readonly version: number
  readonly verifier: Hex
  readonly signature: Hex
}

/** A verifier that computed something else says which line differs. */
export type Refusal = {
  readonly subject: 'settlement' | 'epoch'
  readonly subjectId: CallId | string
  readonly version: number
  readonly verifier: Hex
  readonly line: string
  readonly expected: string
  readonly got: string
}

/** What is fixed when the gate closes, stored before the money is locked. */
export type OrderEvidence = { readonly terms: CallTerms; readonly history: readonly Reading[] }

const BIGINTS = new Set([
  'numerator',
  'denominator',
  'price',
  'bandPrice',
  'payoutTotal',
  'feeTotal',
  'newTotal',
  'cumulative',
  'priceCap',
  'priceCapMax',
  'amount',
  'gross',
  'ownerAmount',
  'aggregatorAmount',
  'penalty',
  'payout',
  'fee',
  'held',
  'heldTotal',
  'paid',
  'pay',
  'refund',
])

/** Reads canonical evidence back; money is bigint again. @throws SyntaxError if it is not JSON. */
export function parseEvidence(text: string): unknown {
  return JSON.parse(text, (key, member: unknown) =>
    BIGINTS.has(key) && typeof member === 'string' && /^-?\d+$/.test(member)
      ? BigInt(member)
      : member,
  )
}
