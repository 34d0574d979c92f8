import type { OCPP20 } from 'typed-ocpp'
import type { ScenarioCharger } from '../scenarios/scenario.ts'
import type { ChargePoint, MeterReading } from './charge-point.ts'
import type { Session } from './visit.ts'
import { DeviceModel, type Variable } from './device-model-ocpp201.ts'
import { meterValue } from './messages-ocpp201.ts'
import type { Answer, Payload } from './ocpp-link.ts'
import { LEAST_AMPERES, PHASE_VOLTS } from './profile-stack.ts'
import { ProfilesOcpp2, type ProfilesParts } from './profiles-ocpp2.ts'
import { type DeviceHooks, stamp, type StationParts } from './station.ts'
import type { StationLine } from './station-line.ts'
import { StationOcpp } from './station-ocpp.ts'

type TransactionEvent = OCPP20.TransactionEventRequest
type Transaction = { readonly id: string; sequence: number }

const REGISTER = ['Energy.Active.Import.Register']

/** What a version adds to what 2.0.1 and 2.1 have in common. */
export type Version2 = {
  readonly subprotocol: 'ocpp2.0.1' | 'ocpp2.1'
  readonly model: string
  readonly variables: (device: ScenarioCharger) => Variable[]
  readonly readProfile: ProfilesParts['read']
  readonly extend?: (inside: Inside) => Extension
}

/** What an extension of a version may use. */
export type Inside = {
  readonly point: ChargePoint
  readonly hooks: DeviceHooks
  readonly line: StationLine
  readonly transactionId: () => string | null
}

export type Extension = {
  /** null: not known here. */
  answer(action: string, payload: Payload): Answer | null
  booted(): void
  metered(reading: MeterReading): void
}

/** A charging station that speaks OCPP 2.x as a client, with one EVSE and one connector. */
export class StationOcpp2 extends StationOcpp {
  readonly #model: DeviceModel
  readonly #profiles: ProfilesOcpp2
  readonly #extension: Extension | null
  #transaction: Transaction | null = null

  constructor(parts: StationParts, version: Version2) {
    const { subprotocol, model } = version
    super(parts, { subprotocol, boot: (ref) => ({ ...bootOf(ref, model) }) })
    const { point, line, hooks } = this
    this.#model = new DeviceModel(version.variables(point.device), (seconds) => {
      point.meteringIntervalSeconds = seconds
    })
    const transactionId = () => this.#transaction?.id ?? null
    this.#profiles = new ProfilesOcpp2({ point, hooks, transactionId, read: version.readProfile })
    this.#extension = version.extend?.({ point, hooks, line, transactionId }) ?? null
  }

  protected metered(reading: MeterReading): void {
    this.#sendMeter(reading, 'Sample.Clock')
    this.#extension?.metered(reading)
  }

  protected reacted(at: number): void {
    this.#event('Updated', 'ChargingStateChanged', at)
  }

  protected introduce(): void {
    const { session } = this.point
    if (session === null) this.#status('Available')
    else this.begin(session)
    this.#extension?.booted()
  }

  protected begin(session: Session): void {
    if (!this.line.booted) return // told with the boot
    this.#transaction = { id: `${this.ref}-${session.startedAt}`.slice(0, 36), sequence: 0 }
    this.#status('Occupied')
    const register = { ...this.point.readNow(), registerWh: session.startRegisterWh }
    this.#event('Started', 'CablePluggedIn', session.startedAt, {
      idToken: { idToken: `tag-${this.ref}`, type: 'Local' },
      meterValue: meterValue({ ...register, at: session.startedAt }, REGISTER, 'Transaction.Begin'),
    })
    this.#tellNeeds(session)
  }

  #tellNeeds({ visit }: Session): void {
    const { phases } = this.point.device.rating
    const needs: OCPP20.NotifyEVChargingNeedsRequest = {
      evseId: 1,
      chargingNeeds: {
        requestedEnergyTransfer: phases === 1 ? 'AC_single_phase' : 'AC_three_phase',
        departureTime: visit.departureAt,
        acChargingParameters: {
          energyAmount: visit.energyNeededWh,
          evMinCurrent: LEAST_AMPERES,
          evMaxCurrent: Math.max(LEAST_AMPERES, Math.round(visit.car.maxW / PHASE_VOLTS / phases)),
          evMaxVoltage: phases === 1 ? PHASE_VOLTS : 400,
        },
      },
    }
    this.line.keep('NotifyEVChargingNeeds', () => ({ ...needs }))
  }

  protected end(session: Session): void {
    const reading = { ...this.point.readNow(), at: session.departureAt }
    this.#event('Ended', 'EVDeparted', session.departureAt, {
      meterValue: meterValue(reading, REGISTER, 'Transaction.End'),
    })
    this.#transaction = null
    this.#status('Available')
  }

  #status(connectorStatus: 'Available' | 'Occupied'): void {
    if (!this.line.booted) return
    const timestamp = stamp(this.hooks.now())
    this.line.keep('StatusNotification', () => ({
      timestamp,
      connectorStatus,
      evseId: 1,
      connectorId: 1,
    }))
  }

  #event(
    eventType: TransactionEvent['eventType'],
    triggerReason: TransactionEvent['triggerReason'],
    at: number,
    more: {
      idToken?: NonNullable<TransactionEvent['idToken']>
      meterValue?: ReturnType<typeof meterValue>
    } = {},
  ): void {
    const transaction = this.#transaction
    if (transaction === null || !this.line.booted) return
    const event: TransactionEvent = {
      eventType,
      timestamp: stamp(at),
      triggerReason,
      seqNo: transaction.sequence,
      offline: !this.line.open,
      transactionInfo: {
        transactionId: transaction.id,
        chargingState: this.#chargingState(eventType),
        ...(eventType === 'Ended' ? { stoppedReason: 'EVDisconnected' as const } : {}),
      },
      evse: { id: 1, connectorId: 1 },
      ...(more.idToken === undefined ? {} : { idToken: more.idToken }),
      ...(more.meterValue ? { meterValue: [more.meterValue] } : {}),
    }
    transaction.sequence += 1
    this.line.keep('TransactionEvent', () => ({ ...event }))
  }

  #chargingState(
    eventType: TransactionEvent['eventType'],
  ): NonNullable<TransactionEvent['transactionInfo']['chargingState']> {
    if (eventType === 'Ended') return 'Idle'
    if (this.point.suspended) return 'SuspendedEVSE'
    return 'Charging'
  }

  #sendMeter(reading: MeterReading, context: 'Sample.Clock' | 'Trigger'): void {
    if (!this.meters) return
    const isSigned = context === 'Sample.Clock' && this.#model.signsReadings
    const record = isSigned ? (this.signing?.record(reading) ?? null) : null
    const value = meterValue(reading, this.#model.measurands, context, record)
    if (value === null) return
    if (this.#transaction === null) {
      this.line.keep('MeterValues', () => ({ evseId: 1, meterValue: [value] }))
      return
    }
    const reason = context === 'Trigger' ? 'Trigger' : 'MeterValueClock'
    this.#event('Updated', reason, reading.at, { meterValue: value })
  }

  protected answer(action: string, payload: Payload): Answer {
    switch (action) {
      case 'GetVariables':
        return { result: this.#model.get(payload as unknown as OCPP20.GetVariablesRequest) }
      case 'SetVariables':
        return { result: this.#model.set(payload as unknown as OCPP20.SetVariablesRequest) }
      case 'GetBaseReport':
        setImmediate(() => this.#report(Number(payload.requestId)))
        return { result: { status: 'Accepted' } }
      case 'SetChargingProfile':
        return {
          result: this.#profiles.set(payload as unknown as OCPP20.SetChargingProfileRequest),
        }
      case 'ClearChargingProfile':
        return { result: { status: this.#profiles.clear(payload) } }
      case 'GetCompositeSchedule':
        return { result: this.#profiles.composite(payload) }
      case 'TriggerMessage':
        return { result: { status: this.#trigger(String(payload.requestedMessage)) } }
      case 'DataTransfer':
        return { result: { status: 'UnknownVendorId' } }
      case 'RequestStartTransaction':
      case 'RequestStopTransaction':
      case 'Reset':
        return { result: { status: 'Rejected' } }
      default:
        return (
          this.#extension?.answer(action, payload) ?? {
            error: 'NotImplemented',
            why: `${action} is not known here`,
          }
        )
    }
  }

  #report(requestId: number): void {
    const generatedAt = stamp(this.hooks.now())
    const reportData = this.#model.report()
    this.line.keep('NotifyReport', () => ({ requestId, generatedAt, seqNo: 0, reportData }))
  }

  #trigger(message: string): 'Accepted' | 'NotImplemented' {
    const meter = () => this.#sendMeter(this.point.readNow(), 'Trigger')
    return this.trigger(message, {
      MeterValues: meter,
      TransactionEvent: meter,
      StatusNotification: () =>
        this.#status(this.point.session === null ? 'Available' : 'Occupied'),
    })
  }
}

function bootOf(ref: string, model: string): OCPP20.BootNotificationRequest {
  return {
    reason: 'PowerUp',
    chargingStation: {
      vendorName: 'Gridcall Simulations',
      model,
      serialNumber: ref.slice(0, 25),
      firmwareVersion: '1.0.0',
    },
  }
}
