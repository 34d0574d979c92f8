import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type PerMessageDeflateOptions, WebSocketServer } from 'ws'
import { DomainError } from '#domain/errors.ts'
import type { Log, SecurityEvent, Timer } from '#ports.ts'
import type { Admission } from './admission.ts'
import { identityOfPath, provedBy } from './credential.ts'
import type { OcppVersion } from './frames.ts'
import type { Door } from './text-frame.ts'
import { certifiedName, createTlsDoor, type OcppSecurity, type TlsDoor } from './tls.ts'

const VERSIONS: readonly OcppVersion[] = ['ocpp2.1', 'ocpp2.0.1', 'ocpp1.6']
/** NotifyReport of a large station is the longest message; meter values take a few kB. */
const MESSAGE_BYTES_MAX = 256 * 1024

export type EndpointOptions = {
  readonly host: string
  readonly port: number
  readonly timer: Timer
  readonly log: Log
  readonly security: OcppSecurity
  /** permessage-deflate for 2.x stations that offer it. */
  readonly compression: boolean
  readonly admission: Admission
  /** SHA-256 (hex) of each password of a station; empty: there is no such station. */
  readonly passwordsOf: (identity: string) => readonly string[]
  /** Frees the identity's place: 'taken' if its present connection answers a ping. */
  readonly makeRoom: (identity: string) => Promise<'free' | 'replaced' | 'taken'>
  /** The only version that works on what is known of this station; null: whichever it likes. */
  readonly usableVersion: (identity: string) => OcppVersion | null
  readonly onSocket: (
    identity: string,
    version: OcppVersion,
    door: Door,
    passwordSha256: string | null,
  ) => void
  readonly onSecurity: (identity: string, kind: SecurityEvent['kind'], detail: string) => void
}

/** Certificates are exchanged without a restart: how often their files are looked at, wall time. */
const CERTIFICATE_LOOK_MS = 10_000

/** By what somebody proved to be a station; null: by a certificate. */
type Proof = { readonly passwordSha256: string | null }

export type Endpoint = {
  /** @throws DomainError unavailable if the port is taken or a certificate cannot be used. */
  listen(): Promise<void>
  /** Gives open sockets half the time to close by themselves, then cuts them off. */
  stop(deadlineMs: number): Promise<void>
  /** The port in use; that of the options until `listen` is done. */
  port(): number
  /** Looks at the files of the certificates now; by itself it does so every ten seconds. */
  reloadCertificates(): void
}

/**
 * The WebSocket door: `/ocpp/<identity>` with HTTP Basic or the station's certificate, decided
 * before the upgrade. Whoever has no right to an identity learns nothing about it: unknown, wrong
 * and missing look and last alike. Which proof is asked for stands in the settings; nothing that a
 * station sends can lower it.
 */
export function createEndpoint(options: EndpointOptions): Endpoint {
  const { timer, log, security } = options
  const plain = webSockets(false)
  const compressing = options.compression ? webSockets(COMPRESSION) : plain
  const tls = security.profile === 1 ? null : createTlsDoor(security, HTTP_LIMITS, log)
  const http = httpServer(tls)
  let looks: { stop(): Promise<void> } | null = null
  const entering = new Set<string>()
  const upgraded = new Map<Duplex, string>()
  let stopping = false

  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    admit(request, socket, head).catch((error: unknown) => {
      log.error('an upgrade failed', { error: String(error) })
      socket.destroy()
    })
  })

  if (security.profile === 3) {
    tls?.server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      const why = String(socket.authorizationError ?? error.code)
      if (why === 'ECONNRESET') return // whoever hangs up by himself was not refused
      tellHandshake(why).catch((wrong: unknown) => {
        log.error('a refused handshake was not told', { error: String(wrong) })
      })
    })
  }

  /** Nobody knows whose it was meant to be: the name comes after the handshake. */
  async function tellHandshake(code: string): Promise<void> {
    if (!(await options.admission.isWorthTelling(`handshake ${code}`))) return
    options.onSecurity('', 'wrong-credential', `a TLS handshake was refused: ${code}`)
  }

  async function admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const identity = identityOfPath(request.url)
    if (identity === null) return refuse(socket, '404 Not Found')
    const proof = prove(identity, request)
    if (proof === null) {
      const wait = await failed(identity, request.socket.remoteAddress ?? '')
      return wait === null
        ? refuse(socket, '401 Unauthorized', 'WWW-Authenticate: Basic realm="OCPP"')
        : refuse(socket, '429 Too Many Requests', `Retry-After: ${wait}`)
    }
    if (stopping) return refuse(socket, '503 Service Unavailable')
    // One at a time per identity: two newcomers must not both find the place free.
    if (entering.has(identity)) return refuse(socket, '409 Conflict')
    entering.add(identity)
    try {
      await enter({ identity, proof }, request, socket, head)
    } finally {
      entering.delete(identity)
    }
  }

  function prove(identity: string, { headers, socket }: IncomingMessage): Proof | null {
    const passwords = options.passwordsOf(identity)
    if (security.profile === 3) {
      const isTheirs = certifiedName(socket) === identity && passwords.length > 0
      return isTheirs ? { passwordSha256: null } : null
    }
    const passwordSha256 = provedBy(identity, headers.authorization, passwords)
    return passwordSha256 === null ? null : { passwordSha256 }
  }

  /** Seconds to wait, if there have been too many failures. */
  async function failed(identity: string, address: string): Promise<number | null> {
    const wait = await options.admission.failed(address, identity)
    const isKnown = options.passwordsOf(identity).length > 0
    if (await options.admission.isWorthTelling(isKnown ? identity : `from ${address}`)) {
      const what = isKnown ? 'a wrong credential was shown' : 'no such station is enrolled'
      options.onSecurity(identity, 'wrong-credential', `${JSON.stringify(identity)}: ${what}`)
    }
    return wait
  }

  async function enter(
    { identity, proof }: { readonly identity: string; readonly proof: Proof },
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const usable = options.usableVersion(identity)
    if (usable !== null && offeredVersions(request).includes(usable)) {
      request.headers['sec-websocket-protocol'] = usable
    }
    const version = offeredVersions(request).find(isVersion)
    const room = version !== undefined ? await options.makeRoom(identity) : 'free'
    if (room === 'taken') {
      const detail = 'a second connection came while the first one lives'
      options.onSecurity(identity, 'refused-connection', detail)
      return refuse(socket, '409 Conflict')
    }
    if (room === 'replaced') {
      const detail = 'a new connection took the place of one that was dead'
      options.onSecurity(identity, 'replaced-connection', detail)
    }
    if (socket.destroyed) return
    upgraded.set(socket, identity)
    socket.once('close', () => upgraded.delete(socket))
    // The standard asks it of central systems for 2.x; 1.6 stations are small, and may not inflate.
    const sockets = version === 'ocpp1.6' ? plain : compressing
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      // OCPP-J: without a common version the handshake is completed and the connection closed.
      const { protocol } = webSocket
      if (!isVersion(protocol)) return webSocket.close(1002, 'no common OCPP version')
      const door = { socket: webSocket, stream: socket }
      options.onSocket(identity, protocol, door, proof.passwordSha256)
    })
  }

  /** Who has come in by a certificate that is no longer trusted goes: others stay. */
  function reload(): void {
    if (tls === null || !tls.reload()) return
    for (const [socket, identity] of upgraded) {
      if (tls.isStillTrusted(socket)) continue
      const detail = 'its certificate is trusted no more: the connection was closed'
      options.onSecurity(identity, 'wrong-credential', detail)
      socket.destroy()
    }
  }

  return {
    async listen() {
      tls?.load()
      await listening(http, options.host, options.port)
      const look = async () => reload()
      if (tls !== null) looks = timer.every(CERTIFICATE_LOOK_MS, 'OCPP certificates', look)
    },
    reloadCertificates: reload,
    port: () => (http.address() as AddressInfo | null)?.port ?? options.port,
    async stop(deadlineMs) {
      stopping = true
      await looks?.stop()
      if (http.listening) await closePort(http, upgraded.keys(), timer, deadlineMs)
    },
  }
}

/** Without a context kept between messages: that costs memory per connection (websockets/ws#497). */
const COMPRESSION: PerMessageDeflateOptions = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  threshold: 512,
}

function webSockets(perMessageDeflate: PerMessageDeflateOptions | false): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    perMessageDeflate,
    // Holds for what a message is inflated to, too.
    maxPayload: MESSAGE_BYTES_MAX,
    clientTracking: false,
    // The station's own order of preference decides, as the standard has it.
    handleProtocols: (offered) => [...offered].find(isVersion) ?? false,
  })
}

const HTTP_LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 5_000,
}

function httpServer(tls: TlsDoor | null): Server {
  const server = tls?.server ?? createServer(HTTP_LIMITS)
  return server.on('request', (_request, response) => {
    response.writeHead(426, { Upgrade: 'websocket', Connection: 'close' }).end()
  })
}

async function closePort(
  http: Server,
  upgraded: Iterable<Duplex>,
  timer: Timer,
  deadlineMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => http.close(() => resolve()))
  http.closeAllConnections()
  const patience = new AbortController()
  const cutOff = timer.sleep(deadlineMs / 2, patience.signal).then(
    () => {
      for (const socket of upgraded) socket.destroy()
    },
    () => undefined, // everything closed before
  )
  try {
    await timer.deadline(closed, deadlineMs, 'the OCPP port to close')
  } finally {
    patience.abort()
    await cutOff
  }
}

function isVersion(protocol: string): protocol is OcppVersion {
  return VERSIONS.some((version) => version === protocol)
}

function offeredVersions(request: IncomingMessage): string[] {
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim())
}

function refuse(socket: Duplex, status: string, header?: string): void {
  const lines = [`HTTP/1.1 ${status}`, 'Connection: close', 'Content-Length: 0']
  if (header !== undefined) lines.push(header)
  socket.end(`${lines.join('\r\n')}\r\n\r\n`, () => socket.destroy())
}

async function listening(http: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the port is taken' : error.message
      reject(new DomainError('unavailable', `OCPP cannot listen on ${host}:${port}: ${why}`))
    })
    http.listen(port, host, resolve)
  })
}
