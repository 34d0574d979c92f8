import { keccakText } from '../canonical.ts'
import type { GatewayId, Hex, ResourceId } from '../ids.ts'
import type { Instant } from '../time.ts'
import type { OcmfRecord } from './ocmf.ts'

/**
 * The meter of a resource and the key that it signs with, from its name plate or a registry: a key
 * that comes with a record proves nothing.
 */
export type MeterKey = {
  /** As the records name it. */
  readonly serial: string
  /** Hex or base64, as adapters/ocmf reads it. */
  readonly publicKey: string
}

/** What a meter's own signature says. 'cannot-be-verified' is not 'invalid': the means are missing. */
export type MeterSignature = {
  readonly result: 'valid' | 'invalid' | 'cannot-be-verified'
  readonly detail: string
}

/** Checks a signed record against the key that its meter was enrolled with. */
export type CheckMeterSignature = (record: OcmfRecord, publicKey: string) => MeterSignature

/** A record as a gateway took it in: the meter's own words, to the byte. */
export type SignedRecord = {
  readonly resourceId: ResourceId
  /** keccak-256 of the text: the same record is kept once. */
  readonly hash: Hex
  readonly text: string
  /** The last instant that the record speaks of, by the meter's clock. */
  readonly at: Instant
  readonly receivedAt: Instant
  readonly gatewayId: GatewayId
}

export function hashOfRecord(text: string): Hex {
  return keccakText(text)
}
