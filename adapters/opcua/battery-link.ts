import type { EffectiveSetpoint } from '#ports.ts'
import type { Answered, CurveOrder, OwnRecording } from '#domain/armed-curve.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { assert, DomainError } from '#domain/errors.ts'
import type { Connection, Resource } from '#domain/resource.ts'
import type { Instant, TimeWindow } from '#domain/time.ts'
import type { Discovery } from './discovery.ts'
import { chooseEndpoint, EndpointRefused, reasonOf } from './endpoint.ts'
import { IdentityMissing } from './identity.ts'
import { type BatteryContext, LiveBattery } from './live-battery.ts'
import { productNamed, products } from './product-list.ts'
import { objectNamed, type Product } from './product.ts'
import type { Turnstiles } from './turnstile.ts'
import { WrittenOrders } from './written-orders.ts'

const retryMsFirst = 500
const retryMsMax = 10_000
/** A server that we refuse is looked at again this seldom; `renew` looks at once. */
const refusedRetryMs = 30_000
/** More records than a server keeps for us can never come twice. */
const stampsKept = 256

/** What all batteries of this process go through as they are dialled. */
export type Doors = {
  readonly discovery: Discovery
  readonly opening: Turnstiles
}

type OpcuaConnection = Extract<Connection, { protocol: 'opcua' }>

/** Keeps one battery connected: whatever ends a client, a new one is built. */
export class BatteryLink {
  readonly #context: BatteryContext
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>
  readonly #stamps = new Set<Instant>()
  readonly #closing = new Set<Promise<void>>()
  readonly #orders: WrittenOrders
  readonly #doors: Doors
  #resource: Resource
  #live: LiveBattery | null = null
  #wake = new AbortController()
  #failures = 0
  #lastDetail: string | null = null
  presentedThumbprint: string | null = null

  constructor(context: BatteryContext, resource: Resource, doors: Doors) {
    this.#resource = resource
    this.#doors = doors
    this.#orders = new WrittenOrders(context.clock)
    this.#context = { ...context, sink: this.#filtered(context.sink) }
    this.#running = this.#run()
  }

  /** Takes up a changed connection; without a change nothing happens. */
  renew(resource: Resource): void {
    const before = opcuaConnection(this.#resource)
    const after = opcuaConnection(resource)
    this.#resource = resource
    if (JSON.stringify(Object.values(before)) === JSON.stringify(Object.values(after))) return
    this.#failures = 0
    this.#live?.end('its connection was changed')
    this.#wake.abort()
  }

  /** @throws DomainError device-unreachable, device-refused */
  async apply(setpoint: DesiredSetpoint, deadlineMs: number): Promise<void> {
    await this.#connected().apply(setpoint, deadlineMs)
  }

  /** @throws DomainError device-unreachable, device-refused */
  async readBack(deadlineMs: number): Promise<EffectiveSetpoint> {
    return await this.#connected().readBack(deadlineMs)
  }

  /** @throws DomainError device-unreachable, device-refused */
  async arm(order: CurveOrder, sequence: number, deadlineMs: number): Promise<void> {
    await this.#connected().arm(order, sequence, deadlineMs)
  }

  /** @throws DomainError device-unreachable, device-refused */
  async recording(of: Answered, window: TimeWindow, deadlineMs: number): Promise<OwnRecording> {
    return await this.#connected().recording(of, window, deadlineMs)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#live?.end('stopped')
    this.#wake.abort()
    await this.#running
    await Promise.all(this.#closing)
  }

  #connected(): LiveBattery {
    if (this.#live) return this.#live
    const why = this.#lastDetail ?? 'connecting'
    throw new DomainError('device-unreachable', `battery ${this.#resource.id}: ${why}`)
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#wake = new AbortController()
      const pauseMs = await this.#attempt()
      await this.#pause(pauseMs)
    }
  }

  /** One client from beginning to end; answers how long to wait before the next. */
  async #attempt(): Promise<number> {
    const resource = this.#resource
    try {
      const live = await this.#open(resource)
      this.#live = live
      live.adopt()
      if (this.#stopping.signal.aborted || this.#resource !== resource) live.end('changed')
      const reason = await live.ended
      if (live.proven) this.#failures = 0
      this.#report(reason)
    } catch (error) {
      this.#report(reasonOf(error))
      if (error instanceof EndpointRefused || error instanceof IdentityMissing) {
        return refusedRetryMs
      }
    } finally {
      this.#doors.discovery.forget(opcuaConnection(resource).endpoint)
      this.#letGo()
    }
    this.#failures += 1
    return Math.min(retryMsMax, retryMsFirst * 2 ** (this.#failures - 1))
  }

  async #open(resource: Resource): Promise<LiveBattery> {
    const { endpoint: url, thumbprint, user = 'anonymous', ...rest } = opcuaConnection(resource)
    const product = productOf(rest)
    const { discovery, opening } = this.#doors
    const offered = await discovery.offered(url)
    const endpoint = chooseEndpoint(this.#context.opcua, url, user, offered)
    const isNews = this.presentedThumbprint !== endpoint.thumbprint
    this.presentedThumbprint = endpoint.thumbprint
    const refusal = await this.#context.pki.refusal(endpoint.certificate, thumbprint)
    if (refusal !== null) {
      if (isNews && thumbprint !== null) this.#tellStranger(resource, refusal)
      throw new EndpointRefused(`certificate refused: ${refusal}`)
    }
    return await opening.through(url, () =>
      LiveBattery.open(this.#context, {
        resource,
        product,
        user,
        endpoint,
        orders: this.#orders,
        disconnected: (detail) => this.#report(detail),
      }),
    )
  }

  #tellStranger({ id }: Resource, detail: string): void {
    this.#context.sink.security({ resourceId: id, kind: 'refused-connection', detail })
  }

  /** Says goodbye on the side: the next client need not wait for a server that does not answer. */
  #letGo(): void {
    const live = this.#live
    this.#live = null
    if (!live) return
    const closing = live.close().finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#wake
    if (signal.aborted) return
    try {
      await this.#context.timer.sleep(ms, signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** Tells once why a battery is away, until the reason changes. */
  #report(detail: string): void {
    if (detail === this.#lastDetail) return
    this.#lastDetail = detail
    this.#context.sink.disconnected(this.#resource.id, detail)
  }

  /** Every record once, also over several clients; and a link that is stopped tells nothing. */
  #filtered(sink: BatteryContext['sink']): BatteryContext['sink'] {
    const { signal } = this.#stopping
    return {
      connected: (id, detail) => {
        this.#lastDetail = null
        if (!signal.aborted) sink.connected(id, detail)
      },
      disconnected: (id, detail) => {
        if (!signal.aborted) sink.disconnected(id, detail)
      },
      measured: (reading) => {
        if (signal.aborted || this.#stamps.has(reading.at)) return
        this.#stamps.add(reading.at)
        for (const oldest of this.#stamps) {
          if (this.#stamps.size <= stampsKept) break
          this.#stamps.delete(oldest)
        }
        sink.measured(reading)
      },
      session: (session) => sink.session(session),
      capability: (id, capability) => sink.capability(id, capability),
      limitedElsewhere: (id, limitW, source) => sink.limitedElsewhere(id, limitW, source),
      overridden: (id, isOn) => sink.overridden(id, isOn),
      security: (event) => sink.security(event),
    }
  }
}

function productOf({
  product: name,
  object,
}: Pick<OpcuaConnection, 'product' | 'object'>): Product {
  const product = productNamed(name)
  if (product !== null) return object === undefined ? product : objectNamed(product, object)
  const known = products.map((one) => one.name).join(', ')
  throw new EndpointRefused(`expected a product out of ${known}, got ${name}`)
}

function opcuaConnection(resource: Resource): OpcuaConnection {
  const { connection } = resource
  assert(connection.protocol === 'opcua', `${resource.id} is reached over ${connection.protocol}`)
  return connection
}
