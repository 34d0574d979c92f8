import { hashOf } from './canonical.ts'
import type { FieldProblem } from './errors.ts'
import type { CallId, GatewayId, Hex, ResourceId } from './ids.ts'

/** Whose recording it is. */
type Recorded = { readonly callId: CallId; readonly resourceId: ResourceId }

/** What a gateway vouches for: this device gave it these samples for this call. */
export type RecordingSignature = {
  readonly gatewayId: GatewayId
  /** keccak-256 of each column, so that it can be said which one was changed. */
  readonly columns: Readonly<Record<string, Hex>>
  readonly hash: Hex
  /** Ed25519 over the hash. */
  readonly signature: Hex
}

/** A device's own recording, column by column, and who took it from the device. */
type Recording = { readonly at: readonly number[]; readonly signed?: RecordingSignature }

type Gateway = { readonly id: GatewayId; readonly sign: (hash: Hex) => Hex }

type Check = (publicKey: Hex, hash: Hex, signature: Hex) => boolean

/** Signs what a device recorded, as the gateway that took it in: call, resource, every column. */
export function signRecording<T extends Recording>(
  recorded: Recorded,
  recording: T,
  { id, sign }: Gateway,
): T & { readonly signed: RecordingSignature } {
  const columns = columnHashes(recording)
  const hash = recordingHash(recorded, id, columns)
  return { ...recording, signed: { gatewayId: id, columns, hash, signature: sign(hash) } }
}

/**
 * Why nobody vouches for a recording: the field that is not what the gateway signed, what was
 * expected and what came. null: it is as the gateway signed it.
 */
export function recordingFault(
  recorded: Recorded,
  recording: Recording,
  keys: readonly { readonly id: GatewayId; readonly publicKey: Hex }[],
  check: Check,
): FieldProblem | null {
  const { signed } = recording
  if (signed === undefined) {
    return { field: 'signed', expected: 'the signature of a gateway', got: 'none' }
  }
  const columns = columnHashes(recording)
  for (const name of new Set([...Object.keys(columns), ...Object.keys(signed.columns)])) {
    const [expected = 'no such column', got = 'nothing'] = [signed.columns[name], columns[name]]
    if (expected !== got) return { field: name, expected, got }
  }
  const hash = recordingHash(recorded, signed.gatewayId, columns)
  if (hash !== signed.hash) return { field: 'hash', expected: hash, got: signed.hash }
  const key = keys.find(({ id }) => id === signed.gatewayId)?.publicKey
  if (key !== undefined && check(key, hash, signed.signature)) return null
  const expected = `a signature by ${key ?? `a key of ${signed.gatewayId} in the terms`}`
  return { field: 'signature', expected, got: signed.signature }
}

function recordingHash(
  { callId, resourceId }: Recorded,
  gatewayId: GatewayId,
  columns: RecordingSignature['columns'],
): Hex {
  // Named, so that it is never the hash of a reading, which the same key signs.
  return hashOf({ signs: 'recording', callId, resourceId, gatewayId, columns })
}

function columnHashes(recording: Recording): Record<string, Hex> {
  const { signed: _, ...columns } = recording
  return Object.fromEntries(Object.entries(columns).map(([name, one]) => [name, hashOf(one)]))
}
