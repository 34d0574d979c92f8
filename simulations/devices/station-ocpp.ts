import type { ChargePoint, MeterReading } from './charge-point.ts'
import type { Answer, LinkAddress, Payload } from './ocpp-link.ts'
import { type SigningMeter, signingMeterOf } from './signing-meter.ts'
import { type DeviceHooks, stamp, type Station, type StationParts } from './station.ts'
import { type LineProtocol, StationLine } from './station-line.ts'
import type { Session } from './visit.ts'

/** What stations of all versions of OCPP are: one machine on one line. */
export abstract class StationOcpp implements Station {
  readonly point: ChargePoint
  protected readonly hooks: DeviceHooks
  protected readonly line: StationLine
  /** null: its meter does not sign. */
  protected readonly signing: SigningMeter | null
  #silent = false

  protected constructor(
    parts: StationParts,
    version: {
      readonly subprotocol: LineProtocol['subprotocol']
      readonly boot: (ref: string) => Payload
    },
  ) {
    const { hooks, random } = parts
    this.hooks = hooks
    this.point = parts.point({
      metered: (reading) => this.metered(reading),
      sessionStarted: (session) => this.begin(session),
      sessionEnded: (session, outcome) => {
        this.end(session)
        hooks.driverLeft(outcome)
      },
      backAtDefault: hooks.backAtDefault,
      reacted: (at, limitW) => {
        hooks.log('reaction', { offeredW: limitW, powerAt: stamp(at) })
        this.reacted(at, limitW)
      },
    })
    this.signing = signingMeterOf(this.point.device)
    this.line = new StationLine(random, hooks, {
      subprotocol: version.subprotocol,
      boot: version.boot(this.ref),
      point: this.point,
      introduce: () => this.introduce(),
      answer: (action, payload) => {
        this.point.advance(hooks.now())
        return this.answer(action, payload)
      },
    })
  }

  /** The meter has something to say. */
  protected abstract metered(reading: MeterReading): void
  /** A car has come, or stands there when the station has booted. */
  protected abstract begin(session: Session): void
  protected abstract end(session: Session): void
  /** The car draws something else because of a limit. */
  protected abstract reacted(at: number, limitW: number): void
  /** The first boot was accepted: tells what stands here. */
  protected abstract introduce(): void
  protected abstract answer(action: string, payload: Payload): Answer

  get ref(): string {
    return this.point.device.ref
  }

  get ready(): boolean {
    return this.line.ready
  }

  /** Does it send meter values? */
  protected get meters(): boolean {
    return !this.#silent && this.line.booted
  }

  connect(address: LinkAddress): void {
    this.line.connect(address)
  }

  fallSilent(): void {
    this.#silent = true
  }

  move(): void {
    this.line.move()
  }

  stop(): void {
    this.line.stop()
  }

  /** Sends what was asked for, once that is answered. */
  protected trigger(
    message: string,
    own: Readonly<Record<string, (() => void) | undefined>>,
  ): 'Accepted' | 'NotImplemented' {
    const actions: Record<string, (() => void) | undefined> = {
      ...own,
      Heartbeat: () => this.line.keep('Heartbeat', () => ({})),
      BootNotification: () => this.line.boot(),
    }
    const action = actions[message]
    if (action === undefined) return 'NotImplemented'
    setImmediate(action)
    return 'Accepted'
  }
}
