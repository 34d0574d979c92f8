import type { CallId, Hex } from './ids.ts'
import type { Instant } from './time.ts'

/** What the service remembers of a bundle; the bytes stand in the evidence store. */
export type EvidenceHead = {
  readonly version: number
  readonly root: Hex
  readonly bundleHash: Hex
  readonly linesRoot: Hex
  readonly closedAt: Instant
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
  readonly deliveredWh: number
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
