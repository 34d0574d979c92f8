import type { OCPP20 } from 'typed-ocpp'
import type { ChargePoint, MeterReading } from './charge-point.ts'
import type { Session } from './visit.ts'
import { DeviceModel } from './device-model-ocpp201.ts'
import { meterValue, PURPOSES, readProfile } from './messages-ocpp201.ts'
import type { Answer, LinkAddress, Payload } from './ocpp-link.ts'
import { LEAST_AMPERES, PHASE_VOLTS } from './profile-stack.ts'
import { limitInUnit, profileEnd, stamp, type Station, type StationParts } from './station.ts'
import { StationLine } from './station-line.ts'

type TransactionEvent = OCPP20.TransactionEventRequest
type Transaction = { readonly id: string; sequence: number }

const REGISTER = ['Energy.Active.Import.Register']

/** A charging station that speaks OCPP 2.0.1 as a client, with one EVSE and one connector. */
export class StationOcpp201 implements Station {
  readonly point: ChargePoint
  readonly #parts: StationParts
  readonly #model: DeviceModel
  readonly #line: StationLine
  #silent = false
  #transaction: Transaction | null = null

  constructor(parts: StationParts) {
    this.#parts = parts
    this.point = parts.point({
      metered: (reading) => this.#sendMeter(reading, 'Sample.Clock'),
      sessionStarted: (session) => this.#begin(session),
      sessionEnded: (session, outcome) => {
        this.#end(session)
        parts.hooks.driverLeft(outcome)
      },
      backAtDefault: parts.hooks.backAtDefault,
      reacted: (at, limitW) => {
        parts.hooks.log('reaction', { offeredW: limitW, powerAt: stamp(at) })
        this.#event('Updated', 'ChargingStateChanged', at)
      },
    })
    this.#model = new DeviceModel(this.point.device, (seconds) => {
      this.point.meteringIntervalSeconds = seconds
    })
    this.#line = new StationLine(parts.random, parts.hooks, {
      subprotocol: 'ocpp2.0.1',
      boot: { ...bootOf(this.ref) },
      point: this.point,
      introduce: () => this.#introduce(),
      answer: (action, payload) => {
        this.point.advance(parts.hooks.now())
        return this.#answer(action, payload)
      },
    })
  }

  get ref(): string {
    return this.point.device.ref
  }

  get ready(): boolean {
    return this.#line.ready
  }

  connect(address: LinkAddress): void {
    this.#line.connect(address)
  }

  fallSilent(): void {
    this.#silent = true
  }

  move(): void {
    this.#line.move()
  }

  stop(): void {
    this.#line.stop()
  }

  #introduce(): void {
    const { session } = this.point
    if (session === null) this.#status('Available')
    else this.#begin(session)
  }

  #begin(session: Session): void {
    if (!this.#line.booted) return // told with the boot
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
    this.#line.keep('NotifyEVChargingNeeds', () => ({ ...needs }))
  }

  #end(session: Session): void {
    const reading = { ...this.point.readNow(), at: session.departureAt }
    this.#event('Ended', 'EVDeparted', session.departureAt, {
      meterValue: meterValue(reading, REGISTER, 'Transaction.End'),
    })
    this.#transaction = null
    this.#status('Available')
  }

  #status(connectorStatus: 'Available' | 'Occupied'): void {
    if (!this.#line.booted) return
    const timestamp = stamp(this.#parts.hooks.now())
    this.#line.keep('StatusNotification', () => ({
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
    if (transaction === null || !this.#line.booted) return
    const event: TransactionEvent = {
      eventType,
      timestamp: stamp(at),
      triggerReason,
      seqNo: transaction.sequence,
      offline: !this.#line.open,
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
    this.#line.keep('TransactionEvent', () => ({ ...event }))
  }

  #chargingState(
    eventType: TransactionEvent['eventType'],
  ): NonNullable<TransactionEvent['transactionInfo']['chargingState']> {
    if (eventType === 'Ended') return 'Idle'
    if (this.point.suspended) return 'SuspendedEVSE'
    return 'Charging'
  }

  #sendMeter(reading: MeterReading, context: 'Sample.Clock' | 'Trigger'): void {
    if (this.#silent || !this.#line.booted) return
    const value = meterValue(reading, this.#model.measurands, context)
    if (value === null) return
    if (this.#transaction === null) {
      this.#line.keep('MeterValues', () => ({ evseId: 1, meterValue: [value] }))
      return
    }
    const reason = context === 'Trigger' ? 'Trigger' : 'MeterValueClock'
    this.#event('Updated', reason, reading.at, { meterValue: value })
  }

  #answer(action: string, payload: Payload): Answer {
    switch (action) {
      case 'GetVariables':
        return { result: this.#model.get(payload as unknown as OCPP20.GetVariablesRequest) }
      case 'SetVariables':
        return { result: this.#model.set(payload as unknown as OCPP20.SetVariablesRequest) }
      case 'GetBaseReport':
        setImmediate(() => this.#report(Number(payload.requestId)))
        return { result: { status: 'Accepted' } }
      case 'SetChargingProfile':
        return { result: this.#setProfile(payload as unknown as OCPP20.SetChargingProfileRequest) }
      case 'ClearChargingProfile':
        return { result: { status: this.#clearProfile(payload) } }
      case 'GetCompositeSchedule':
        return { result: this.#compositeSchedule(payload) }
      case 'TriggerMessage':
        return { result: { status: this.#trigger(String(payload.requestedMessage)) } }
      case 'DataTransfer':
        return { result: { status: 'UnknownVendorId' } }
      case 'RequestStartTransaction':
      case 'RequestStopTransaction':
      case 'Reset':
        return { result: { status: 'Rejected' } }
      default:
        return { error: 'NotImplemented', why: `${action} is not known here` }
    }
  }

  #report(requestId: number): void {
    const generatedAt = stamp(this.#parts.hooks.now())
    const reportData = this.#model.report()
    this.#line.keep('NotifyReport', () => ({ requestId, generatedAt, seqNo: 0, reportData }))
  }

  #setProfile({ evseId, chargingProfile }: OCPP20.SetChargingProfileRequest): Payload {
    const refuse = (reasonCode: string) => ({ status: 'Rejected', statusInfo: { reasonCode } })
    const { session, device } = this.point
    const profile = readProfile(chargingProfile, device.rateUnit)
    if ('refusal' in profile) return refuse(profile.refusal)
    if (evseId > 1) return refuse('UnknownEvse') // FR.28
    if (profile.purpose === 'station-max' && evseId !== 0) return refuse('InvalidProfile')
    if (profile.purpose === 'tx') {
      const { transactionId } = chargingProfile
      if (evseId === 0 || transactionId === undefined) return refuse('InvalidProfile')
      // FR.09 and FR.33: no transaction, or another one.
      if (transactionId !== this.#transaction?.id) return refuse('TxNotFound')
    }
    if (this.#collides(profile.id, profile.purpose, profile.stackLevel)) {
      return refuse('DuplicateProfile') // FR.06, FR.39
    }
    this.point.stack.install(profile)
    if (profile.purpose === 'tx' && session !== null) {
      const now = this.#parts.hooks.now()
      this.#parts.hooks.setpoint({
        powerW: this.point.limitAt(now),
        validUntil: profileEnd(profile, now, session.departureAt),
      })
    }
    return { status: 'Accepted' }
  }

  /** Another id with the same purpose and level, whose time is not over. */
  #collides(id: number, purpose: string, stackLevel: number): boolean {
    const now = this.#parts.hooks.now()
    return this.point.stack.installed.some((other) => {
      if (other.id === id || other.purpose !== purpose || other.stackLevel !== stackLevel)
        return false
      return profileEnd(other, now, Number.POSITIVE_INFINITY) > now
    })
  }

  #clearProfile(payload: Payload): 'Accepted' | 'Unknown' {
    const { chargingProfileId, chargingProfileCriteria } =
      payload as OCPP20.ClearChargingProfileRequest
    const wire = chargingProfileCriteria?.chargingProfilePurpose
    const purpose = wire && (PURPOSES as Record<string, string | undefined>)[wire]
    const level = chargingProfileCriteria?.stackLevel
    const cleared = this.point.stack.clear((profile) => {
      if (chargingProfileId !== undefined) return profile.id === chargingProfileId
      if (wire !== undefined && profile.purpose !== purpose) return false
      return level === undefined || profile.stackLevel === level
    })
    return cleared > 0 ? 'Accepted' : 'Unknown'
  }

  #compositeSchedule(payload: Payload): Payload {
    const { evseId, duration, chargingRateUnit } =
      payload as unknown as OCPP20.GetCompositeScheduleRequest
    const { rateUnit, rating } = this.point.device
    if (evseId > 1 || duration <= 0 || (chargingRateUnit ?? rateUnit) !== rateUnit) {
      return { status: 'Rejected', statusInfo: { reasonCode: 'UnsupportedRateUnit' } } // K08.FR.07
    }
    const now = this.#parts.hooks.now()
    return {
      status: 'Accepted',
      schedule: {
        evseId,
        duration,
        scheduleStart: stamp(now),
        chargingRateUnit: rateUnit,
        chargingSchedulePeriod: this.point.scheduleFrom(now, duration).map((period) => ({
          startPeriod: period.startSeconds,
          limit: limitInUnit(period.limitW, rateUnit, rating.phases),
          numberPhases: rating.phases,
        })),
      },
    }
  }

  #trigger(message: string): 'Accepted' | 'NotImplemented' {
    const meter = () => this.#sendMeter(this.point.readNow(), 'Trigger')
    const actions: Record<string, (() => void) | undefined> = {
      MeterValues: meter,
      TransactionEvent: meter,
      StatusNotification: () =>
        this.#status(this.point.session === null ? 'Available' : 'Occupied'),
      Heartbeat: () => this.#line.keep('Heartbeat', () => ({})),
      BootNotification: () => this.#line.boot(),
    }
    const action = actions[message]
    if (action === undefined) return 'NotImplemented'
    setImmediate(action) // after the answer
    return 'Accepted'
  }
}

function bootOf(ref: string): OCPP20.BootNotificationRequest {
  return {
    reason: 'PowerUp',
    chargingStation: {
      vendorName: 'Gridcall Simulations',
      model: 'AC 2.0.1',
      serialNumber: ref.slice(0, 25),
      firmwareVersion: '1.0.0',
    },
  }
}
