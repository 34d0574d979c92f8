import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type PerMessageDeflateOptions, WebSocketServer } from 'ws'
import { DomainError } from '#domain/errors.ts'
import type { Log, Timer } from '#ports.ts'
import { identityOfPath } from './credential.ts'
import type { OcppVersion } from './frames.ts'
import {
  createGatekeeper,
  type GatekeeperOptions,
  type Proof,
  watchHandshakes,
} from './gatekeeper.ts'
import type { Door } from './text-frame.ts'
import { createTlsDoor, type TlsDoor } from './tls.ts'

const VERSIONS: readonly OcppVersion[] = ['ocpp2.1', 'ocpp2.0.1', 'ocpp1.6']
/** NotifyReport of a large station is the longest message; meter values take a few kB. */
const MESSAGE_BYTES_MAX = 256 * 1024

export type EndpointOptions = GatekeeperOptions & {
  readonly host: string
  readonly port: number
  readonly timer: Timer
  readonly log: Log
  /** permessage-deflate for 2.x stations that offer it. */
  readonly compression: boolean
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
}

/** Certificates are exchanged without a restart: how often their files are looked at, wall time. */
const CERTIFICATE_LOOK_MS = 10_000

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
  const tls = security.profile === 1 ? null : createTlsDoor(security, HTTP_LIMITS, log)
  const http = httpServer(tls)
  const gatekeeper = createGatekeeper(options)
  const upgraded = new Map<Duplex, string>()
  const enter = createEntrance(options, upgraded)
  const entering = new Set<string>()
  let looks: { stop(): Promise<void> } | null = null
  let stopping = false

  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    admit({ request, socket, head }).catch((error: unknown) => {
      log.error('an upgrade failed', { error: String(error) })
      socket.destroy()
    })
  })
  if (tls !== null && security.profile === 3) watchHandshakes(tls, gatekeeper, log)

  async function admit(upgrade: Upgrade): Promise<void> {
    const { request, socket } = upgrade
    const identity = identityOfPath(request.url)
    if (identity === null) return refuse(socket, '404 Not Found')
    const proof = gatekeeper.prove(identity, request)
    if (proof === null) {
      const wait = await gatekeeper.failed(identity, request.socket.remoteAddress ?? '')
      return wait === null
        ? refuse(socket, '401 Unauthorized', 'WWW-Authenticate: Basic realm="OCPP"')
        : refuse(socket, '429 Too Many Requests', `Retry-After: ${wait}`)
    }
    if (stopping) return refuse(socket, '503 Service Unavailable')
    // One at a time per identity: two newcomers must not both find the place free.
    if (entering.has(identity)) return refuse(socket, '409 Conflict')
    entering.add(identity)
    try {
      await enter(identity, proof, upgrade)
    } finally {
      entering.delete(identity)
    }
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

/** What somebody sends who wants a WebSocket. */
type Upgrade = {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

/** Where a station comes in that has proved who it is: takes its place and its version. */
function createEntrance(options: EndpointOptions, upgraded: Map<Duplex, string>) {
  const plain = webSockets(false)
  const compressing = options.compression ? webSockets(COMPRESSION) : plain

  /** False: its present connection lives. */
  async function takePlace(identity: string): Promise<boolean> {
    const room = await options.makeRoom(identity)
    if (room === 'taken') {
      const detail = 'a second connection came while the first one lives'
      options.onSecurity(identity, 'refused-connection', detail)
    }
    if (room === 'replaced') {
      const detail = 'a new connection took the place of one that was dead'
      options.onSecurity(identity, 'replaced-connection', detail)
    }
    return room !== 'taken'
  }

  return async (
    identity: string,
    { passwordSha256 }: Proof,
    { request, socket, head }: Upgrade,
  ): Promise<void> => {
    const usable = options.usableVersion(identity)
    if (usable !== null && offeredVersions(request).includes(usable)) {
      request.headers['sec-websocket-protocol'] = usable
    }
    const version = offeredVersions(request).find(isVersion)
    if (version !== undefined && !(await takePlace(identity))) return refuse(socket, '409 Conflict')
    if (socket.destroyed) return
    upgraded.set(socket, identity)
    socket.once('close', () => upgraded.delete(socket))
    // The standard asks it of central systems for 2.x; 1.6 stations are small, and may not inflate.
    const sockets = version === 'ocpp1.6' ? plain : compressing
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      // OCPP-J: without a common version the handshake is completed and the connection closed.
      const { protocol } = webSocket
      if (!isVersion(protocol)) return webSocket.close(1002, 'no common OCPP version')
      options.onSocket(identity, protocol, { socket: webSocket, stream: socket }, passwordSha256)
    })
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
