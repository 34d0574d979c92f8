import { assert } from '#domain/errors.ts'
import type { Clock, DeviceDriver, DeviceSink, Log, Timer } from '#ports.ts'
import { createAdmission } from './admission.ts'
import { unreachable } from './call-queue.ts'
import { Connections } from './connections.ts'
import { nameOf } from './forms.ts'
import { connectorOf } from './profile-calls.ts'
import { renewCredential } from './renew-credential.ts'
import { createRoster, passwordsOf } from './roster.ts'
import { createEndpoint } from './server.ts'
import type { Session, Station } from './station.ts'
import { type OcppSecurity, PLAIN } from './tls.ts'

export type OcppDriverOptions = {
  readonly clock: Clock
  readonly timer: Timer
  readonly log: Log
  readonly host: string
  /** 0: any free one; `url` tells which after `start`. */
  readonly port: number
  /** How stations prove who they are; not given: by a password over plain ws. */
  readonly security?: OcppSecurity
  /** permessage-deflate for 2.x stations that offer it; not given: no. */
  readonly compression?: boolean
  readonly meteringIntervalSeconds: number
  /** How often live connections are asked for a pong, wall time. */
  readonly pingIntervalMs?: number
  /** How often it is looked whether a profile has to be renewed, wall time. */
  readonly tendIntervalMs?: number
  /** How long a pong may take. */
  readonly pingTimeoutMs?: number
  /** How long a new connection may stay silent before it is set up without a BootNotification. */
  readonly bootGraceMs?: number
  /** How long a station may take for each answer while it is set up. */
  readonly setUpDeadlineMs?: number
  /** Failed attempts per minute, from one address or for one identity, before 429 is answered. */
  readonly failuresPerMinute?: number
}

export type OcppDriver = DeviceDriver & {
  /** Where this station shall connect to. */
  url(identity: string): string
  /** Looks at the files of the certificates now; by itself it does so every ten seconds. */
  reloadCertificates(): void
}

const STOP_DEADLINE_MS = 3_000

/** The OCPP central system (1.6J, 2.0.1 and 2.1) as one driver. */
export function createOcppDriver(options: OcppDriverOptions): OcppDriver {
  const { clock, timer, log, host, meteringIntervalSeconds, security = PLAIN } = options
  let sink: DeviceSink | null = null
  const connections = new Connections({
    clock,
    timer,
    log,
    meteringIntervalSeconds,
    sink: () => {
      assert(sink !== null, 'the OCPP driver has been started')
      return sink
    },
    pingTimeoutMs: options.pingTimeoutMs ?? 2_000,
    bootGraceMs: options.bootGraceMs ?? 2_000,
    setUpDeadlineMs: options.setUpDeadlineMs ?? 5_000,
  })
  const rounds = createRounds(connections, options)
  const endpoint = createEndpoint({
    host,
    port: options.port,
    timer,
    log,
    security,
    compression: options.compression ?? false,
    admission: createAdmission({ failuresPerMinute: options.failuresPerMinute ?? 20 }),
    passwordsOf: (identity) => passwordsOf(connections.find(identity)),
    makeRoom: (identity) => connections.makeRoom(identity),
    usableVersion: (identity) => connections.find(identity)?.setUp?.quirks?.version ?? null,
    onSocket: (identity, version, door, passwordSha256) => {
      const station = connections.find(identity)
      if (station !== undefined) station.passwordSha256 = passwordSha256
      connections.open(identity, version, door)
      for (const { id, connection } of station?.resources.values() ?? []) {
        if (passwordSha256 === null || connection.protocol !== 'ocpp') continue
        const isNew = connection.renewal?.nextSha256.includes(passwordSha256) === true
        if (isNew) sink?.renewed?.(id, passwordSha256)
      }
    },
    onSecurity: (identity, kind, detail) => {
      const [resource] = connections.find(identity)?.resources.values() ?? []
      sink?.security({ resourceId: resource?.id ?? null, kind, detail })
    },
  })

  return {
    protocol: 'ocpp',

    async start(toSink) {
      sink = toSink
      await endpoint.listen()
      rounds.start()
    },

    async stop() {
      connections.closeAll('the service stops')
      await endpoint.stop(STOP_DEADLINE_MS)
      await rounds.stop()
    },

    ...createOrders(connections),

    reloadCertificates: () => endpoint.reloadCertificates(),

    url(identity) {
      const name = host.includes(':') ? `[${host}]` : host
      const scheme = security.profile === 1 ? 'ws' : 'wss'
      return `${scheme}://${name}:${endpoint.port()}/ocpp/${encodeURIComponent(identity)}`
    },
  }
}

/** What is done on all stations from time to time. */
function createRounds(connections: Connections, options: OcppDriverOptions) {
  const { timer, pingIntervalMs = 30_000, tendIntervalMs = 5_000 } = options
  const running: { stop(): Promise<void> }[] = []
  return {
    start(): void {
      const ping = () => connections.pingAll()
      const tend = () => connections.tendAll()
      running.push(
        timer.every(pingIntervalMs, 'pings of OCPP stations', ping),
        timer.every(tendIntervalMs, 'renewals of OCPP profiles', tend),
      )
    },
    async stop(): Promise<void> {
      for (const one of running.splice(0)) await one.stop()
    },
  }
}

/** What is asked of a device, and of which station that is. */
function createOrders(
  connections: Connections,
): Pick<DeviceDriver, 'attach' | 'apply' | 'nextStrategy' | 'renewCredential' | 'readBack'> {
  const roster = createRoster(connections)
  return {
    attach: async (resource, known) => roster.attach(resource, known),

    // Not async: thousands of orders wait at a time, each of them for as little as possible.
    apply(resourceId, setpoint, deadlineMs) {
      try {
        const { station, resource } = roster.find(resourceId)
        station.ledger.want(connectorOf(resource), setpoint)
        const session = readySession(station)
        const { powerW } = setpoint
        if (powerW !== null) return session.limit(resource, setpoint, powerW, deadlineMs)
        return session.release(resource, deadlineMs).then(() => ({ strategy: null }))
      } catch (error) {
        return Promise.reject(error as Error)
      }
    },

    nextStrategy(resourceId) {
      const { station, resource } = roster.find(resourceId)
      const least = station.session?.leastInstead(resource) ?? null
      return least ?? nextForm(station, connectorOf(resource))
    },

    async renewCredential(resourceId, password, deadlineMs) {
      const { identity, link } = roster.find(resourceId).station
      if (link === null) throw unreachable(identity, 'not connected')
      await renewCredential(link, identity, password, deadlineMs)
    },

    async readBack(resourceId, deadlineMs) {
      const { station, resource } = roster.find(resourceId)
      return await readySession(station).readBack(resource, deadlineMs)
    },
  }
}

function nextForm({ ledger }: Station, connectorId: number): string | null {
  const choice = ledger.forms(connectorId)
  ledger.disobeyed(connectorId)
  const next = choice.passOver(choice.current, 'disobeyed')
  return next === null ? null : nameOf(next)
}

/** @throws DomainError device-unreachable */
function readySession({ session, ready, link, identity }: Station): Session {
  if (session !== null && ready) return session
  throw unreachable(identity, link === null ? 'not connected' : 'being set up')
}
