import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { checkMeterSignature } from '#adapters/ocmf/signature.ts'
import { parseOcmf } from '#domain/signed-meter/ocmf.ts'
import { recordFields, signingMeter } from '../../support/signed-records.ts'

const curves = [
  ['secp192k1', 'secp192k1'],
  ['secp256k1', 'secp256k1'],
  ['prime192v1', 'secp192r1'],
  ['prime256v1', 'secp256r1'],
  ['secp384r1', 'secp384r1'],
  ['brainpoolP256r1', 'brainpool256r1'],
  ['brainpoolP256r1', 'brainpoolP256r1'],
  ['brainpoolP384r1', 'brainpool384r1'],
] as const

describe('the signature of a meter record', () => {
  const meter = signingMeter()
  const text = meter.record(recordFields())

  test('over another payload is invalid', () => {
    const changed = parseOcmf(text.replace('"RV":10.5', '"RV":10.6'))
    expect(checkMeterSignature(changed, meter.publicKey)).toEqual({
      result: 'invalid',
      detail: 'the key did not sign this payload',
    })
  })

  test('of another meter is invalid', () => {
    const other = signingMeter()
    expect(checkMeterSignature(parseOcmf(text), other.publicKey).result).toBe('invalid')
  })

  test('of a key on another curve than the record names is invalid', () => {
    const other = signingMeter('secp256k1')
    const { result, detail } = checkMeterSignature(parseOcmf(text), other.publicKey)
    expect(result).toBe('invalid')
    expect(detail).toBe('signed on prime256v1, the key is on secp256k1')
  })

  test('that is a bare hash of the payload, as some simulators send it, is invalid', () => {
    const { payload } = parseOcmf(text)
    const hash = createHash('sha256').update(payload).digest('hex')
    const faked = parseOcmf(`OCMF|${payload}|{"SD":"${hash}"}`)
    expect(checkMeterSignature(faked, meter.publicKey).result).toBe('invalid')
  })

  test('that is not of its encoding is invalid', () => {
    const { payload } = parseOcmf(text)
    const odd = parseOcmf(`OCMF|${payload}|{"SD":"no hex"}`)
    expect(checkMeterSignature(odd, meter.publicKey).detail).toBe('the signature is not hex')
  })

  test('by an algorithm that nobody here knows cannot be verified, which is not invalid', () => {
    const unknown = parseOcmf(text.replace('ECDSA-secp256r1-SHA256', 'ECDSA-sect283k1-SHA256'))
    expect(checkMeterSignature(unknown, meter.publicKey)).toEqual({
      result: 'cannot-be-verified',
      detail: 'cannot read the algorithm ECDSA-sect283k1-SHA256',
    })
  })

  test('cannot be verified by a key that is none', () => {
    for (const key of ['', 'no key', '00'.repeat(64), '${jndi:ldap://x}']) {
      expect(checkMeterSignature(parseOcmf(text), key).result, key).toBe('cannot-be-verified')
    }
  })

  test.each(curves)('on %s, named %s, holds', (curve, name) => {
    const signer = signingMeter(curve, `ECDSA-${name}-SHA256`)
    const record = parseOcmf(signer.record(recordFields()))
    expect(checkMeterSignature(record, signer.publicKey)).toEqual({
      result: 'valid',
      detail: 'key as SPKI, signature as DER',
    })
  })

  test('holds with a key in base64, in hex with blanks, and as a bare point', () => {
    const der = Buffer.from(meter.publicKey, 'hex')
    const spaced = meter.publicKey.replaceAll(/(.{4})/g, '$1 ')
    const point = der.subarray(-64).toString('hex')
    for (const key of [der.toString('base64'), spaced, point, `04${point}`]) {
      expect(checkMeterSignature(parseOcmf(text), key).result, key).toBe('valid')
    }
  })
})
