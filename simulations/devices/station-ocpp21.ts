import type { OCPP21 } from 'typed-ocpp'
import type { MeterReading } from './charge-point.ts'
import { readProfile21, variables21 } from './messages-ocpp21.ts'
import type { Answer, Payload } from './ocpp-link.ts'
import { limitInUnit, stamp, type StationParts } from './station.ts'
import { type Extension, type Inside, StationOcpp2 } from './station-ocpp2.ts'

/** The one event stream of the station, of a monitor on its power. */
const STREAM_ID = 1
const MONITOR_ID = 1
/** What an energy manager allows behind everybody's back, A per phase. */
const EXTERNAL_AMPERES = 6
const VOLTS = 230
/** So long after the first limit its driver or an energy manager interferes. Business time. */
const INTERFERES_AFTER_MS = 180_000

/**
 * A charging station that speaks OCPP 2.1 as a client: Dynamic profiles, setpoints for a car that
 * can give back, priority charging, limits of others, and values as a stream that nobody answers.
 */
export class StationOcpp21 extends StationOcpp2 {
  constructor(parts: StationParts) {
    super(parts, {
      subprotocol: 'ocpp2.1',
      model: 'AC 2.1',
      variables: variables21,
      readProfile: readProfile21,
      extend: (inside) => new Features21(inside),
    })
  }
}

class Features21 implements Extension {
  readonly #inside: Inside
  #streams = false
  #limitedSince: number | null = null
  #hasInterfered = false

  constructor(inside: Inside) {
    this.#inside = inside
  }

  answer(action: string, payload: Payload): Answer | null {
    switch (action) {
      case 'UpdateDynamicSchedule':
        return { result: this.#update(payload as unknown as OCPP21.UpdateDynamicScheduleRequest) }
      case 'UsePriorityCharging':
        return { result: { status: this.#usePriority(payload) } }
      default:
        return null
    }
  }

  booted(): void {
    const request: OCPP21.OpenPeriodicEventStreamRequest = {
      constantStreamData: { id: STREAM_ID, variableMonitoringId: MONITOR_ID, params: {} },
    }
    this.#inside.line.keep(
      'OpenPeriodicEventStream',
      () => ({ ...request }),
      ({ status }) => {
        this.#streams = status === 'Accepted'
      },
    )
  }

  metered(reading: MeterReading): void {
    this.#interfere(reading.at)
    if (!this.#streams) return
    const seconds = this.#inside.point.meteringIntervalSeconds
    const frame: OCPP21.NotifyPeriodicEventStream = {
      id: STREAM_ID,
      pending: 0,
      basetime: stamp(reading.at - seconds * 1000),
      // By schema `t` is seconds after `basetime`; the standard's own example has stamps.
      data: [{ t: seconds, v: String(reading.powerW) }],
    }
    this.#inside.line.send('NotifyPeriodicEventStream', { ...frame })
  }

  /** An update begins the duration anew (K28, dead-man's handle). */
  #update({ chargingProfileId, scheduleUpdate }: OCPP21.UpdateDynamicScheduleRequest): Payload {
    const { point, hooks } = this.#inside
    const now = hooks.now()
    const profile = point.stack.installed.find(({ id }) => id === chargingProfileId)
    const value = scheduleUpdate.setpoint ?? scheduleUpdate.limit
    if (profile?.kind !== 'Dynamic' || value === undefined) {
      return { status: 'Rejected', statusInfo: { reasonCode: 'InvalidProfile' } }
    }
    const [period] = profile.periods
    point.stack.update({
      ...profile,
      start: now,
      periods: [{ startSeconds: 0, limit: value, phases: period?.phases ?? null }],
    })
    const ends = now + (profile.durationSeconds ?? 86_400) * 1000
    hooks.setpoint({ powerW: point.limitAt(now), validUntil: ends })
    return { status: 'Accepted' }
  }

  #usePriority({ transactionId, activate }: Payload): 'Accepted' | 'Rejected' | 'NoProfile' {
    if (transactionId !== this.#inside.transactionId()) return 'Rejected'
    const { stack } = this.#inside.point
    if (!stack.installed.some(({ purpose }) => purpose === 'priority')) return 'NoProfile'
    setImmediate(() => this.#prioritise(activate === true)) // after the answer
    return 'Accepted'
  }

  #prioritise(isOn: boolean): void {
    const { point, line, transactionId } = this.#inside
    const id = transactionId()
    if (id === null) return
    point.stack.priority = isOn
    line.keep('NotifyPriorityCharging', () => ({ transactionId: id, activated: isOn }))
  }

  /** The driver's own button, or a limit from somewhere else: both are quirks of the day. */
  #interfere(at: number): void {
    const { point } = this.#inside
    const quirks = point.device.quirks ?? []
    const limited = point.limitAt(at) < point.device.rating.importMaxW
    if (limited) this.#limitedSince ??= at
    const since = this.#limitedSince
    if (since === null || this.#hasInterfered || at - since < INTERFERES_AFTER_MS) return
    this.#hasInterfered = true
    if (quirks.includes('priority')) this.#prioritise(true)
    if (quirks.includes('external')) this.#limitElsewhere(at)
  }

  #limitElsewhere(at: number): void {
    const { point, line } = this.#inside
    const { rateUnit, rating } = point.device
    const limitW = EXTERNAL_AMPERES * VOLTS * rating.phases
    point.stack.externalLimitW = limitW
    const request: OCPP21.NotifyChargingLimitRequest = {
      evseId: 1,
      chargingLimit: { chargingLimitSource: 'EMS', isGridCritical: false },
      chargingSchedule: [
        {
          id: 1,
          startSchedule: stamp(at),
          chargingRateUnit: rateUnit,
          chargingSchedulePeriod: [
            {
              startPeriod: 0,
              limit: limitInUnit(limitW, rateUnit, rating.phases),
              numberPhases: rating.phases,
            },
          ],
        },
      ],
    }
    line.keep('NotifyChargingLimit', () => ({ ...request }))
  }
}
