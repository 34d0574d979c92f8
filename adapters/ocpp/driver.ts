import type { WebSocket } from 'ws'
import { assert, DomainError } from '#domain/errors.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import type { Clock, DeviceDriver, DeviceSink, Log, Timer } from '#ports.ts'
import { createAdmission } from './admission.ts'
import { unreachable } from './call-queue.ts'
import type { OcppVersion } from './frames.ts'
import { createLink, type Link } from './link.ts'
import { connectorOf } from './profile-control.ts'
import { createEndpoint } from './server.ts'
import { createSession16 } from './session16.ts'
import { createSession201 } from './session201.ts'
import { createStation, type Session, type Station } from './station.ts'

export type OcppDriverOptions = {
  readonly clock: Clock
  readonly timer: Timer
  readonly log: Log
  readonly host: string
  /** 0: any free one; `url` tells which after `start`. */
  readonly port: number
  readonly meteringIntervalSeconds: number
  /** How often live connections are asked for a pong, wall time. */
  readonly pingIntervalMs?: number
  /** How long a pong may take. */
  readonly pingTimeoutMs?: number
  /** How long a new connection may stay silent before it is set up without a BootNotification. */
  readonly bootGraceMs?: number
  /** Failed attempts per minute, from one address or for one identity, before 429 is answered. */
  readonly failuresPerMinute?: number
}

export type OcppDriver = DeviceDriver & {
  /** Where this station shall connect to. */
  url(identity: string): string
}

const STOP_DEADLINE_MS = 3_000
/** A limit for a car that was plugged in later than this ago came too late to be meant (queued). */
const FRESH_START_MS = 300_000
const APPLY_DEADLINE_MS = 10_000

/** The OCPP central system (1.6J and 2.0.1) as one driver. */
export function createOcppDriver(options: OcppDriverOptions): OcppDriver {
  const { clock, timer, log, host, meteringIntervalSeconds } = options
  const pingTimeoutMs = options.pingTimeoutMs ?? 2_000
  const stations = new Map<string, Station>()
  const stationOf = new Map<ResourceId, Station>()
  let sink: DeviceSink | null = null
  let pings: { stop(): Promise<void> } | null = null

  const endpoint = createEndpoint({
    host,
    port: options.port,
    timer,
    log,
    admission: createAdmission({ failuresPerMinute: options.failuresPerMinute ?? 20 }),
    passwordsOf: (identity) => passwordsOf(stations.get(identity)),
    makeRoom: async (identity) => {
      const link = stations.get(identity)?.link ?? null
      if (link === null) return true
      if (await link.ping(pingTimeoutMs)) return false
      link.terminate('replaced by a newer connection')
      return true
    },
    onSocket: open,
  })

  function started(): DeviceSink {
    assert(sink !== null, 'the OCPP driver has been started')
    return sink
  }

  function open(identity: string, version: OcppVersion, socket: WebSocket): void {
    const station = stations.get(identity)
    if (station === undefined) {
      socket.terminate()
      return
    }
    let session: Session | null = null
    const link = createLink({
      socket,
      version,
      identity,
      timer,
      log,
      inbox: station.inbox,
      answer: (action, payload) => {
        assert(session !== null, 'a session speaks on every link')
        return session.answer(action, payload)
      },
      onClosed: (reason) => closed(station, link, reason),
    })
    const context = {
      station,
      clock,
      timer,
      log,
      sink: started(),
      meteringIntervalSeconds,
      call: link.call,
      onBoot: (fingerprint: string) => booted(station, link, fingerprint),
    }
    session = version === 'ocpp1.6' ? createSession16(context) : createSession201(context)
    station.link = link
    station.session = session
    log.info('a station connected', { identity, version })
    inBackground(station, link, bringUp(station, link, session))
  }

  function closed(station: Station, link: Link, reason: string): void {
    if (station.link !== link) return
    const wasReady = station.ready
    station.link = null
    station.session = null
    station.ready = false
    log.info('a station disconnected', { identity: station.identity, reason })
    if (!wasReady) return
    for (const resource of station.resources.values()) started().disconnected(resource.id, reason)
  }

  /** Waits for a BootNotification (never long: stations need not send one), then sets up. */
  async function bringUp(station: Station, link: Link, session: Session): Promise<void> {
    try {
      const graceMs = options.bootGraceMs ?? 2_000
      await timer.deadline(link.firstMessage, graceMs, 'a first message')
    } catch (error) {
      if (!(error instanceof DomainError && error.code === 'unavailable')) throw error
    }
    await setUpWhereNeeded(station, link, session)
    if (station.link !== link || station.setUp === null) return
    for (const connectorId of station.resources.keys()) await session.learn(connectorId)
    if (station.link !== link) return
    station.ready = true
    for (const resource of station.resources.values()) {
      started().connected(resource.id, station.setUp.detail)
    }
  }

  /** Once per station and firmware, not per connection: default profiles are written to flash. */
  async function setUpWhereNeeded(station: Station, link: Link, session: Session): Promise<void> {
    while (station.link === link && !isSetUp(station, link)) {
      const boot = station.boot
      const done = await session.setUp()
      station.setUp = { ...done, boot }
    }
  }

  function booted(station: Station, link: Link, fingerprint: string): void {
    station.boot = fingerprint
    const { session } = station
    // While it is being set up, bringUp itself sees that it has booted.
    if (station.link !== link || !station.ready || session === null) return
    station.ready = false
    inBackground(station, link, bringUp(station, link, session))
  }

  /** A station that cannot be set up is let go: it comes back and gets another try. */
  function inBackground(station: Station, link: Link, work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (station.link !== link) return
      const { identity } = station
      log.warn('a station could not be set up', { identity, error: String(error) })
      link.close(1011, 'set-up failed')
    })
  }

  /** A car plugged in while a limit stands for its charger: it holds for the car, too. */
  function transactionBegan(station: Station, connectorId: number): void {
    const setpoint = station.ledger.wanted(connectorId)
    const resource = station.resources.get(connectorId)
    const { session, link, ready } = station
    if (setpoint === null || resource === undefined || session === null || link === null) return
    const { powerW, validUntil } = setpoint
    const now = clock.now()
    const startedAt = station.transactions.running(connectorId)?.startedAt ?? now
    if (!ready || powerW === null || validUntil <= now || now - startedAt > FRESH_START_MS) return
    session.limit(resource, setpoint, powerW, APPLY_DEADLINE_MS).catch((error: unknown) => {
      const { identity } = station
      log.warn('a limit could not be set for a new car', { identity, error: String(error) })
    })
  }

  function attached(resourceId: ResourceId): { station: Station; resource: Resource } {
    const station = stationOf.get(resourceId)
    const resource = [...(station?.resources.values() ?? [])].find((one) => one.id === resourceId)
    if (station === undefined || resource === undefined) {
      throw new DomainError('device-unreachable', `${resourceId} is not known to the OCPP driver`)
    }
    return { station, resource }
  }

  function readySession(station: Station): Session {
    if (station.session !== null && station.ready) return station.session
    throw unreachable(station.identity, station.link === null ? 'not connected' : 'being set up')
  }

  function forget(resource: Resource): void {
    const station = stationOf.get(resource.id)
    for (const [connectorId, one] of station?.resources ?? []) {
      if (one.id === resource.id) station?.resources.delete(connectorId)
    }
  }

  async function pingAll(): Promise<void> {
    const links = [...stations.values()].map((station) => station.link).filter((one) => one !== null)
    await Promise.all(
      links.map(async (link) => {
        if (!(await link.ping(pingTimeoutMs))) link.terminate('no pong')
      }),
    )
  }

  return {
    protocol: 'ocpp',

    async start(toSink) {
      sink = toSink
      await endpoint.listen()
      pings = timer.every(options.pingIntervalMs ?? 30_000, 'pings of OCPP stations', pingAll)
    },

    async stop() {
      await pings?.stop()
      for (const { link } of stations.values()) link?.close(1001, 'the service stops')
      await endpoint.stop(STOP_DEADLINE_MS)
    },

    async attach(resource) {
      const { connection } = resource
      assert(connection.protocol === 'ocpp', `resource ${resource.id} is connected by OCPP`)
      forget(resource)
      let station = stations.get(connection.identity)
      if (station === undefined) {
        station = createStation(connection.identity, { sink: started, transactionBegan })
        stations.set(connection.identity, station)
      }
      const before = passwordsOf(station)
      station.resources.set(connection.connectorId, resource)
      stationOf.set(resource.id, station)
      // Whoever holds a password that is no longer good must not stay.
      if (station.link !== null && before.some((one) => !passwordsOf(station).includes(one))) {
        station.link.close(1008, 'the credential has changed')
      }
    },

    async apply(resourceId, setpoint, deadlineMs) {
      const { station, resource } = attached(resourceId)
      station.ledger.want(connectorOf(resource), setpoint)
      const session = readySession(station)
      if (setpoint.powerW === null) await session.release(resource, deadlineMs)
      else await session.limit(resource, setpoint, setpoint.powerW, deadlineMs)
    },

    async readBack(resourceId, deadlineMs) {
      const { station, resource } = attached(resourceId)
      return await readySession(station).readBack(resource, deadlineMs)
    },

    url(identity) {
      const name = host.includes(':') ? `[${host}]` : host
      return `ws://${name}:${endpoint.port()}/ocpp/${encodeURIComponent(identity)}`
    },
  }
}

function passwordsOf(station: Station | undefined): string[] {
  return [...(station?.resources.values() ?? [])].flatMap(({ connection }) =>
    connection.protocol === 'ocpp' ? [connection.passwordSha256] : [],
  )
}

function isSetUp({ setUp, boot }: Station, link: Link): boolean {
  return setUp !== null && setUp.version === link.version && setUp.boot === boot
}
