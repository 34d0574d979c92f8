import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { X509Certificate } from 'node:crypto'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClientPki, openClientPki, thumbprintOf } from '#adapters/opcua/certificates.ts'
import { loadOpcua, type Opcua } from '#adapters/opcua/library.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import { serverPki } from './battery-server.ts'
import { recorder } from './world.ts'

let folder: string
let opcua: Opcua
let pki: ClientPki

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gridcall-pki-'))
  opcua = await loadOpcua(recorder().log)
  pki = await openClientPki(opcua, wallTimer, path.join(folder, 'gateway'))
}, 60_000)

afterAll(async () => {
  await pki?.close()
  await rm(folder, { recursive: true })
})

async function certificateFrom(start: string, validityDays: number): Promise<Buffer> {
  const manager = await serverPki(path.join(folder, 'battery'))
  const outputFile = path.join(folder, `${start}.pem`)
  await manager.createSelfSignedCertificate({
    applicationUri: 'urn:battery',
    dns: ['battery'],
    outputFile,
    subject: '/CN=battery',
    startDate: new Date(start),
    validity: validityDays,
  })
  return new X509Certificate(await readFile(outputFile)).raw
}

test('a certificate out of its validity is refused although its thumbprint is trusted', async () => {
  const expired = await certificateFrom('2020-01-01', 30)
  const early = await certificateFrom('2090-01-01', 30)
  for (const certificate of [expired, early]) {
    const refusal = await pki.refusal(certificate, thumbprintOf(certificate))
    expect(refusal).toMatch(/is trusted, but today is outside .* \(BadCertificateTimeInvalid\)/)
  }
})

test('a certificate trusted for one battery opens no other', async () => {
  const certificate = await certificateFrom('2025-01-01', 36_500)
  const thumbprint = thumbprintOf(certificate)
  expect(await pki.refusal(certificate, thumbprint)).toBeNull()
  expect(await pki.refusal(certificate, null)).toContain('trusted is none yet')
  const presented: string[] = []
  const others = pki.pinned('AB'.repeat(20), (seen) => presented.push(seen))
  expect((await others.checkCertificate(certificate)).name).toBe('BadCertificateUntrusted')
  expect((await others.getTrustStatus(certificate)).isGood()).toBe(false)
  expect(presented).toEqual([thumbprint])
  const own = pki.pinned(thumbprint, () => {})
  expect((await own.checkCertificate(certificate)).isGood()).toBe(true)
})

test('our key is made once, for its owner only, and found again', async () => {
  expect((await stat(pki.privateKeyFile)).mode & 0o777).toBe(0o600)
  expect((await stat(path.join(folder, 'gateway'))).mode & 0o777).toBe(0o700)
  const again = await openClientPki(opcua, wallTimer, path.join(folder, 'gateway'))
  expect(again.certificate).toEqual(pki.certificate)
  expect(again.applicationUri).toBe(pki.applicationUri)
  await again.close()
})

test('our certificate names our application and serves for ten years', () => {
  const certificate = new X509Certificate(pki.certificate.pem)
  expect(certificate.fingerprint.replaceAll(':', '')).toBe(pki.certificate.thumbprint)
  expect(certificate.subjectAltName).toContain(`URI:${pki.applicationUri}`)
  expect(new Date(certificate.validTo).getFullYear()).toBeGreaterThanOrEqual(
    new Date(certificate.validFrom).getFullYear() + 9,
  )
})
