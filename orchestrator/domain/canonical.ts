import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Hex } from './ids.ts'

/**
 * Canonical JSON after RFC 8785: keys in order of their UTF-16 code units, no white space, whole
 * numbers only; bigint becomes a decimal string. The same value has the same bytes everywhere.
 * @throws TypeError for what has no one canonical form: floats, undefined, functions.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return JSON.stringify(value.toString())
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) {
      throw new TypeError(`canonical JSON takes whole numbers, got ${value}`)
    }
    return String(value === 0 ? 0 : value)
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object') {
    const record = value as Record<string, unknown>
    const members = Object.keys(record)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(record[key])}`)
    return `{${members.join(',')}}`
  }
  throw new TypeError(`canonical JSON cannot carry ${typeof value}`)
}

/** keccak-256, the hash that the contracts use too. */
export function keccak(...parts: Uint8Array[]): Hex {
  return `0x${bytesToHex(keccak_256(concatBytes(...parts)))}`
}

export function keccakText(text: string): Hex {
  return keccak(utf8ToBytes(text))
}

/** The hash of a value's canonical JSON. */
export function hashOf(value: unknown): Hex {
  return keccakText(canonicalJson(value))
}

export function bytesOf(hex: Hex): Uint8Array {
  return hexToBytes(hex.slice(2))
}

/** keccak256 of the ids one behind the other: Solidity's abi.encodePacked of a bytes32[]. */
export function hashOfIds(ids: readonly Hex[]): Hex {
  return keccak(...ids.map(bytesOf))
}
