import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { keccak256, numberToHex, parseSignature, recoverAddress } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { createKmsSigner, type KmsSignerOptions } from '#adapters/kms/kms-signer.ts'
import { signatureHeaders } from '#adapters/kms/request-signature.ts'
import { addressOf, parseDerSignature } from '#adapters/kms/wire.ts'
import type { Hex } from '#domain/ids.ts'
import { wallTimer } from '../../support/wall-timer.ts'
import { CREDENTIALS, type LocalKms, startLocalKms } from './local-kms.ts'

const KEY: Hex = `0x${'4c'.repeat(32)}`
const OTHER: Hex = `0x${'4d'.repeat(32)}`
const AT_MS = Date.parse('2026-01-15T12:00:00Z')
const S_MAX = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
const digest = (n: number) => keccak256(numberToHex(n))

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms(KEY)
})
beforeEach(() => kms.be({ kind: 'well' }))
afterAll(() => kms.stop())

function open(changes: Partial<KmsSignerOptions> = {}) {
  return createKmsSigner({
    url: kms.url,
    region: 'eu-central-1',
    keyId: 'alias/relayer',
    credentials: CREDENTIALS,
    wallMs: () => AT_MS,
    timer: wallTimer,
    deadlineMs: 10_000,
    ...changes,
  })
}

describe('a KMS is refused, with what it said, when', () => {
  it('the request is not proven by its secret', async () => {
    const credentials = { ...CREDENTIALS, secretAccessKey: 'another' }
    await expect(open({ credentials })).rejects.toThrow(
      'the KMS refused GetPublicKey: InvalidSignatureException: the request was signed otherwise',
    )
    await expect(open({ credentials: null })).rejects.toThrow(
      'MissingAuthenticationTokenException: no reason',
    )
  })

  it('it says nothing, is busy, broken, or not there: then it is only unavailable', async () => {
    const signer = await open({ deadlineMs: 500 })
    kms.be({ kind: 'silent' })
    await expect(signer.signDigest(digest(1))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('the KMS to answer Sign: no answer'),
    })
    for (const [status, body] of [
      [400, '{"__type":"com.amazonaws.kms#ThrottlingException","message":"slow down"}'],
      [500, '{"__type":"KMSInternalException"}'],
      [502, '<html>bad gateway</html>'],
      [200, 'welcome to the hotel network'],
    ] as const) {
      kms.be({ kind: 'says', status, body })
      await expect(signer.signDigest(digest(1))).rejects.toMatchObject({ code: 'unavailable' })
    }
    const gone = await startLocalKms(KEY)
    await gone.stop()
    await expect(open({ url: gone.url })).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('the key may not be used', async () => {
    const body = '{"__type":"DisabledException","message":"the key is disabled"}'
    kms.be({ kind: 'says', status: 400, body })
    await expect(open()).rejects.toThrow('DisabledException: the key is disabled')
  })

  it('it signs with another key than it showed at the start', async () => {
    const signer = await open()
    kms.be({ kind: 'other-key', privateKey: OTHER })
    await expect(signer.signDigest(digest(1))).rejects.toThrow(
      `the KMS signed with another key than that of ${privateKeyToAddress(KEY)}`,
    )
  })

  it('its key is on another curve', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const der = publicKey.export({ type: 'spki', format: 'der' })
    expect(() => addressOf(der)).toThrow('expected a key on secp256k1 (ECC_SECG_P256K1), got P-256')
  })

  it('its signature is no DER', () => {
    const good = Buffer.from('3006020101020102', 'hex')
    expect(parseDerSignature(good)).toEqual({ r: 1n, s: 2n })
    const bad = [
      '',
      '3006020101020102ff',
      '3006020101020182',
      '3006020100020102',
      '310602010102',
      '30060201010301ff',
      '3005020101020102',
    ]
    for (const hex of bad)
      expect(() => parseDerSignature(Buffer.from(hex, 'hex'))).toThrow(/in DER/)
  })
})

describe('a key in a KMS', () => {
  it('signs what its address can be recovered from, s always in the lower half', async () => {
    const signer = await open()
    expect(signer.address).toBe(privateKeyToAddress(KEY))
    const seen = new Set<bigint | undefined>()
    for (let n = 0; n < 12; n += 1) {
      const signature = await signer.signDigest(digest(n))
      expect(await recoverAddress({ hash: digest(n), signature })).toBe(signer.address)
      const { s, v } = parseSignature(signature)
      expect(BigInt(s)).toBeLessThanOrEqual(S_MAX)
      seen.add(v)
    }
    expect(seen).toEqual(new Set([27n, 28n]))
  })
})

it('a request is proven as AWS documents it', () => {
  const url = new URL('https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08')
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  const request = { method: 'GET', url, headers, body: '', region: 'us-east-1', service: 'iam' }
  const atMs = Date.parse('2015-08-30T12:36:00Z')
  const { authorization } = signatureHeaders({ ...request, atMs }, CREDENTIALS)
  expect(authorization).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, ' +
      'SignedHeaders=content-type;host;x-amz-date, ' +
      'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  )
})
