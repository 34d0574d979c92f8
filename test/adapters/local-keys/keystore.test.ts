import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSigner, verifyEd25519 } from '#adapters/local-keys/keystore.ts'
import type { Hex } from '#domain/ids.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gridcall-keys-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

const hash: Hex = `0x${'ab'.repeat(32)}`

test('a file that is no key is refused by name, and left as it is', async () => {
  const file = path.join(folder, 'gateway.key.pem')
  await writeFile(file, 'half a ke')
  await expect(openSigner(folder, 'gateway')).rejects.toThrow(`${file}: expected an Ed25519`)
  expect(await readFile(file, 'utf8')).toBe('half a ke')
})

test('a signature of other bytes, by another key, or malformed is no signature', async () => {
  const one = await openSigner(folder, 'one')
  const two = await openSigner(folder, 'two')
  const signature = one.sign(hash)
  expect(verifyEd25519(one.publicKey, `0x${'ac'.repeat(32)}`, signature)).toBe(false)
  expect(verifyEd25519(two.publicKey, hash, signature)).toBe(false)
  expect(verifyEd25519(one.publicKey, hash, `${signature}00`)).toBe(false)
  expect(verifyEd25519('0x01', hash, signature)).toBe(false)
  expect(verifyEd25519('garbage' as Hex, hash, signature)).toBe(false)
})

test('whatever a party sends as a signature, the answer is false and never an error', async () => {
  const { publicKey } = await openSigner(folder, 'gateway')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
      const signature: Hex = `0x${Buffer.from(a).toString('hex')}`
      const key: Hex = `0x${Buffer.from(b).toString('hex')}`
      expect(verifyEd25519(publicKey, hash, signature)).toBe(false)
      expect(verifyEd25519(key, hash, signature)).toBe(false)
    }),
  )
})

test('a key is made once, for its owner only, and found again', async () => {
  const made = await openSigner(path.join(folder, 'keys'), 'gateway')
  const found = await openSigner(path.join(folder, 'keys'), 'gateway')
  expect(found.publicKey).toBe(made.publicKey)
  expect(made.publicKey).toMatch(/^0x[0-9a-f]{64}$/)
  expect(verifyEd25519(made.publicKey, hash, found.sign(hash))).toBe(true)
  const { mode } = await stat(path.join(folder, 'keys', 'gateway.key.pem'))
  expect(mode & 0o777).toBe(0o600)
  expect((await stat(path.join(folder, 'keys'))).mode & 0o777).toBe(0o700)
  expect(await readdir(path.join(folder, 'keys'))).toEqual(['gateway.key.pem'])
})

test('of several who make the key at once all get the same one', async () => {
  const signers = await Promise.all(Array.from({ length: 8 }, () => openSigner(folder, 'gateway')))
  expect(new Set(signers.map((signer) => signer.publicKey)).size).toBe(1)
  expect(await readdir(folder)).toEqual(['gateway.key.pem'])
})

test("the signature of RFC 8032's third test vector verifies", () => {
  const publicKey: Hex = '0xfc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025'
  const signature: Hex = `0x${
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac' +
    '18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a'
  }`
  expect(verifyEd25519(publicKey, '0xaf82', signature)).toBe(true)
})
