import type { Clock, DeviceSink, EffectiveSetpoint } from '#ports.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { Resource } from '#domain/resource.ts'
import {
  type BatterySession,
  CallRefused,
  openSession,
  type SessionListener,
} from './battery-session.ts'
import { type Endpoint, policyName, reasonOf, type StackContext } from './endpoint.ts'
import type { Monitoring } from './monitoring.ts'
import { controlModes, type VariableName, variableNames } from './node-map.ts'
import { readSetpoint, sendOrder } from './orders.ts'
import { readMeterRecord } from './wire.ts'

export type BatteryContext = StackContext & {
  readonly clock: Clock
  readonly meteringIntervalSeconds: number
  readonly sink: DeviceSink
}

const tickMs = 1000
/** Ticks without fresh data: no orders any more. Ticks that we slept through do not count. */
const staleTicks = 4
/** Ticks without fresh data: the library's own recovery had its chance; a new client is due. */
const lostTicks = 8
const heartbeatFailuresMax = 5

/**
 * A battery as long as one client lives. It is healthy while fresh data comes, and only then takes
 * orders; what the library says of its connection counts for nothing but bad news.
 */
export class LiveBattery {
  /** Resolves with the reason once this client must be dropped. */
  readonly ended: Promise<string>
  /** Was it ever healthy? */
  proven = false
  readonly #context: BatteryContext
  readonly #resource: Resource
  readonly #endpoint: Endpoint
  readonly #disconnected: (detail: string) => void
  #end: (reason: string) => void = () => {}
  #session: BatterySession | null = null
  #monitoring: Monitoring | null = null
  #timers: readonly { stop(): Promise<void> }[] = []
  #healthy = false
  #over = false
  #outages = 0
  #silentTicks = 0
  #beats = 0
  #heartbeatFailures = 0
  #resuming: Promise<void> | null = null

  private constructor(
    context: BatteryContext,
    resource: Resource,
    endpoint: Endpoint,
    disconnected: (detail: string) => void,
  ) {
    this.#context = context
    this.#resource = resource
    this.#endpoint = endpoint
    this.#disconnected = disconnected
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  /** Connects and listens; `sink.connected` follows when fresh data has come and the model is read. */
  static async open(
    context: BatteryContext,
    resource: Resource,
    endpoint: Endpoint,
    disconnected: (detail: string) => void,
  ): Promise<LiveBattery> {
    const battery = new LiveBattery(context, resource, endpoint, disconnected)
    const session = await openSession(context, endpoint, battery.#listener())
    battery.#session = session
    try {
      battery.#monitoring = await session.subscribe()
      battery.#compareSampling(battery.#monitoring.samplingMs)
    } catch (error) {
      await session.close()
      throw error
    }
    // Apart, because a heartbeat that is not answered must not hold up the watchdog.
    const { timer } = context
    battery.#timers = [
      timer.every(tickMs, `watchdog of battery ${resource.id}`, async () => battery.#watch()),
      timer.every(tickMs, `heartbeat for battery ${resource.id}`, () => battery.#pulse()),
    ]
    return battery
  }

  /** Makes `ended` resolve; from here on no order is taken. */
  end(reason: string): void {
    this.#over = true
    this.#unhealthy(reason)
    this.#end(reason)
  }

  async close(): Promise<void> {
    this.end('closed')
    await this.#session?.close()
    await Promise.all(this.#timers.map((timer) => timer.stop()))
    await this.#resuming
  }

  /** @throws DomainError device-unreachable, device-refused */
  async apply(setpoint: DesiredSetpoint, deadlineMs: number): Promise<void> {
    const { clock } = this.#context
    if (setpoint.powerW !== null && setpoint.validUntil <= clock.now()) {
      throw this.#refused('the order has expired before it was sent')
    }
    const session = this.#healthySession()
    const refusal = await this.#within(sendOrder(session, setpoint), deadlineMs, 'an order')
    if (refusal !== null) throw this.#refused(refusal)
  }

  /** @throws DomainError device-unreachable, device-refused */
  async readBack(deadlineMs: number): Promise<EffectiveSetpoint> {
    const reading = readSetpoint(this.#healthySession())
    return await this.#within(reading, deadlineMs, 'a read-back')
  }

  #healthySession(): BatterySession {
    if (this.#healthy && this.#session) return this.#session
    throw new DomainError('device-unreachable', `battery ${this.#resource.id} is not connected`)
  }

  #refused(reason: string): DomainError {
    return new DomainError('device-refused', `battery ${this.#resource.id}: ${reason}`)
  }

  /** Unanswered in time means unknown: the client, which might still send, is dropped. */
  async #within<T>(work: Promise<T>, deadlineMs: number, what: string): Promise<T> {
    const { timer } = this.#context
    const { id } = this.#resource
    try {
      return await timer.deadline(work, deadlineMs, `battery ${id} to answer ${what}`)
    } catch (error) {
      if (error instanceof CallRefused) throw this.#refused(error.message)
      if (error instanceof DomainError && error.code === 'unavailable') this.end(reasonOf(error))
      throw new DomainError('device-unreachable', `battery ${id}: ${what}: ${reasonOf(error)}`)
    }
  }

  #listener(): SessionListener {
    return {
      record: (value) => this.#record(value),
      heartbeat: () => this.#fresh(),
      lost: () => this.#unhealthy('the connection was lost'),
      certificateRefused: (thumbprint) => this.end(`the server presents ${thumbprint} now`),
    }
  }

  #record(value: unknown): void {
    if (this.#over) return
    const { log, sink } = this.#context
    try {
      const reading = readMeterRecord(this.#resource.id, value)
      if (reading) sink.measured(reading)
      this.#fresh()
    } catch (error) {
      log.warn('a battery sent a record that is none', {
        resource: this.#resource.id,
        reason: reasonOf(error),
      })
    }
  }

  #fresh(): void {
    this.#silentTicks = 0
    if (this.#over || this.#healthy || this.#resuming || !this.#session) return
    const outages = this.#outages
    this.#resuming = this.#onboard(this.#session)
      .then(
        (detail) => {
          if (outages !== this.#outages) return // it broke again meanwhile
          this.#healthy = true
          this.proven = true
          this.#context.sink.connected(this.#resource.id, detail)
        },
        (error) => this.end(reasonOf(error)),
      )
      .finally(() => {
        this.#resuming = null
      })
  }

  /** At first and after every outage: is this the battery we know, and what holds there now? */
  async #onboard(session: BatterySession): Promise<string> {
    const { log, meteringIntervalSeconds } = this.#context
    const { id } = this.#resource
    if (!(await session.sameNamespaces())) throw new Error('the namespaces have another order now')
    const model = await session.read(variableNames)
    await session.write('MeteringInterval', 'Double', meteringIntervalSeconds)
    await this.#beat(session)
    this.#compareRating(model)
    const gone = (await this.#monitoring?.fetchMissed()) ?? 0
    if (gone > 0) log.warn('records were lost in an outage', { resource: id, messages: gone })
    const mode = model.get('ControlMode') === controlModes.local ? 'LOCAL' : 'REMOTE'
    const charge = Math.round(Number(model.get('StateOfCharge')))
    return `${policyName(this.#endpoint.policyUri)}, ${mode}, state of charge ${charge} %`
  }

  /** A server that looks at its record more seldom than it is written would lose some. */
  #compareSampling(samplingMs: number): void {
    const { clock, log, meteringIntervalSeconds } = this.#context
    const recordEveryMs = (meteringIntervalSeconds * 1000) / clock.speed
    if (samplingMs * 2 <= recordEveryMs) return
    log.warn('samples its records too seldom', { resource: this.#resource.id, samplingMs })
  }

  /** What is enrolled above the battery's own rating would be refused when it is ordered. */
  #compareRating(model: ReadonlyMap<VariableName, unknown>): void {
    const { id, rating } = this.#resource
    const importMaxW = Number(model.get('MaxChargeRating'))
    const exportMaxW = Number(model.get('MaxDischargeRating'))
    if (rating.importMaxW <= importMaxW && rating.exportMaxW <= exportMaxW) return
    const enrolled = { importMaxW: rating.importMaxW, exportMaxW: rating.exportMaxW }
    const battery = { importMaxW, exportMaxW }
    this.#context.log.warn('enrolled above its rating', { resource: id, enrolled, battery })
  }

  async #beat(session: BatterySession): Promise<void> {
    this.#beats = (this.#beats + 1) % 2 ** 32
    await session.write('ControllerHeartbeat', 'UInt32', this.#beats)
  }

  #watch(): void {
    this.#silentTicks += 1
    if (this.#silentTicks >= lostTicks) {
      this.end(`no fresh data for ${lostTicks} s`)
    } else if (this.#silentTicks >= staleTicks) {
      this.#unhealthy(`no fresh data for ${staleTicks} s`)
    }
  }

  async #pulse(): Promise<void> {
    if (!this.#healthy || !this.#session) return
    try {
      await this.#beat(this.#session)
      this.#heartbeatFailures = 0
    } catch (error) {
      this.#heartbeatFailures += 1
      if (this.#heartbeatFailures >= heartbeatFailuresMax) this.end(reasonOf(error))
    }
  }

  #unhealthy(reason: string): void {
    this.#outages += 1
    if (!this.#healthy) return
    this.#healthy = false
    this.#disconnected(reason)
  }
}
