/** TLS as OCPP asks for it: which suites, whose certificates, and how files are exchanged. */
import { constants } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls'
import { DomainError } from '#domain/errors.ts'
import type { Log } from '#ports.ts'
import { isStillTrusted, type Trust } from './revocation.ts'

/** How stations prove who they are (security whitepaper; 2.x part 2 A00); files are PEM. */
export type OcppSecurity = {
  /** 1: password over plain ws; 2: TLS and password; 3: TLS and a certificate of the station. */
  readonly profile: 1 | 2 | 3
  /** With their chains, one per kind of key: RSA, ECDSA. */
  readonly certificateFiles: readonly string[]
  /** In the order of their certificates. */
  readonly keyFiles: readonly string[]
  /** Who issues the certificates of stations; profile 3 only. */
  readonly clientCaFile: string | null
  /** What was revoked, one list per CA in the chain; null: nothing is looked up. */
  readonly clientCrlFile: string | null
}

export const PLAIN: OcppSecurity = {
  profile: 1,
  certificateFiles: [],
  keyFiles: [],
  clientCaFile: null,
  clientCrlFile: null,
}

/**
 * The four that the standard demands (the last two of them need an RSA certificate), those with
 * forward secrecy for RSA, and what TLS 1.3 brings.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
].join(':')
const HANDSHAKE_MS = 10_000

export type TlsDoor = {
  readonly server: Server
  /** Takes the files into use. @throws DomainError unavailable, naming what is wrong with them */
  load(): void
  /** Looks whether the files have changed; handshakes from now on see the new ones. True: they have. */
  reload(): boolean
  /** Would the certificate of this connection be taken today? */
  isStillTrusted(socket: Duplex): boolean
}

/** An HTTPS server whose certificates can be exchanged while it serves; nothing is loaded yet. */
export function createTlsDoor(
  security: OcppSecurity,
  limits: { readonly headersTimeout: number; readonly requestTimeout: number },
  log: Log,
): TlsDoor {
  const isMutual = security.profile === 3
  const server = createServer({
    ...limits,
    handshakeTimeout: HANDSHAKE_MS,
    requestCert: isMutual,
    rejectUnauthorized: isMutual, // an unknown, expired or revoked one ends in the handshake
  })
  let used: string | null = null
  let trust: Trust = { authorities: [], lists: [] }
  let refused: string | null = null

  function use(context: SecureContextOptions): void {
    createSecureContext(context) // throws before anything has been changed
    server.setSecureContext(context)
    used = JSON.stringify(context)
    trust = trustOf(security)
    refused = null
  }

  return {
    server,
    load() {
      try {
        use(contextOf(security))
      } catch (error) {
        throw new DomainError('unavailable', `OCPP cannot use its certificates: ${said(error)}`)
      }
    },
    reload() {
      try {
        const context = contextOf(security)
        if (JSON.stringify(context) === used) return false
        use(context)
        log.info('OCPP uses the certificates that are new in its files')
        return true
      } catch (error) {
        // Half of the files may have been written: the next look sees the rest.
        if (said(error) === refused) return false
        refused = said(error)
        log.warn('new OCPP certificates cannot be used; the old ones stay', { error: refused })
        return false
      }
    },
    isStillTrusted(socket) {
      if (!isMutual) return true
      return socket instanceof TLSSocket && isStillTrusted(socket.getPeerCertificate(true), trust)
    },
  }
}

function contextOf(security: OcppSecurity): SecureContextOptions {
  const { profile, certificateFiles, keyFiles, clientCaFile, clientCrlFile } = security
  return {
    cert: certificateFiles.map(pem),
    key: keyFiles.map(pem),
    ciphers: CIPHERS,
    honorCipherOrder: true,
    minVersion: 'TLSv1.2',
    ...(profile === 3 ? clientRules(clientCaFile, clientCrlFile) : {}),
  }
}

function clientRules(caFile: string | null, crlFile: string | null): SecureContextOptions {
  return {
    ca: caFile === null ? [] : [pem(caFile)],
    // Node reads one list from each text.
    ...(crlFile === null ? {} : { crl: pem(crlFile).match(CRL) ?? [''] }),
    // A resumed session is not checked against the list of today.
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}

function trustOf({ clientCaFile, clientCrlFile }: OcppSecurity): Trust {
  return {
    authorities: clientCaFile === null ? [] : (pem(clientCaFile).match(CERTIFICATE) ?? []),
    lists: clientCrlFile === null ? [] : (pem(clientCrlFile).match(CRL) ?? []),
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
const CRL = /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g

function pem(file: string): string {
  return readFileSync(file, 'utf8')
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/**
 * The common name of the certificate that was proved in the handshake; null without one. 2.x A00:
 * it is the station's serial number, which is its identity here.
 */
export function certifiedName(socket: Duplex): string | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null
  const name: unknown = socket.getPeerCertificate().subject?.CN
  return typeof name === 'string' ? name : null // two names are none
}
