import type { Answered, CurveOrder, OwnRecording } from '#domain/armed-curve.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import type { ChargingSession } from '#domain/resource.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { type Instant, instant, type TimeWindow } from '#domain/time.ts'
import type { EffectiveSetpoint } from '#ports.ts'
import { createOwnAnswers, type OwnAnswersOptions } from './own-answers.ts'

export type SimulatedDeviceOptions = OwnAnswersOptions & {
  readonly kind: 'charger' | 'battery'
  /** What it draws when nobody asks for anything, W, + is import. */
  readonly naturalW: number
  readonly registerWh?: number
  readonly storedWh?: number
  readonly energyWh?: number
  readonly session?: Omit<ChargingSession, 'resourceId'>
  /** Of what it is told it does so much, from 0 to 1; absent: all. */
  readonly share?: number
  /** Its maker, as it tells it. */
  readonly make?: string
  /** Answers every setpoint with this refusal. */
  readonly refuses?: string
  /** Stops metering at this instant. */
  readonly silentFrom?: Instant
  /** How many of its last readings it tells again after a reconnect; chargers tell some. */
  readonly remembers?: number
}

export type SimulatedDevice = {
  readonly answers: readonly Answered[]
  readonly make: string | null
  readonly session: Omit<ChargingSession, 'resourceId'> | null
  /** Takes a setpoint; the text is a refusal. */
  accept(setpoint: DesiredSetpoint, now: Instant): string | null
  effective(now: Instant): EffectiveSetpoint
  /** The meter at an instant; null: it is silent. */
  meter(at: Instant): Omit<DeviceReading, 'resourceId'> | null
  /** Arms curves, or takes them back; the text is a refusal. */
  arm(order: CurveOrder, now: Instant): string | null
  recordedIn(answers: Answered, window: TimeWindow): OwnRecording
  /** Every setpoint that reached it. */
  readonly received: readonly DesiredSetpoint[]
  readonly remembers: number
}

const READINGS_REMEMBERED = 8
const WS_PER_WH = 3600

/** A machine without losses that reacts at once: enough to test what is decided about it. */
export function createSimulatedDevice(
  options: SimulatedDeviceOptions,
  start: Instant,
): SimulatedDevice {
  const received: DesiredSetpoint[] = []
  let newest: number | null = null
  let setpoint: DesiredSetpoint | null = null
  let at = start
  let registerWs = (options.registerWh ?? 0) * WS_PER_WH
  let storedWs = (options.storedWh ?? 0) * WS_PER_WH
  let meteredWs = registerWs
  let meteredAt = start
  const own = createOwnAnswers(options)

  function power(): number {
    return own.power(restPower(), at)
  }

  function restPower(): number {
    const wanted = options.disobeys ? null : (setpoint?.powerW ?? null)
    const { kind, naturalW, share = 1 } = options
    if (wanted === null) return naturalW
    const told = kind === 'charger' ? Math.min(naturalW, wanted) : wanted
    return share === 1 ? told : naturalW + share * (told - naturalW)
  }

  /** While a curve is armed it looks once a second, and writes down what it does. */
  function answer(until: Instant): void {
    while (at < until) {
      const next = own.look(at, power())
      if (next === null) return
      settle(instant(Math.min(next, until)))
    }
  }

  function move(until: Instant): void {
    answer(until)
    settle(until)
  }

  function settle(until: Instant): void {
    if (setpoint && setpoint.validUntil > at && setpoint.validUntil < until) {
      step(setpoint.validUntil)
    }
    if (setpoint && setpoint.validUntil <= at) setpoint = null
    step(until)
    if (setpoint && setpoint.validUntil <= at) setpoint = null
  }

  function step(until: Instant): void {
    if (until <= at) return
    const moved = (power() * (until - at)) / 1000
    registerWs += moved
    storedWs += moved
    at = until
  }

  return {
    answers: [
      ...(options.frequencyMilliHz ? ['frequency' as const] : []),
      ...(options.voltageBp ? ['voltage' as const] : []),
    ],
    make: options.make ?? null,
    session: options.session ?? null,
    received,
    remembers: options.remembers ?? READINGS_REMEMBERED,
    accept(wanted, now) {
      const { version } = wanted
      if (newest !== null && version < newest) return `order ${newest} came before order ${version}`
      newest = version
      if (options.refuses !== undefined) return options.refuses
      move(now)
      received.push(wanted)
      setpoint = wanted.powerW === null ? null : wanted
      return null
    },
    arm(order, now) {
      move(now)
      return own.arm(order)
    },
    recordedIn: own.recordedIn,
    effective(now) {
      move(now)
      const powerW = setpoint?.powerW ?? null
      return powerW === null ? { kind: 'default' } : { kind: 'limited', powerW }
    },
    meter(until) {
      move(until)
      if (options.silentFrom !== undefined && until > options.silentFrom) return null
      const seconds = (until - meteredAt) / 1000
      const powerW = seconds > 0 ? Math.round((registerWs - meteredWs) / seconds) : power()
      meteredWs = registerWs
      meteredAt = until
      const socBp =
        options.energyWh === undefined
          ? null
          : Math.round((storedWs / WS_PER_WH / options.energyWh) * 10_000)
      return { at: until, powerW, registerWh: Math.round(registerWs / WS_PER_WH), socBp }
    },
  }
}
