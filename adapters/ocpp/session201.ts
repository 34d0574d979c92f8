/** OCPP 2.0.1 and what 2.1 has in common with it: what a station says, and how it is set up. */
import type { Instant } from '#domain/time.ts'
import {
  clearedChargingLimit,
  endOverride,
  notifyChargingLimit,
  securityEvent,
} from './conditions.ts'
import { type Payload, WireError } from './frames.ts'
import { type MeterValue, meterValues } from './meter-values.ts'
import type { ProfileDialect } from './profile-calls.ts'
import { createProfileControl } from './profile-control.ts'
import { integer, object, optionalNumber, optionalObject, optionalText, text } from './read.ts'
import { ask, eventTime, HEARTBEAT_S, soleConnector, waitUntilHeard } from './session-rules.ts'
import { setProfile2x } from './schedules.ts'
import { setUpStation } from './set-up.ts'
import { setUpDialect2x } from './setup201.ts'
import { reportMeterValues, type Session, type SessionContext } from './station.ts'
import { fromTimestamp, toTimestamp } from './wire.ts'

const ACKNOWLEDGED = [
  'FirmwareStatusNotification',
  'LogStatusNotification',
  'NotifyCustomerInformation',
  'NotifyDisplayMessages',
  'NotifyEvent',
  'NotifyMonitoringReport',
  'NotifyReport',
  'PublishFirmwareStatusNotification',
  'ReportChargingProfiles',
  'ReservationStatusUpdate',
] as const

const DIALECT: ProfileDialect = {
  setProfile: (evseId, parts) => ({ ...setProfile2x(evseId, parts) }),
  clearById: (chargingProfileId) => ({ chargingProfileId }),
  clearWhere: (chargingProfilePurpose, stackLevel, evseId) => ({
    chargingProfileCriteria: {
      ...(evseId === undefined ? {} : { evseId }),
      chargingProfilePurpose,
      ...(stackLevel === null ? {} : { stackLevel }),
    },
  }),
  compositeSchedule: (evseId, chargingRateUnit, duration) => ({
    evseId,
    duration,
    chargingRateUnit,
  }),
  updateDynamic: (chargingProfileId, scheduleUpdate) => ({ chargingProfileId, scheduleUpdate }),
  compositeField: 'schedule',
}

export type Handlers = Record<string, (payload: Payload) => Payload>

/** Speaks 2.0.1 on one connection; with `more` what a later version adds. */
export function createSession201(context: SessionContext, more: Handlers = {}): Session {
  const profiles = createProfileControl(context, DIALECT)
  const dialects = { profile: DIALECT, setUp: setUpDialect2x(context) }
  const handlers: Handlers = {
    BootNotification: (payload) => boot(context, payload),
    Heartbeat: () => ({ currentTime: toTimestamp(context.clock.now()) }),
    // Who may charge is not ours to say: the operator's own system does.
    Authorize: () => ({ idTokenInfo: { status: 'Accepted' } }),
    StatusNotification: (payload) => statusNotification(context, payload),
    TransactionEvent: (payload) => transactionEvent(context, payload, profiles),
    MeterValues: (payload) => takeMeterValues(context, payload),
    NotifyEVChargingNeeds: (payload) => chargingNeeds(context, payload),
    NotifyEVChargingSchedule: () => ({ status: 'Accepted' }),
    NotifyChargingLimit: (payload) => notifyChargingLimit(context, payload, profiles.readBack),
    ClearedChargingLimit: (payload) => clearedChargingLimit(context, payload),
    SecurityEventNotification: (payload) => securityEvent(context, payload),
    DataTransfer: () => ({ status: 'UnknownVendorId' }),
    // Certificates come from the operator's own system; an unwelcome status is a good answer.
    SignCertificate: () => ({ status: 'Rejected' }),
    GetCertificateStatus: () => ({ status: 'Failed' }),
    Get15118EVCertificate: () => ({ status: 'Failed', exiResponse: '' }),
  }
  for (const action of ACKNOWLEDGED) handlers[action] = () => ({})
  Object.assign(handlers, more)

  return {
    limit: profiles.limit,
    leastInstead: profiles.leastInstead,
    release: profiles.release,
    readBack: profiles.readBack,
    heardState: profiles.heardState,
    needsTending: profiles.needsTending,
    tend: profiles.tend,
    answer(action, payload) {
      const handler = Object.hasOwn(handlers, action) ? handlers[action] : undefined
      if (handler === undefined) throw new WireError('NotSupported', `${action} is not served`)
      return handler(payload)
    },
    setUp: async () => await setUpStation(context, profiles, dialects),
    async learn(evseId) {
      const payload = { requestedMessage: 'TransactionEvent', evse: { id: evseId } }
      if ((await ask(context, 'TriggerMessage', payload)) !== 'Accepted') return
      await waitUntilHeard(context, evseId)
    },
  }
}

function boot({ clock, onBoot }: SessionContext, payload: Payload): Payload {
  const station = optionalObject(payload, 'chargingStation') ?? {}
  const told = ['vendorName', 'model', 'serialNumber', 'firmwareVersion']
  onBoot(JSON.stringify(told.map((field) => optionalText(station, field))))
  return { status: 'Accepted', currentTime: toTimestamp(clock.now()), interval: HEARTBEAT_S }
}

function statusNotification({ station }: SessionContext, payload: Payload): Payload {
  const evseId = integer(payload, 'evseId')
  const status = text(payload, 'connectorStatus')
  if (status === 'Available') station.transactions.idle(evseId)
  else if (status === 'Unavailable' || status === 'Faulted') station.transactions.heard(evseId)
  return {}
}

/** Events may come late and out of order; seqNo is not needed, because an end stays an end. */
function transactionEvent(
  context: SessionContext,
  payload: Payload,
  { heardState }: Pick<Session, 'heardState'>,
): Payload {
  const { transactions } = context.station
  const info = object(payload, 'transactionInfo')
  const id = text(info, 'transactionId')
  const eventType = text(payload, 'eventType')
  const at = eventTime(context, text(payload, 'timestamp'))
  const aligned = optionalText(payload, 'triggerReason') === 'MeterValueClock'
  const values = meterValues(context.version, payload, 'meterValue', aligned)
  const evseId = evseOf(context, payload, id)
  if (evseId !== null) {
    follow(transactions, eventType, evseId, id, at, values)
    reportMeterValues(context, evseId, values)
    const state = optionalText(info, 'chargingState')
    if (state !== null) heardState(evseId, state)
    if (eventType === 'Ended') endOverride(context, evseId)
  }
  const token = optionalObject(payload, 'idToken')
  return token === null ? {} : { idTokenInfo: { status: 'Accepted' } }
}

function follow(
  transactions: SessionContext['station']['transactions'],
  eventType: string,
  evseId: number,
  id: string,
  at: Instant,
  values: readonly MeterValue[],
): void {
  if (eventType === 'Started') {
    transactions.begin(evseId, id, { startedAt: at, startRegisterWh: registerOf(values[0]) })
  } else if (eventType === 'Updated') {
    transactions.carryOn(evseId, id, null, at)
  } else if (eventType === 'Ended') {
    // The last event may repeat the first value: it tells the start to whoever missed it.
    const first = values.find((value) => value.beginsTransaction)
    const startedAt = first?.at ?? null
    transactions.end(evseId, id, at, { startedAt, startRegisterWh: registerOf(first) })
  } else {
    throw new WireError('PropertyConstraintViolation', `eventType ${eventType} is not known`)
  }
}

function registerOf(value: MeterValue | undefined): number | null {
  const register = value?.registerWh ?? null
  return register === null ? null : Math.round(register)
}

/** Only the first event of a transaction must name its EVSE. */
function evseOf({ station }: SessionContext, payload: Payload, id: string): number | null {
  const told = optionalNumber(optionalObject(payload, 'evse') ?? {}, 'id')
  return told ?? station.transactions.find(id)?.connectorId ?? soleConnector(station)
}

/** Outside a transaction only; EVSE 0 is the station's main meter and no resource. */
function takeMeterValues(context: SessionContext, payload: Payload): Payload {
  const evseId = integer(payload, 'evseId')
  context.station.transactions.heard(evseId)
  reportMeterValues(context, evseId, meterValues(context.version, payload, 'meterValue'))
  return {}
}

/** From ISO 15118, or typed in by the driver. 'Processing': a profile comes with the next order. */
function chargingNeeds({ station }: SessionContext, payload: Payload): Payload {
  const needs = object(payload, 'chargingNeeds')
  const ac = optionalObject(needs, 'acChargingParameters')
  const dc = optionalObject(needs, 'dcChargingParameters')
  const energy = optionalNumber(ac ?? dc ?? {}, 'energyAmount')
  station.transactions.need(integer(payload, 'evseId'), null, {
    energyNeededWh: energy === null || energy < 0 ? null : Math.round(energy),
    departureAt: fromTimestamp(optionalText(needs, 'departureTime')),
  })
  return { status: 'Processing' }
}
