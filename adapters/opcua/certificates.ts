import { createHash, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import type { ICertificateStore, OPCUACertificateManager } from 'node-opcua'
import type { Timer } from '#ports.ts'
import type { Opcua } from './library.ts'

export type ClientCertificate = { readonly pem: string; readonly thumbprint: string }

/** Our side's key and certificate, and the store in which trusted server certificates stand. */
export type ClientPki = {
  readonly folder: string
  readonly applicationName: string
  readonly applicationUri: string
  readonly certificateFile: string
  readonly privateKeyFile: string
  readonly certificate: ClientCertificate
  /** Why a server's certificate is not accepted where one thumbprint is trusted; null: it is. */
  refusal(certificate: Buffer, trusted: string | null): Promise<string | null>
  /** A store that accepts one certificate only, for the library: see `pinnedStore`. */
  pinned(trusted: string | null, presented: (thumbprint: string) => void): ICertificateStore
  close(): Promise<void>
}

const applicationName = 'Gridcall'
const validityDays = 3650
/** A lock that a killed process left behind is taken over by the library after two minutes. */
const storeDeadlineMs = 130_000
const trustDeadlineMs = 5_000

/** SHA-1 of the DER as OPC UA names certificates, upper-case hex (Part 6, 6.2.2). */
export function thumbprintOf(certificate: Uint8Array): string {
  return createHash('sha1').update(certificate).digest('hex').toUpperCase()
}

/**
 * Opens the PKI folder; the first time it makes a 2048-bit RSA key (mode 600) and a self-signed
 * certificate in it. No external programs.
 */
export async function openClientPki(
  opcua: Opcua,
  timer: Timer,
  folder: string,
): Promise<ClientPki> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const manager = new opcua.OPCUACertificateManager({
    rootFolder: folder,
    automaticallyAcceptUnknownCertificate: false,
    disableFileWatchers: true,
    keySize: 2048,
  })
  await timer.deadline(
    manager.initialize(),
    storeDeadlineMs,
    `the lock of the PKI folder ${folder}`,
  )
  await chmod(manager.privateKey, 0o600)
  const certificateFile = path.join(folder, 'own', 'certs', 'client_certificate.pem')
  if (!existsSync(certificateFile)) await makeCertificate(timer, manager, certificateFile)
  const pem = await readFile(certificateFile, 'utf8')
  const x509 = new X509Certificate(pem)
  const verify = verifierOf(timer, manager)
  return {
    folder,
    applicationName,
    applicationUri: ownApplicationUri(x509, certificateFile),
    certificateFile,
    privateKeyFile: manager.privateKey,
    certificate: { pem, thumbprint: thumbprintOf(x509.raw) },
    async refusal(certificate, trusted) {
      const presented = thumbprintOf(certificate)
      if (presented !== trusted) {
        return `the server presents ${presented}, trusted is ${trusted ?? 'none yet'}`
      }
      const status = await verify(certificate)
      return status === 'Good' ? null : `${presented} is trusted, but ${inWords(status)}`
    },
    pinned: (trusted, presented) => pinnedStore(opcua, manager, verify, trusted, presented),
    close: () => manager.dispose(),
  }
}

/**
 * Is a certificate that the enrolment trusts also in order, above all still valid? It is put into
 * the store once: the store writes a file under a lock, which a thousand batteries would queue for.
 */
function verifierOf(timer: Timer, manager: OPCUACertificateManager) {
  const trusting = new Map<string, Promise<void>>()
  const trust = async (certificate: Buffer) => {
    if ((await manager.getTrustStatus(certificate)).isGood()) return
    const asked = manager.trustCertificate(certificate)
    await timer.deadline(asked, trustDeadlineMs, 'the certificate store')
  }
  return async (certificate: Buffer): Promise<string> => {
    const thumbprint = thumbprintOf(certificate)
    const known = trusting.get(thumbprint) ?? trust(certificate)
    trusting.set(thumbprint, known)
    try {
      await known
    } catch (error) {
      trusting.delete(thumbprint) // the next one tries again
      throw error
    }
    return await manager.verifyCertificate(certificate)
  }
}

type Verify = ReturnType<typeof verifierOf>

function inWords(status: string): string {
  return status === 'BadCertificateTimeInvalid'
    ? 'today is outside the time for which it was made (BadCertificateTimeInvalid)'
    : status
}

async function makeCertificate(
  timer: Timer,
  manager: OPCUACertificateManager,
  outputFile: string,
): Promise<void> {
  const host = hostname()
  const making = manager.createSelfSignedCertificate({
    applicationUri: `urn:${host}:gridcall`,
    dns: [host],
    outputFile,
    subject: `/CN=${applicationName}`,
    startDate: (await stat(manager.privateKey)).mtime, // wall time, as the key is fresh
    validity: validityDays,
  })
  await timer.deadline(making, storeDeadlineMs, 'a certificate of our own')
}

/** Servers compare it with what the client says of itself (Part 4, 6.1.3): take it from there. */
function ownApplicationUri(certificate: X509Certificate, file: string): string {
  const uri = applicationUriIn(certificate)
  if (uri === null) throw new Error(`${file}: expected an application URI, got none`)
  return uri
}

/** The application that a certificate was made for; null: it names none. */
export function applicationUriIn(certificate: X509Certificate): string | null {
  return /URI:([^,\s]+)/.exec(certificate.subjectAltName ?? '')?.[1] ?? null
}

/**
 * Accepts the one certificate whose thumbprint is trusted, if it is also valid today, and nothing
 * else: a certificate trusted for one battery does not open another. The library asks it again
 * when a server comes back with another certificate.
 */
function pinnedStore(
  opcua: Opcua,
  manager: OPCUACertificateManager,
  verify: Verify,
  trusted: string | null,
  presented: (thumbprint: string) => void,
): ICertificateStore {
  const { StatusCodes } = opcua
  const leafOf = (given: Buffer | Buffer[]) => leafCertificate(opcua, given)
  const untrusted = StatusCodes.BadCertificateUntrusted
  return {
    referenceCounter: 0,
    async initialize() {},
    async dispose() {},
    async checkCertificate(given) {
      const leaf = leafOf(given)
      const thumbprint = thumbprintOf(leaf)
      presented(thumbprint)
      if (thumbprint !== trusted) return untrusted
      return opcua.coerceStatusCode(await verify(leaf))
    },
    async verifyCertificate(given, options) {
      return await manager.verifyCertificate(leafOf(given), options)
    },
    async getTrustStatus(given) {
      return thumbprintOf(leafOf(given)) === trusted ? StatusCodes.Good : untrusted
    },
    async trustCertificate() {},
    async rejectCertificate() {},
    async addIssuer() {},
    async addRevocationList() {},
  }
}

/** The server's own certificate out of a chain, which comes as one buffer or several. */
export function leafCertificate(opcua: Opcua, given: Buffer | Buffer[]): Buffer {
  const first = Array.isArray(given) ? given[0] : given
  const leaf = first && opcua.crypto_utils.split_der(first)[0]
  if (!leaf) throw new RangeError('expected a certificate in DER, got nothing')
  return leaf
}
