import type { Clock, DeviceSink, EffectiveSetpoint } from '#ports.ts'
import type { Answered, CurveOrder, OwnRecording } from '#domain/armed-curve.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { Resource } from '#domain/resource.ts'
import type { TimeWindow } from '#domain/time.ts'
import {
  type BatterySession,
  openSession,
  Refused,
  type SessionListener,
  type SessionOptions,
} from './battery-session.ts'
import { reasonOf, type StackContext } from './endpoint.ts'
import { callCurve, readOwn } from './curves.ts'
import { meterByReading, PowerMean } from './metering.ts'
import { fastRhythm, type Monitoring } from './monitoring.ts'
import { ownPace } from './pace.ts'
import { callOrder, readSetpoint } from './orders.ts'
import type { PointName, Product } from './product.ts'
import { compareRating, compareSampling, Onboarding } from './onboarding.ts'
import { Vitals } from './vitals.ts'
import { fromPoint, readMeterRecord } from './wire.ts'
import { isWritten, type WrittenOrders } from './written-orders.ts'

export type BatteryContext = StackContext & {
  readonly clock: Clock
  readonly meteringIntervalSeconds: number
  readonly sink: DeviceSink
}

export type LiveOptions = SessionOptions & {
  readonly orders: WrittenOrders
  disconnected(detail: string): void
}

const tickMs = 1000
/** So long, seconds, our sign of life may fail before the client is dropped. */
const heartbeatFailingMax = 5

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
  readonly #options: LiveOptions
  readonly #resource: Resource
  readonly #product: Product
  readonly #vitals = new Vitals()
  readonly #onboarding: Onboarding
  readonly #mean: PowerMean
  readonly #closing = new AbortController()
  #end: (reason: string) => void = () => {}
  #session: BatterySession | null = null
  #monitoring: Monitoring | null = null
  #timers: readonly { stop(): Promise<void> }[] = []
  #healthy = false
  #over = false
  /** Orders reach it: before, nobody is told that it is connected. */
  #adopted = false
  #hasData = false
  #outages = 0
  #heartbeatFailures = 0
  #resuming: Promise<void> | null = null
  #metering: Promise<void> | null = null
  #strays: Promise<void> | null = null

  private constructor(context: BatteryContext, options: LiveOptions) {
    this.#context = context
    this.#options = options
    this.#resource = options.resource
    this.#product = options.product
    this.#mean = new PowerMean(context.timer)
    this.#onboarding = new Onboarding(context, options)
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  /** Connects and listens; `sink.connected` follows when fresh data has come and the model is read. */
  static async open(context: BatteryContext, options: LiveOptions): Promise<LiveBattery> {
    const battery = new LiveBattery(context, options)
    const session = await openSession(context, options, battery.#listener())
    battery.#session = session
    try {
      battery.#monitoring = await session.subscribe(
        fastRhythm(context.clock.speed, options.resource.id),
      )
      compareSampling(context, options.resource, battery.#monitoring.samplingMs)
    } catch (error) {
      await session.close()
      throw error
    }
    battery.#begin(options.resource.id)
    return battery
  }

  #begin(id: string): void {
    const { timer } = this.#context
    // Apart, because a heartbeat that is not answered must not hold up the watchdog.
    this.#timers = [
      timer.every(ownPace(id, tickMs), `watchdog of battery ${id}`, async () => this.#watch()),
      timer.every(ownPace(id, this.#heartbeatSeconds * 1000), `heartbeat for battery ${id}`, () =>
        this.#pulse(),
      ),
    ]
    if (this.#session?.has('MeterRecord')) return
    this.#metering = meterByReading(
      this.#context,
      {
        resource: this.#resource,
        product: this.#product,
        mean: this.#mean,
        session: () => (this.#healthy ? this.#session : null),
        measured: (reading) => this.#context.sink.measured(reading),
        failed: (error) => this.#noRecord(error),
      },
      this.#closing.signal,
    )
  }

  /** Makes `ended` resolve; from here on no order is taken. */
  end(reason: string): void {
    this.#over = true
    this.#unhealthy(reason)
    this.#end(reason)
  }

  async close(): Promise<void> {
    this.end('closed')
    this.#closing.abort()
    await this.#session?.close()
    await Promise.all(this.#timers.map((timer) => timer.stop()))
    await Promise.all([this.#resuming, this.#metering, this.#strays])
  }

  /** @throws DomainError device-unreachable, device-refused */
  async apply(setpoint: DesiredSetpoint, deadlineMs: number): Promise<void> {
    const { clock } = this.#context
    if (setpoint.powerW !== null && setpoint.validUntil <= clock.now()) {
      throw this.#refused('the order has expired before it was sent')
    }
    const session = this.#healthySession()
    const refusal = await this.#within(this.#send(session, setpoint), deadlineMs, 'an order')
    if (refusal !== null) throw this.#refused(refusal)
  }

  async #send(session: BatterySession, setpoint: DesiredSetpoint): Promise<string | null> {
    const product = this.#product
    if (isWritten(product)) {
      const mayWrite = () => void this.#healthySession()
      return await this.#options.orders.send(session, product, setpoint, mayWrite)
    }
    const { control } = product
    return control.kind === 'methods' ? callOrder(session, { ...product, control }, setpoint) : null
  }

  /** @throws DomainError device-unreachable, device-refused */
  async readBack(deadlineMs: number): Promise<EffectiveSetpoint> {
    const reading = readSetpoint(this.#healthySession(), this.#product)
    return await this.#within(reading, deadlineMs, 'a read-back')
  }

  /** @throws DomainError device-unreachable, device-refused */
  async arm(order: CurveOrder, sequence: number, deadlineMs: number): Promise<void> {
    const arming = callCurve(this.#healthySession(), this.#product, order, sequence)
    const refusal = await this.#within(arming, deadlineMs, 'a curve')
    if (refusal !== null) throw this.#refused(refusal)
  }

  /** @throws DomainError device-unreachable, device-refused */
  async recording(of: Answered, window: TimeWindow, deadlineMs: number): Promise<OwnRecording> {
    const reading = readOwn(this.#healthySession(), this.#product, of, window)
    return await this.#within(reading, deadlineMs, 'what it recorded')
  }

  get #heartbeatSeconds(): number {
    return this.#product.heartbeatSeconds ?? 1
  }

  #healthySession(): BatterySession {
    if (this.#healthy && this.#session) return this.#session
    throw new DomainError('device-unreachable', `battery ${this.#resource.id} is not connected`)
  }

  #refused(reason: string): DomainError {
    return new DomainError('device-refused', `battery ${this.#resource.id}: ${reason}`)
  }

  /**
   * Unanswered in time means unknown: the client, which might still send, is dropped. Where an
   * order on the wire has no end of its own, whatever is no answer of the server is unknown.
   */
  async #within<T>(work: Promise<T>, deadlineMs: number, what: string): Promise<T> {
    const { timer } = this.#context
    const { id } = this.#resource
    try {
      return await timer.deadline(work, deadlineMs, `battery ${id} to answer ${what}`)
    } catch (error) {
      if (error instanceof Refused) throw this.#refused(error.message)
      const isLate = error instanceof DomainError && error.code === 'unavailable'
      if (isLate || isWritten(this.#product)) this.end(reasonOf(error))
      throw new DomainError('device-unreachable', `battery ${id}: ${what}: ${reasonOf(error)}`)
    }
  }

  #listener(): SessionListener {
    return {
      record: (value) => this.#record(value),
      changed: (name, value) => this.#changed(name, value),
      alive: (which) => {
        if (which === 'slow') this.#vitals.slowFresh()
        // Where it has a sign of life, messages of its server alone prove nothing.
        else if (!this.#session?.has('DeviceHeartbeat')) this.#fresh()
      },
      lost: () => this.#unhealthy('the connection was lost'),
      certificateRefused: (thumbprint) => this.end(`the server presents ${thumbprint} now`),
    }
  }

  #changed(name: PointName, raw: unknown): void {
    if (this.#over) return
    const point = this.#product.points[name]
    const value = point ? fromPoint(point, raw) : raw
    if (name === 'DeviceHeartbeat') this.#fresh()
    else if (name === 'ActivePower') this.#mean.changed(Number(value))
    this.#onboarding.changed(name, value)
  }

  #record(value: unknown): void {
    if (this.#over) return
    try {
      const reading = readMeterRecord(this.#resource.id, value)
      if (reading) this.#context.sink.measured(reading)
      this.#fresh()
    } catch (error) {
      this.#noRecord(error)
    }
  }

  #noRecord(error: unknown): void {
    const fields = { resource: this.#resource.id, reason: reasonOf(error) }
    this.#context.log.warn('a battery sent a record that is none', fields)
  }

  /** Whoever holds it now hands orders on: what has come meanwhile counts. */
  adopt(): void {
    this.#adopted = true
    if (this.#hasData) this.#fresh()
  }

  #fresh(): void {
    this.#vitals.fresh()
    this.#hasData = true
    if (!this.#adopted) return
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
    const detail = await this.#onboarding.run(session)
    compareRating(this.#context, this.#resource, this.#onboarding.values)
    await this.#takeBackStray(session)
    const gone = (await this.#monitoring?.fetchMissed()) ?? 0
    const fields = { resource: this.#resource.id, messages: gone }
    if (gone > 0) this.#context.log.warn('records were lost in an outage', fields)
    return detail
  }

  async #takeBackStray(session: BatterySession): Promise<void> {
    const product = this.#product
    if (!isWritten(product)) return
    const wasThere = await this.#options.orders.takeBackStray(session, product)
    const fields = { resource: this.#resource.id }
    if (wasThere) this.#context.log.warn('a setpoint without an order was taken back', fields)
  }

  #watch(): void {
    const verdict = this.#vitals.tick()
    if (verdict.kind === 'lost') this.end(verdict.reason)
    else if (verdict.kind === 'stale') this.#unhealthy(verdict.reason)
    this.#watchOrder()
  }

  /** An order on the wire without an end of its own ends here; and what nobody ordered, too. */
  #watchOrder(): void {
    const session = this.#session
    if (!this.#healthy || !session || this.#strays || !isWritten(this.#product)) return
    const { standingUntil } = this.#options.orders
    const isOver = standingUntil !== null && standingUntil <= this.#context.clock.now()
    const isStray = standingUntil === null && this.#onboarding.isSetpointOn
    if (!isOver && !isStray) return
    this.#strays = this.#takeBackStray(session)
      .catch((error: unknown) => {
        if (error instanceof Refused) this.#noRecord(error)
        else this.end(reasonOf(error))
      })
      .finally(() => {
        this.#strays = null
      })
  }

  async #pulse(): Promise<void> {
    if (!this.#healthy || !this.#session) return
    try {
      await this.#onboarding.beat(this.#session)
      this.#heartbeatFailures = 0
    } catch (error) {
      this.#heartbeatFailures += 1
      const failing = this.#heartbeatFailures * this.#heartbeatSeconds
      if (failing >= heartbeatFailingMax) this.end(reasonOf(error))
    }
  }

  #unhealthy(reason: string): void {
    this.#outages += 1
    if (!this.#healthy) return
    this.#healthy = false
    this.#options.disconnected(reason)
  }
}
