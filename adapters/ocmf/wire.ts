/** The odd forms in which meters write keys and signatures. */

/** Object identifiers as DER: id-ecPublicKey (RFC 5480) and the curves (SEC 2, RFC 5639). */
const EC_PUBLIC_KEY = '06072a8648ce3d0201'
const CURVE_IDS: Readonly<Record<string, string>> = {
  secp192k1: '06052b8104001f',
  secp256k1: '06052b8104000a',
  prime192v1: '06082a8648ce3d030101',
  prime256v1: '06082a8648ce3d030107',
  secp384r1: '06052b81040022',
  brainpoolP256r1: '06092b2403030208010107',
  brainpoolP384r1: '06092b240303020801010b',
}

/** A bare point X‖Y, with or without the leading 04, as SPKI; null: not of this length. */
export function rawPoint(bytes: Buffer, curve: string, coordinateBytes: number): Buffer | null {
  const id = CURVE_IDS[curve]
  const isBare = bytes.length === 2 * coordinateBytes
  const isMarked = bytes.length === 2 * coordinateBytes + 1 && bytes[0] === 4
  if (id === undefined || !(isBare || isMarked)) return null
  const point = isMarked ? bytes : Buffer.concat([Buffer.from([4]), bytes])
  const algorithm = sequence(Buffer.from(EC_PUBLIC_KEY + id, 'hex'))
  const bits = Buffer.concat([Buffer.from([0x03, point.length + 1, 0]), point])
  return sequence(Buffer.concat([algorithm, bits]))
}

function sequence(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x30, content.length]), content])
}

/**
 * r‖s out of a DER signature whose integers are not in their shortest form or look negative: some
 * meters write them at full length always. null: not even that.
 */
export function looseDer(bytes: Buffer, coordinateBytes: number): Buffer | null {
  if (bytes[0] !== 0x30 || bytes[1] !== bytes.length - 2) return null
  const r = integerAt(bytes, 2)
  const s = r && integerAt(bytes, r.end)
  if (!r || !s || s.end !== bytes.length) return null
  const parts = [r.value, s.value].map((value) => padded(value, coordinateBytes))
  return parts.every((part) => part !== null) ? Buffer.concat(parts) : null
}

function integerAt(bytes: Buffer, at: number): { value: Buffer; end: number } | null {
  const length = bytes[at + 1]
  if (bytes[at] !== 0x02 || length === undefined || length === 0) return null
  const end = at + 2 + length
  return end > bytes.length ? null : { value: bytes.subarray(at + 2, end), end }
}

function padded(value: Buffer, length: number): Buffer | null {
  let start = 0
  while (start < value.length && value[start] === 0) start++
  const rest = value.subarray(start)
  return rest.length > length ? null : Buffer.concat([Buffer.alloc(length - rest.length), rest])
}
