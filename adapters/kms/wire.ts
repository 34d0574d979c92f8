import { createPublicKey } from 'node:crypto'
import { bytesToHex, hexToBytes, numberToHex } from 'viem'
import { publicKeyToAddress } from 'viem/utils'
import type { Address, Hex } from '#domain/ids.ts'

/** Order of secp256k1's base point, and half of it: Ethereum takes only the lower s (EIP-2). */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const S_MAX = ORDER / 2n

export type RS = { readonly r: bigint; readonly s: bigint }

/**
 * The address of a public key as a KMS gives it: DER of a SubjectPublicKeyInfo (RFC 5280).
 * @throws Error if it is no key on secp256k1
 */
export function addressOf(spki: Uint8Array): Address {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  const { crv, x, y } = key.export({ format: 'jwk' })
  if (crv !== 'secp256k1' || x === undefined || y === undefined) {
    throw new Error(
      `expected a key on secp256k1 (ECC_SECG_P256K1), got ${crv ?? key.asymmetricKeyType}`,
    )
  }
  const point = Buffer.concat([Buffer.from([4]), unpacked(x), unpacked(y)])
  return publicKeyToAddress(bytesToHex(point))
}

function unpacked(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url')
  return Buffer.concat([Buffer.alloc(32 - bytes.length), bytes])
}

/**
 * Reads a signature in DER (X9.62: a sequence of the integers r and s) and brings s into the lower
 * half, where a KMS puts it only by chance. @throws Error for anything else
 */
export function parseDerSignature(der: Uint8Array): RS {
  const wrong = () => new Error(`expected a signature in DER, got ${bytesToHex(der.slice(0, 8))}…`)
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 72) throw wrong()
  const first = integerAt(der, 2)
  const second = first && integerAt(der, first.end)
  if (!first || !second || second.end !== der.length) throw wrong()
  const [r, s] = [first.value, second.value]
  if (r <= 0n || r >= ORDER || s <= 0n || s >= ORDER) throw wrong()
  return { r, s: s > S_MAX ? ORDER - s : s }
}

function integerAt(der: Uint8Array, at: number): { value: bigint; end: number } | null {
  const length = der[at + 1] ?? 0
  const end = at + 2 + length
  const bytes = der.slice(at + 2, end)
  const isWhole = der[at] === 0x02 && length > 0 && length <= 33 && bytes.length === length
  if (!isWhole || (bytes[0] ?? 0) >= 0x80) return null // both are positive
  return { value: BigInt(bytesToHex(bytes)), end }
}

/** r, s and v (27 or 28) as 65 bytes. */
export function signatureHex({ r, s }: RS, v: 27 | 28): Hex {
  const word = (value: bigint) => numberToHex(value, { size: 32 }).slice(2)
  return `0x${word(r)}${word(s)}${v.toString(16)}`
}

export function base64(digest: Hex): string {
  return Buffer.from(hexToBytes(digest)).toString('base64')
}

export function fromBase64(field: string, value: unknown): Uint8Array {
  if (typeof value !== 'string' || value === '') {
    throw new Error(`expected ${field} in the answer of the KMS, got ${typeof value}`)
  }
  return Buffer.from(value, 'base64')
}
