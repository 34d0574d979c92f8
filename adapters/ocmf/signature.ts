/** Checks the signatures of OCMF records with OpenSSL (node:crypto). */
import { createPublicKey, getCurves, type KeyObject, verify } from 'node:crypto'
import type { MeterSignature } from '#domain/signed-meter/meter-key.ts'
import type { OcmfRecord } from '#domain/signed-meter/ocmf.ts'
import { looseDer, rawPoint } from './wire.ts'

/** OCMF's name of a curve (table 22), OpenSSL's, and the bytes of one coordinate. */
const CURVES: readonly {
  readonly names: readonly string[]
  readonly openssl: string
  readonly bytes: number
}[] = [
  { names: ['secp192k1'], openssl: 'secp192k1', bytes: 24 },
  { names: ['secp256k1'], openssl: 'secp256k1', bytes: 32 },
  { names: ['secp192r1'], openssl: 'prime192v1', bytes: 24 },
  { names: ['secp256r1'], openssl: 'prime256v1', bytes: 32 },
  // The format writes the first, samples and the reference software also the second.
  { names: ['brainpool256r1', 'brainpoolP256r1'], openssl: 'brainpoolP256r1', bytes: 32 },
  { names: ['secp384r1'], openssl: 'secp384r1', bytes: 48 },
  { names: ['brainpool384r1', 'brainpoolP384r1'], openssl: 'brainpoolP384r1', bytes: 48 },
]

/**
 * Did the holder of a meter's key sign this record? The key comes from the meter's enrolment, never
 * from the record. Keys: SPKI in hex (blanks allowed) or base64, or the bare point X‖Y. Signatures:
 * DER, DER with odd integers (as some meters write it), or the bare r‖s; which one it was is told.
 * A curve that this OpenSSL does not have is 'cannot-be-verified', not 'invalid'.
 */
export function checkMeterSignature(record: OcmfRecord, publicKey: string): MeterSignature {
  const { algorithm, data, encoding } = record.signature
  const curve = CURVES.find(({ names }) => names.some((n) => algorithm === `ECDSA-${n}-SHA256`))
  if (curve === undefined) return unable(`the algorithm ${algorithm.slice(0, 40)}`)
  if (!getCurves().includes(curve.openssl)) return unable(`the curve ${curve.openssl} here`)
  const key = keyOf(publicKey, curve)
  if (key === null) return unable('a public key in this form')
  const { namedCurve } = key.key.asymmetricKeyDetails ?? {}
  if (namedCurve !== curve.openssl) {
    return { result: 'invalid', detail: `signed on ${curve.openssl}, the key is on ${namedCurve}` }
  }
  const signature = bytesOf(data, encoding)
  if (signature === null) return { result: 'invalid', detail: `the signature is not ${encoding}` }
  const form = formOf(record.payload, key.key, signature, curve.bytes)
  if (form === null) return { result: 'invalid', detail: 'the key did not sign this payload' }
  return { result: 'valid', detail: `key as ${key.form}, signature as ${form}` }
}

function unable(what: string): MeterSignature {
  return { result: 'cannot-be-verified', detail: `cannot read ${what}` }
}

type Key = { readonly key: KeyObject; readonly form: 'SPKI' | 'raw point' }

function keyOf(text: string, { openssl, bytes }: (typeof CURVES)[number]): Key | null {
  const found = bytesOf(text, 'hex') ?? bytesOf(text, 'base64')
  if (found === null) return null
  try {
    return { key: createPublicKey({ key: found, format: 'der', type: 'spki' }), form: 'SPKI' }
  } catch {
    // not SPKI: perhaps the bare point, which needs the curve's name around it
  }
  const wrapped = rawPoint(found, openssl, bytes)
  if (wrapped === null) return null
  try {
    return {
      key: createPublicKey({ key: wrapped, format: 'der', type: 'spki' }),
      form: 'raw point',
    }
  } catch {
    return null // no point of this curve
  }
}

function formOf(
  payload: string,
  key: KeyObject,
  signature: Buffer,
  bytes: number,
): 'DER' | 'loose DER' | 'raw r and s' | null {
  const data = Buffer.from(payload, 'utf8')
  if (verify('sha256', data, key, signature)) return 'DER'
  const loose = looseDer(signature, bytes)
  if (loose && verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, loose)) return 'loose DER'
  if (signature.length !== 2 * bytes) return null
  return verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)
    ? 'raw r and s'
    : null
}

function bytesOf(text: string, encoding: 'hex' | 'base64'): Buffer | null {
  const plain = text.replaceAll(/\s/g, '')
  const isWhole =
    encoding === 'hex'
      ? /^([0-9a-f]{2})+$/i.test(plain)
      : plain.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(plain)
  return isWhole ? Buffer.from(plain, encoding) : null
}
