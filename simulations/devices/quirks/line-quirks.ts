import type { ChargePoint } from '../charge-point.ts'
import type { Answer, OcppLink, Payload } from '../ocpp-link.ts'
import { type DeviceHooks, stamp } from '../station.ts'
import type { SeededRandom } from '../../random.ts'
import type { QuirkId } from './catalogue.ts'
import { type Delivery, deliveryOf } from './deliveries.ts'
import { type Outage, outageOf } from './outages.ts'
import { type Rewrite, rewriteOf } from './payloads.ts'
import { type Reply, replyOf } from './replies.ts'

/** How often a station with an outage ahead looks at the business clock, wall time. */
const LOOK_MS = 25
/** What a station without memory of what it has told tells again (ABB). */
const REPEATED = 3
const BACKLOG_DAYS = 60
const HOUR_MS = 3_600_000
const REFUSED_REDIAL_MS = 10_000

export type LineParts = {
  readonly random: SeededRandom
  readonly hooks: DeviceHooks
  readonly point: ChargePoint
  readonly isVersion16: boolean
}

/** What a station's quirks do to everything that goes over its line. */
export class LineQuirks {
  readonly #parts: LineParts
  readonly #quirks: readonly QuirkId[]
  readonly #reply: Reply
  readonly #rewrite: Rewrite
  readonly #deliver: Delivery
  readonly #outage: Outage | null
  readonly #bootedAt: number
  #synchronised = false
  #mayDialAt = 0
  #plannedAt: number | null = null
  #watch: NodeJS.Timeout | null = null
  #hasFailed = false
  #sent: { action: string; payload: Payload }[] = []

  constructor(parts: LineParts) {
    this.#parts = parts
    this.#quirks = parts.point.device.quirks ?? []
    this.#reply = replyOf(this.#quirks)
    this.#rewrite = rewriteOf(this.#quirks)
    this.#deliver = deliveryOf(this.#quirks)
    this.#outage = outageOf(this.#quirks)
    this.#bootedAt = parts.hooks.now()
  }

  /** Of a message right before it goes out. */
  outgoing(action: string, payload: Payload): Payload {
    const { now } = this.#parts.hooks
    const clock = { now, synchronised: () => this.#synchronised, bootedAt: this.#bootedAt }
    const rewritten = this.#rewrite(action, payload, clock)
    if (this.#has('D4')) {
      this.#sent = [...this.#sent, { action, payload: rewritten }].slice(-REPEATED)
    }
    return rewritten
  }

  /** Hands a message to the line: once, later, twice or never. */
  queue(link: OcppLink, action: string, send: () => void): void {
    const { point, hooks } = this.#parts
    this.#deliver({
      action,
      send,
      also: (more, payload) => link.keep(more, () => this.outgoing(more, payload())),
      registerWh: () => point.registerWh,
      stamp: () => stamp(hooks.now()),
    })
  }

  /** What the station answers, and what that sets off. */
  answer(link: OcppLink, action: string, payload: Payload, usual: () => Answer): Answer {
    const answer = this.#reply(action, payload, usual)
    if (action === 'SetChargingProfile' && 'result' in answer) this.#profileAnswered(link, answer)
    return answer
  }

  /** True where the station restarts because it was asked this (ABB Terra AC up to 1.8.21). */
  restartsAt(action: string, payload: Payload): boolean {
    if (!this.#has('D8')) return false
    const text = JSON.stringify(payload)
    if (action === 'GetVariables') return /Measurands"/.test(text)
    const isRead = payload.key === undefined || /MeterValues(Sampled|Aligned)Data"/.test(text)
    return action === 'GetConfiguration' && isRead
  }

  /** The answer to a heartbeat sets the station's clock, unless it is one that ignores it. */
  heartbeatAnswered(): void {
    this.#synchronised = true
  }

  mayDial(): boolean {
    return this.#parts.hooks.now() >= this.#mayDialAt
  }

  dialRefused(): void {
    if (this.#has('D12')) this.#mayDialAt = this.#parts.hooks.now() + REFUSED_REDIAL_MS
  }

  /** The line is back: what the station believes that nobody has heard of. */
  reconnected(link: OcppLink): void {
    if (!this.#hasFailed) return
    for (const { action, payload } of this.#sent.splice(0)) link.keep(action, () => payload)
    if (!this.#has('backlog')) return
    const now = this.#parts.hooks.now()
    for (let hour = BACKLOG_DAYS * 24; hour > 0; hour--) {
      link.keep('MeterValues', () => this.#oldReading(now - hour * HOUR_MS, hour))
    }
  }

  stop(): void {
    if (this.#watch !== null) clearInterval(this.#watch)
  }

  #profileAnswered(link: OcppLink, answer: { readonly result: Payload }): void {
    const { hooks, point } = this.#parts
    if (answer.result.status === 'Accepted') {
      hooks.log('flash', { writes: point.stack.flashWrites })
    }
    const limited = point.stack.transactionProfile(hooks.now(), point.session?.startedAt ?? null)
    if (this.#outage === null || this.#hasFailed || this.#plannedAt !== null) return
    if (limited === null) return
    this.#plannedAt = hooks.now() + this.#outage.afterMs
    this.#watch = setInterval(() => this.#lookForOutage(link), LOOK_MS).unref()
  }

  #lookForOutage(link: OcppLink): void {
    const { hooks, random } = this.#parts
    if (this.#outage === null || this.#plannedAt === null || hooks.now() < this.#plannedAt) return
    this.#plannedAt = null
    this.stop()
    this.#hasFailed = true
    this.#mayDialAt = hooks.now() + Math.round(this.#outage.awayMs(random.next()))
    hooks.log('outage', { until: stamp(this.#mayDialAt) })
    link.interrupt()
  }

  #oldReading(at: number, hoursAgo: number): Payload {
    const { point, isVersion16 } = this.#parts
    const registerWh = Math.max(0, point.device.registerWh - hoursAgo * 500)
    const measurand = 'Energy.Active.Import.Register'
    const context = 'Sample.Clock'
    const sampledValue = isVersion16
      ? [{ value: String(registerWh), measurand, context, unit: 'Wh' }]
      : [{ value: registerWh, measurand, context, unitOfMeasure: { unit: 'Wh' } }]
    const timestamp = stamp(Math.floor(at / HOUR_MS) * HOUR_MS)
    const place = isVersion16 ? { connectorId: 1 } : { evseId: 1 }
    return { ...place, meterValue: [{ timestamp, sampledValue }] }
  }

  #has(id: QuirkId): boolean {
    return this.#quirks.includes(id)
  }
}
