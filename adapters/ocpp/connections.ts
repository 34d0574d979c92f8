import { assert, DomainError } from '#domain/errors.ts'
import type { Clock, DeviceSink, Log, Timer } from '#ports.ts'
import type { OcppVersion } from './frames.ts'
import { createLink, type Link } from './link.ts'
import { pingAll } from './pings.ts'
import { createSession16 } from './session16.ts'
import { createSession201 } from './session201.ts'
import { createSession21 } from './session21.ts'
import type { Door } from './text-frame.ts'
import { clockNote } from './station-clock.ts'
import { createStation, type Session, type SessionContext, type Station } from './station.ts'

export type ConnectionOptions = {
  readonly clock: Clock
  readonly timer: Timer
  readonly log: Log
  readonly sink: () => DeviceSink
  readonly meteringIntervalSeconds: number
  readonly pingTimeoutMs: number
  readonly bootGraceMs: number
  readonly setUpDeadlineMs: number
}

/** A car that was plugged in earlier than this was announced late: an order is no longer meant. */
const FRESH_START_MS = 300_000
const APPLY_DEADLINE_MS = 10_000

const SESSIONS: Record<OcppVersion, (context: SessionContext) => Session> = {
  'ocpp1.6': createSession16,
  'ocpp2.0.1': (context) => createSession201(context),
  'ocpp2.1': createSession21,
}

/** Stations and what happens to their connections: set-up, loss, a car that is plugged in. */
export class Connections {
  readonly #options: ConnectionOptions
  readonly #stations = new Map<string, Station>()

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  find(identity: string): Station | undefined {
    return this.#stations.get(identity)
  }

  /** The station of an identity; a new one if there is none. */
  station(identity: string): Station {
    const known = this.#stations.get(identity)
    if (known !== undefined) return known
    const station = createStation(identity, {
      sink: this.#options.sink,
      transactionBegan: (connectorId) => this.#transactionBegan(station, connectorId),
    })
    this.#stations.set(identity, station)
    return station
  }

  /** Its resources have changed: it is set up for them, on the connection that stands. */
  renew(station: Station): void {
    station.revision += 1
    this.#bringUpAgain(station)
  }

  /** 'taken' if the present connection of the identity answers a ping; a dead one is cut off. */
  async makeRoom(identity: string): Promise<'free' | 'replaced' | 'taken'> {
    const link = this.find(identity)?.link ?? null
    if (link === null) return 'free'
    if (await link.ping(this.#options.pingTimeoutMs)) return 'taken'
    link.terminate('replaced by a newer connection')
    return 'replaced'
  }

  /** A socket whose credential has been checked begins to speak. */
  open(identity: string, version: OcppVersion, door: Door): void {
    const station = this.find(identity)
    if (station === undefined) {
      door.socket.terminate()
      return
    }
    const { clock, timer, log, sink, meteringIntervalSeconds, setUpDeadlineMs } = this.#options
    let session: Session | null = null
    const link = createLink({
      door,
      version,
      identity,
      timer,
      log,
      inbox: station.inbox,
      answer: (action, payload) => {
        assert(session !== null, 'a session speaks on every link')
        return session.answer(action, payload)
      },
      take: (action, payload) => {
        assert(session !== null, 'a session speaks on every link')
        session.take?.(action, payload)
      },
      onClosed: (reason) => this.#closed(station, link, reason),
    })
    const context: SessionContext = {
      version,
      station,
      clock,
      timer,
      log,
      sink: sink(),
      meteringIntervalSeconds,
      setUpDeadlineMs,
      call: link.call,
      isLive: () => station.link === link,
      onBoot: (fingerprint: string) => this.#booted(station, link, fingerprint),
    }
    session = SESSIONS[version](context)
    station.link = link
    station.session = session
    log.info('a station connected', { identity, version })
    this.#inBackground(station, link, this.#bringUp(station, link, session))
  }

  /** Cuts off whoever does not answer a ping. */
  async pingAll(): Promise<void> {
    await pingAll(this.#links(), this.#options)
  }

  /** Looks after what runs out or had to wait, on each station by itself. */
  async tendAll(): Promise<void> {
    const { log } = this.#options
    const ready = [...this.#stations.values()].filter(
      ({ ready, session }) => ready && session?.needsTending() === true,
    )
    await Promise.all(
      ready.map(async ({ session, identity }) => {
        try {
          await session?.tend(APPLY_DEADLINE_MS)
        } catch (error) {
          log.warn('a station could not be looked after', { identity, error: String(error) })
        }
      }),
    )
  }

  closeAll(reason: string): void {
    for (const link of this.#links()) link.close(1001, reason)
  }

  #links(): Link[] {
    return [...this.#stations.values()].map(({ link }) => link).filter((link) => link !== null)
  }

  #closed(station: Station, link: Link, reason: string): void {
    if (station.link !== link) return
    const wasReady = station.ready
    station.link = null
    station.session = null
    station.ready = false
    this.#options.log.info('a station disconnected', { identity: station.identity, reason })
    if (!wasReady) return
    for (const { id } of station.resources.values()) this.#options.sink().disconnected(id, reason)
  }

  /** Waits for a BootNotification (not for long: stations need not send one), then sets up. */
  async #bringUp(station: Station, link: Link, session: Session): Promise<void> {
    await this.#firstMessage(link)
    let wasSetUp = false
    do {
      if (await this.#setUpWhereNeeded(station, link, session)) wasSetUp = true
      for (const connectorId of station.resources.keys()) {
        if (station.link === link) await session.learn(connectorId)
      }
      // It may have booted while it was being set up.
    } while (station.link === link && !isSetUp(station, link))
    if (station.link !== link || station.setUp === null) return
    station.ready = true
    const { capability } = station.setUp
    const note = clockNote(station.stationClock)
    const detail = note === null ? station.setUp.detail : `${station.setUp.detail}, ${note}`
    for (const resource of station.resources.values()) {
      if (wasSetUp) this.#options.sink().capability(resource.id, capability(resource))
      this.#options.sink().connected(resource.id, detail)
    }
  }

  async #firstMessage(link: Link): Promise<void> {
    const { timer, bootGraceMs } = this.#options
    try {
      await timer.deadline(link.firstMessage, bootGraceMs, 'a first message')
    } catch (error) {
      if (!(error instanceof DomainError && error.code === 'unavailable')) throw error
    }
  }

  /** Once per station and firmware, not per connection: default profiles are written to flash. */
  async #setUpWhereNeeded(station: Station, link: Link, session: Session): Promise<boolean> {
    let wasNeeded = false
    while (station.link === link && !isSetUp(station, link)) {
      const { boot, revision } = station
      const done = await session.setUp()
      station.setUp = { ...done, boot, revision }
      wasNeeded = true
    }
    return wasNeeded
  }

  /** A station that boots on a connection that stands is brought up again: it may have forgotten. */
  #booted(station: Station, link: Link, fingerprint: string): void {
    station.boot = fingerprint
    station.booted.resolve()
    if (station.link === link) this.#bringUpAgain(station)
  }

  /** While it is being brought up that sees by itself what has changed. */
  #bringUpAgain(station: Station): void {
    const { link, session, ready } = station
    if (link === null || session === null || !ready) return
    station.ready = false
    this.#inBackground(station, link, this.#bringUp(station, link, session))
  }

  /** A station that cannot be set up is let go: it comes back and gets another try. */
  #inBackground(station: Station, link: Link, work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (station.link !== link) return
      const { identity } = station
      this.#options.log.warn('a station could not be set up', { identity, error: String(error) })
      link.close(1011, 'set-up failed')
    })
  }

  /** A car plugged in while a limit stands for its charger: it holds for the car, too. */
  #transactionBegan(station: Station, connectorId: number): void {
    const { clock, log } = this.#options
    const setpoint = station.ledger.wanted(connectorId)
    const resource = station.resources.get(connectorId)
    const { session, ready, identity } = station
    if (setpoint === null || resource === undefined || session === null || !ready) return
    const { powerW, validUntil } = setpoint
    const now = clock.now()
    const startedAt = station.transactions.running(connectorId)?.startedAt ?? now
    if (powerW === null || validUntil <= now || now - startedAt > FRESH_START_MS) return
    session.limit(resource, setpoint, powerW, APPLY_DEADLINE_MS).catch((error: unknown) => {
      log.warn('a limit could not be set for a new car', { identity, error: String(error) })
    })
  }
}

function isSetUp({ setUp, boot, revision }: Station, link: Link): boolean {
  if (setUp === null || setUp.version !== link.version) return false
  return setUp.boot === boot && setUp.revision === revision
}
