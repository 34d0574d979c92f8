import type { SeededRandom } from '../random.ts'
import type { ChargePoint } from './charge-point.ts'
import { type Answer, type LinkAddress, OcppLink, type Payload } from './ocpp-link.ts'
import { LineQuirks } from './quirks/line-quirks.ts'
import type { DeviceHooks } from './station.ts'

/** What differs between the versions of the protocol. */
export type LineProtocol = {
  readonly subprotocol: 'ocpp1.6' | 'ocpp2.0.1' | 'ocpp2.1'
  readonly boot: Payload
  /** Its quirks are what the line does wrong. */
  readonly point: ChargePoint
  /** The first boot was accepted: tell what stands here. */
  readonly introduce: () => void
  readonly answer: (action: string, payload: Payload) => Answer
}

/** How a station of either version comes up and stays up: boot once, heartbeats, what is sent. */
export class StationLine {
  readonly #random: SeededRandom
  readonly #hooks: DeviceHooks
  readonly #protocol: LineProtocol
  readonly #quirks: LineQuirks
  #link: OcppLink | null = null
  #booted = false
  #heartbeat: NodeJS.Timeout | null = null

  constructor(random: SeededRandom, hooks: DeviceHooks, protocol: LineProtocol) {
    this.#random = random
    this.#hooks = hooks
    this.#protocol = protocol
    const isVersion16 = protocol.subprotocol === 'ocpp1.6'
    this.#quirks = new LineQuirks({ random, hooks, point: protocol.point, isVersion16 })
  }

  get booted(): boolean {
    return this.#booted
  }

  get open(): boolean {
    return this.#link?.open === true
  }

  get ready(): boolean {
    return this.#booted && this.open
  }

  connect(address: LinkAddress): void {
    const link = new OcppLink(address, this.#protocol.subprotocol, this.#random, {
      opened: () => {
        this.#hooks.log('connected', { endpoint: link.endpoint })
        this.#protocol.point.stack.lineChanged(null, this.#hooks.now())
        // A mere reconnect is no boot (OCPP 1.6 section 4.2, 2.0.1 B01).
        if (this.#booted) this.#quirks.reconnected(link)
        else this.boot()
      },
      closed: () => {
        this.#hooks.log('disconnected')
        this.#protocol.point.stack.lineChanged(this.#hooks.now(), this.#hooks.now())
      },
      received: (action) => this.#hooks.log('frame', { action }),
      gaveUp: (action, why) => this.#hooks.log('gave-up', { action, why }),
      called: (action, payload) => this.#answer(link, action, payload),
      outgoing: (action, payload) => this.#quirks.outgoing(action, payload),
      resultError: (action, result) => this.#resultError(action, result),
      resultRefused: (code, why) => this.#hooks.log('result-refused', { code, why }),
      mayDial: () => this.#quirks.mayDial(),
      dialRefused: () => this.#quirks.dialRefused(),
    })
    this.#link = link
    link.start()
  }

  /** Transaction-related messages and what must not overtake them; see `OcppLink.keep`. */
  keep(action: string, payload: () => Payload, then?: (answer: Payload) => void): void {
    const link = this.#link
    if (link === null) return
    this.#quirks.queue(link, action, () => link.keep(action, payload, then))
  }

  /** A message without an answer (2.1). */
  send(action: string, payload: Payload): void {
    this.#link?.send(action, payload)
  }

  /** 2.1 says what cannot be used (CALLRESULTERROR); others put up with it. */
  #resultError(action: string, { status, currentTime }: Payload): string | null {
    if (this.#protocol.subprotocol !== 'ocpp2.1') return null
    const needsTime = action === 'BootNotification' || action === 'Heartbeat'
    if (needsTime && currentTime === undefined) return 'currentTime is missing'
    return action === 'BootNotification' && status === undefined ? 'status is missing' : null
  }

  /** Asks to be accepted, again and again until it is. */
  boot(): void {
    const link = this.#link
    if (link === null) return
    link.call('BootNotification', this.#protocol.boot).then(
      (answer) => this.#bootAnswered(link, answer),
      (error: Error) => this.#hooks.log('boot-failed', { why: error.message }),
    )
  }

  /** Hangs up and dials the next of its endpoints. */
  move(): void {
    this.#hooks.log('moves')
    this.#link?.move()
  }

  stop(): void {
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat)
    this.#quirks.stop()
    this.#link?.stop()
  }

  #answer(link: OcppLink, action: string, payload: Payload): Answer {
    if (this.#quirks.restartsAt(action, payload)) {
      this.#hooks.log('restart', { action })
      this.#booted = false
      link.holdForBoot()
      link.interrupt()
      return { silent: true }
    }
    const usual = () => this.#protocol.answer(action, payload)
    return this.#quirks.answer(link, action, payload, usual)
  }

  #bootAnswered(link: OcppLink, { status, interval }: Payload): void {
    const seconds = Math.max(1, Number(interval) || 60)
    if (status !== 'Accepted') {
      setTimeout(() => this.boot(), seconds * 1000).unref()
      return
    }
    const again = this.#booted
    this.#booted = true
    link.release()
    this.#beat(link, seconds)
    if (!again) this.#protocol.introduce()
  }

  #beat(link: OcppLink, seconds: number): void {
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat)
    const beat = () => {
      // A lost heartbeat shows as a lost line, which is handled where the line is.
      if (!link.open) return
      const told = () => this.#quirks.heartbeatAnswered()
      link.call('Heartbeat', {}).then(told, () => undefined)
    }
    this.#heartbeat = setInterval(beat, seconds * 1000).unref()
  }
}
