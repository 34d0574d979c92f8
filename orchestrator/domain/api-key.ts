import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { OrganisationId, OwnerId } from './ids.ts'

/** Who a key belongs to. */
export type Role = 'dso' | 'aggregator' | 'owner' | 'operator' | 'verifier' | 'agent' | 'arbiter'
export const ROLES: readonly Role[] = [
  'dso',
  'aggregator',
  'owner',
  'operator',
  'verifier',
  'agent',
  'arbiter',
]

/** What is kept of a key: its hash and whose it is. */
export type ApiKey = {
  readonly keySha256: string
  readonly role: Role
  /** The organisation, or for an owner its aggregator. */
  readonly organisationId: OrganisationId
  readonly ownerId: OwnerId | null
}

const SECRET_BYTES = 32
const FORM = /^gc_(dso|aggregator|owner|operator|verifier|agent|arbiter)_([\w-]{43})([\w-]{6})$/

/**
 * A bearer key from 32 unpredictable bytes: gc_<role>_<43 characters base64url><6 of checksum>.
 * The checksum tells a mistyped or cut key from a wrong one without asking the database, and lets
 * scanners for leaked secrets recognise it. Shown once; only its hash is kept.
 */
export function formatApiKey(role: Role, secret: Uint8Array): string {
  if (secret.length !== SECRET_BYTES) {
    throw new RangeError(`a key is made of ${SECRET_BYTES} bytes, got ${secret.length}`)
  }
  const body = `gc_${role}_${base64url(secret)}`
  return body + checksum(body)
}

/** The role a key claims and the hash under which it is kept; null for what cannot be a key. */
export function readApiKey(text: string): { role: Role; sha256: string } | null {
  const parts = FORM.exec(text)
  if (parts === null) return null
  if (!sameText(checksum(text.slice(0, -6)), parts[3] as string)) return null
  return { role: parts[1] as Role, sha256: sha256Hex(text) }
}

/** SHA-256 of a text, as hex: how keys and device passwords are kept. */
export function sha256Hex(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)))
}

/** A station's password: 40 hexadecimal digits, which OCPP 1.6 reads as 20 bytes. */
export function stationPassword(bytes: Uint8Array): string {
  if (bytes.length !== 20) throw new RangeError(`a password is 20 bytes, got ${bytes.length}`)
  return bytesToHex(bytes)
}

/** Compares without telling by its duration where two texts differ. */
export function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i % b.length)
  return difference === 0
}

function checksum(body: string): string {
  return base64url(sha256(utf8ToBytes(body))).slice(0, 6)
}

function base64url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
