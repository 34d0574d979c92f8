/** Certificates made on the spot: an authority, what it issues, and what it takes back. */
import 'reflect-metadata'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509'

const ALGORITHMS = {
  ecdsa: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: 2048,
  },
} as const

export type Issued = {
  readonly certificate: X509Certificate
  readonly pem: string
  readonly key: string
}
export type Authority = {
  readonly pem: string
  issue(name: string, how?: { kind?: 'ecdsa' | 'rsa'; until?: Date }): Promise<Issued>
  /** A list of what is not to be trusted any more. */
  revoke(certificates: readonly X509Certificate[]): Promise<string>
}

const DAY_MS = 86_400_000
let serial = 1

export async function createAuthority(name: string): Promise<Authority> {
  const algorithm = ALGORITHMS.ecdsa
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const now = Date.now()
  const root = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + DAY_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new BasicConstraintsExtension(true, 1, true)],
  })
  return {
    pem: root.toString('pem'),
    async issue(subject, { kind = 'ecdsa', until = new Date(now + DAY_MS) } = {}) {
      const own = await crypto.subtle.generateKey(ALGORITHMS[kind], true, ['sign', 'verify'])
      const certificate = await X509CertificateGenerator.create({
        serialNumber: String(++serial).padStart(4, '0'),
        subject: `CN=${subject}`,
        issuer: root.subject,
        notBefore: new Date(now - 2 * DAY_MS),
        notAfter: until,
        signingAlgorithm: algorithm,
        signingKey: keys.privateKey,
        publicKey: own.publicKey,
        extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
      })
      const bytes = await crypto.subtle.exportKey('pkcs8', own.privateKey)
      const key = PemConverter.encode(bytes, 'PRIVATE KEY')
      return { certificate, pem: certificate.toString('pem'), key }
    },
    async revoke(certificates) {
      const list = await X509CrlGenerator.create({
        issuer: root.subject,
        thisUpdate: new Date(now - DAY_MS),
        nextUpdate: new Date(now + DAY_MS),
        signingAlgorithm: algorithm,
        signingKey: keys.privateKey,
        entries: certificates.map(({ serialNumber }) => ({
          serialNumber,
          revocationDate: new Date(now - DAY_MS / 2),
        })),
      })
      return PemConverter.encode(list.rawData, 'X509 CRL')
    },
  }
}

/** A file that is gone with the machine's temporary folder; returns its name. */
export function fileOf(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'gridcall-pem-')), 'file.pem')
  writeFileSync(file, text)
  return file
}
