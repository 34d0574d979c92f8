import type { OCPP16 } from 'typed-ocpp'
import type { MeterReading } from './charge-point.ts'
import type { Session } from './visit.ts'
import {
  type Configuration,
  configurationOf,
  type ProfileRequest,
  PURPOSES,
  readProfile,
  sampledValues,
  SIGNED_CONTEXTS,
  STACK_LEVEL_MAX,
} from './messages-ocpp16.ts'
import type { Answer, Payload } from './ocpp-link.ts'
import { limitInUnit, profileEnd, stamp, type StationParts } from './station.ts'
import { StationOcpp } from './station-ocpp.ts'

/** A charge point that speaks OCPP 1.6J as a client, with one connector. */
export class StationOcpp16 extends StationOcpp {
  readonly #configuration: Configuration
  /** Given by the central system in its answer; null until then. */
  #transaction: { id: number | null } | null = null

  /** @param subprotocol another one only where the station mixes up versions (B10) */
  constructor(parts: StationParts, subprotocol: 'ocpp1.6' | 'ocpp2.0.1' = 'ocpp1.6') {
    super(parts, { subprotocol, boot: (ref) => ({ ...bootOf(ref) }) })
    this.#configuration = configurationOf(this.point.device)
  }

  protected metered(reading: MeterReading): void {
    this.#sendMeter(reading, 'Sample.Clock')
  }

  protected reacted(_at: number, limitW: number): void {
    if (this.point.session === null) return
    this.#status(limitW === 0 ? 'SuspendedEVSE' : 'Charging')
  }

  protected introduce(): void {
    const { session } = this.point
    if (session === null) this.#status('Available')
    else this.begin(session)
  }

  protected begin(session: Session): void {
    if (!this.line.booted) return // told with the boot
    const transaction: { id: number | null } = { id: null }
    this.#transaction = transaction
    this.#status('Preparing')
    const start: OCPP16.StartTransactionRequest = {
      connectorId: 1,
      idTag: `tag-${this.ref}`.slice(0, 20),
      meterStart: session.startRegisterWh,
      timestamp: stamp(session.startedAt),
    }
    this.line.keep(
      'StartTransaction',
      () => ({ ...start }),
      (answer) => {
        transaction.id = Number(answer.transactionId)
        this.#tellNeeds(session, transaction.id)
        this.#status(this.point.suspended ? 'SuspendedEVSE' : 'Charging')
      },
    )
  }

  /** 1.6 has no message for what a driver needs: our own one inside DataTransfer. */
  #tellNeeds({ visit }: Session, transactionId: number): void {
    const data = JSON.stringify({
      transactionId,
      energyAmount: visit.energyNeededWh,
      departureTime: visit.departureAt,
    })
    this.line.keep('DataTransfer', () => ({
      vendorId: 'org.gridcall',
      messageId: 'ChargingNeeds',
      data,
    }))
  }

  protected end(session: Session): void {
    const transaction = this.#transaction
    this.#transaction = null
    const at = stamp(Math.min(session.departureAt, this.hooks.now()))
    const meterStop = this.point.registerWh
    const isGone = this.hooks.now() >= session.departureAt
    this.line.keep('StopTransaction', () => ({
      transactionId: transaction?.id ?? -1, // errata: its start was never answered
      meterStop,
      timestamp: at,
      reason: isGone ? 'EVDisconnected' : 'Remote',
    }))
    // Some stay in Finishing until the plug is pulled (C3), where others would start again.
    const isStuck = !isGone && this.point.device.quirks?.includes('C3') === true
    this.#status(isGone ? 'Available' : isStuck ? 'Finishing' : 'Preparing')
  }

  #remoteStop(transactionId: unknown): 'Accepted' | 'Rejected' {
    if (this.#transaction === null || transactionId !== this.#transaction.id) return 'Rejected'
    setImmediate(() => this.point.endSession()) // after the answer
    return 'Accepted'
  }

  #status(status: OCPP16.StatusNotificationRequest['status']): void {
    if (!this.line.booted) return
    const timestamp = stamp(this.hooks.now())
    this.line.keep('StatusNotification', () => ({
      connectorId: 1,
      errorCode: 'NoError',
      status,
      timestamp,
    }))
  }

  #sendMeter(reading: MeterReading, context: 'Sample.Clock' | 'Trigger'): void {
    if (!this.meters) return
    const measurands = this.#configuration.get('MeterValuesAlignedData')?.value.split(',') ?? []
    const sampledValue = measurands.flatMap((measurand) =>
      sampledValues(measurand, reading, context),
    )
    if (sampledValue.length === 0) return
    const signs = this.#configuration.get(SIGNED_CONTEXTS)?.value.split(',').includes(context)
    if (signs && this.signing) {
      const value = this.signing.record(reading)
      const measurand = 'Energy.Active.Import.Register'
      sampledValue.push({ value, format: 'SignedData', context, measurand })
    }
    const transaction = this.#transaction
    this.line.keep('MeterValues', () => ({
      connectorId: 1,
      ...(transaction === null || transaction.id === null ? {} : { transactionId: transaction.id }),
      meterValue: [{ timestamp: stamp(reading.at), sampledValue }],
    }))
  }

  protected answer(action: string, payload: Payload): Answer {
    switch (action) {
      case 'GetConfiguration':
        return { result: this.#getConfiguration(payload) }
      case 'ChangeConfiguration':
        return { result: { status: this.#changeConfiguration(payload) } }
      case 'SetChargingProfile':
        return { result: { status: this.#setProfile(payload as unknown as ProfileRequest) } }
      case 'ClearChargingProfile':
        return { result: { status: this.#clearProfile(payload) } }
      case 'GetCompositeSchedule':
        return { result: this.#compositeSchedule(payload) }
      case 'TriggerMessage':
        return { result: { status: this.#trigger(String(payload.requestedMessage)) } }
      case 'DataTransfer':
        return { result: { status: 'UnknownVendorId' } }
      case 'RemoteStopTransaction':
        return { result: { status: this.#remoteStop(payload.transactionId) } }
      case 'RemoteStartTransaction':
      case 'Reset':
        return { result: { status: 'Rejected' } }
      default:
        return { error: 'NotImplemented', why: `${action} is not known here` }
    }
  }

  #getConfiguration(payload: Payload): Payload {
    const asked = Array.isArray(payload.key) ? payload.key.map(String) : null
    const keys = asked ?? [...this.#configuration.keys()]
    const known = keys.filter((key) => this.#configuration.has(key))
    const unknown = keys.filter((key) => !this.#configuration.has(key))
    return {
      configurationKey: known.map((key) => ({ key, ...this.#configuration.get(key) })),
      ...(unknown.length === 0 ? {} : { unknownKey: unknown }),
    }
  }

  #changeConfiguration(payload: Payload): string {
    const key = String(payload.key)
    const value = String(payload.value)
    const entry = this.#configuration.get(key)
    if (entry === undefined) return 'NotSupported'
    if (entry.readonly) return 'Rejected'
    if (key === 'ClockAlignedDataInterval') {
      if (!/^\d+$/.test(value) || Number(value) === 0) return 'Rejected'
      this.point.meteringIntervalSeconds = Number(value)
    }
    this.#configuration.set(key, { value, readonly: false })
    return 'Accepted'
  }

  #setProfile({ connectorId, csChargingProfiles }: ProfileRequest): 'Accepted' | 'Rejected' {
    const { session, device } = this.point
    const { chargingSchedule, transactionId } = csChargingProfiles
    const profile = readProfile(csChargingProfiles)
    if (profile === null || chargingSchedule.chargingRateUnit !== device.rateUnit) return 'Rejected'
    if (profile.stackLevel > STACK_LEVEL_MAX || connectorId > 1) return 'Rejected'
    if (
      (profile.purpose === 'station-max') !== (connectorId === 0) &&
      profile.purpose !== 'tx-default'
    ) {
      return 'Rejected'
    }
    if (profile.purpose === 'tx') {
      if (session === null) return 'Rejected'
      if (transactionId !== undefined && transactionId !== this.#transaction?.id) return 'Rejected'
    }
    this.point.stack.install(profile)
    if (profile.purpose === 'tx' && session !== null) {
      const now = this.hooks.now()
      this.hooks.setpoint({
        powerW: this.point.limitAt(now),
        validUntil: profileEnd(profile, now, session.departureAt),
      })
    }
    return 'Accepted'
  }

  #clearProfile(payload: Payload): 'Accepted' | 'Unknown' {
    const { id, chargingProfilePurpose, stackLevel } = payload as OCPP16.ClearChargingProfileRequest
    const purpose = chargingProfilePurpose && PURPOSES[chargingProfilePurpose]
    const cleared = this.point.stack.clear((profile) => {
      if (id !== undefined) return profile.id === id // all other fields are ignored then
      if (purpose !== undefined && profile.purpose !== purpose) return false
      return stackLevel === undefined || profile.stackLevel === stackLevel
    })
    return cleared > 0 ? 'Accepted' : 'Unknown'
  }

  #compositeSchedule(payload: Payload): Payload {
    const { connectorId, duration, chargingRateUnit } =
      payload as unknown as OCPP16.GetCompositeScheduleRequest
    if (connectorId > 1 || duration <= 0) return { status: 'Rejected' }
    const { rateUnit, rating } = this.point.device
    const unit = chargingRateUnit ?? rateUnit
    const now = this.hooks.now()
    return {
      status: 'Accepted',
      connectorId,
      scheduleStart: stamp(now),
      chargingSchedule: {
        duration,
        chargingRateUnit: unit,
        chargingSchedulePeriod: this.point.scheduleFrom(now, duration).map((period) => ({
          startPeriod: period.startSeconds,
          limit: limitInUnit(period.limitW, unit, rating.phases),
          numberPhases: rating.phases,
        })),
      },
    }
  }

  #trigger(message: string): 'Accepted' | 'NotImplemented' {
    return this.trigger(message, {
      MeterValues: () => this.#sendMeter(this.point.readNow(), 'Trigger'),
      StatusNotification: () => this.#introduceStatus(),
    })
  }

  #introduceStatus(): void {
    if (this.point.session === null) this.#status('Available')
    else this.#status(this.point.suspended ? 'SuspendedEVSE' : 'Charging')
  }
}

function bootOf(ref: string): OCPP16.BootNotificationRequest {
  return {
    chargePointVendor: 'Gridcall Simulations',
    chargePointModel: 'AC 1.6',
    chargePointSerialNumber: ref,
    firmwareVersion: '1.0.0',
  }
}
