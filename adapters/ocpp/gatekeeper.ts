import type { IncomingMessage } from 'node:http'
import type { Log, SecurityEvent } from '#ports.ts'
import type { Admission } from './admission.ts'
import { provedBy } from './credential.ts'
import { certifiedName, type OcppSecurity, type TlsDoor } from './tls.ts'

export type GatekeeperOptions = {
  readonly security: OcppSecurity
  readonly admission: Admission
  /** SHA-256 (hex) of each password of a station; empty: there is no such station. */
  readonly passwordsOf: (identity: string) => readonly string[]
  readonly onSecurity: (identity: string, kind: SecurityEvent['kind'], detail: string) => void
}

/** By what somebody proved to be a station; null: by a certificate. */
export type Proof = { readonly passwordSha256: string | null }

/** Who is a station. Which proof is asked for stands in the settings. */
export type Gatekeeper = {
  /** null: he has not proved it. */
  prove(identity: string, request: IncomingMessage): Proof | null
  /** Counts and tells it; seconds to wait, if there have been too many failures. */
  failed(identity: string, address: string): Promise<number | null>
  /** Nobody knows whose a handshake was meant to be: the name comes after it. */
  handshakeRefused(code: string): Promise<void>
}

export function createGatekeeper(options: GatekeeperOptions): Gatekeeper {
  const { security, admission, passwordsOf, onSecurity } = options
  return {
    prove(identity, { headers, socket }) {
      const passwords = passwordsOf(identity)
      if (security.profile === 3) {
        const isTheirs = certifiedName(socket) === identity && passwords.length > 0
        return isTheirs ? { passwordSha256: null } : null
      }
      const passwordSha256 = provedBy(identity, headers.authorization, passwords)
      return passwordSha256 === null ? null : { passwordSha256 }
    },
    async failed(identity, address) {
      const wait = await admission.failed(address, identity)
      const isKnown = passwordsOf(identity).length > 0
      if (await admission.isWorthTelling(isKnown ? identity : `from ${address}`)) {
        const what = isKnown ? 'a wrong credential was shown' : 'no such station is enrolled'
        onSecurity(identity, 'wrong-credential', `${JSON.stringify(identity)}: ${what}`)
      }
      return wait
    },
    async handshakeRefused(code) {
      if (!(await admission.isWorthTelling(`handshake ${code}`))) return
      onSecurity('', 'wrong-credential', `a TLS handshake was refused: ${code}`)
    },
  }
}

/** Where stations come by certificate, their refused handshakes are told. */
export function watchHandshakes(tls: TlsDoor, gatekeeper: Gatekeeper, log: Log): void {
  tls.server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const why = String(socket.authorizationError ?? error.code)
    if (why === 'ECONNRESET') return // whoever hangs up by himself was not refused
    gatekeeper.handshakeRefused(why).catch((wrong: unknown) => {
      log.error('a refused handshake was not told', { error: String(wrong) })
    })
  })
}
