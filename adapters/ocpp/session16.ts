/** OCPP 1.6: what a charge point says, and how it is set up. */
import { createHash } from 'node:crypto'
import { instant } from '#domain/time.ts'
import { securityEvent } from './conditions.ts'
import { type Payload, WireError } from './frames.ts'
import { meterValues } from './meter-values.ts'
import type { ProfileDialect } from './profile-calls.ts'
import { createProfileControl } from './profile-control.ts'
import { integer, optionalNumber, optionalText, text } from './read.ts'
import { reportMeterValues, type Session, type SessionContext } from './station.ts'
import {
  ask,
  eventTime,
  HEARTBEAT_S,
  latestOf,
  soleConnector,
  waitUntilHeard,
} from './session-rules.ts'
import { setProfile16 } from './schedules.ts'
import { setUpStation } from './set-up.ts'
import { setUpDialect16 } from './setup16.ts'
import { fromTimestamp, startOfTransaction, toTimestamp, transactionIdOf } from './wire.ts'

const ACKNOWLEDGED = [
  'DiagnosticsStatusNotification',
  'FirmwareStatusNotification',
  'LogStatusNotification',
  'SignedFirmwareStatusNotification',
] as const

const DIALECT: ProfileDialect = {
  setProfile: (connectorId, parts) => ({ ...setProfile16(connectorId, parts) }),
  clearById: (id) => ({ id }),
  clearWhere: (chargingProfilePurpose, stackLevel, connectorId) => ({
    ...(connectorId === undefined ? {} : { connectorId }),
    chargingProfilePurpose,
    ...(stackLevel === null ? {} : { stackLevel }),
  }),
  compositeSchedule: (connectorId, chargingRateUnit, duration) => ({
    connectorId,
    duration,
    chargingRateUnit,
  }),
  compositeField: 'chargingSchedule',
}

type Handler = (
  context: SessionContext,
  payload: Payload,
  profiles: Pick<Session, 'heardState'>,
) => Payload

/** One table for all stations: a gateway holds tens of thousands. */
const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['BootNotification', boot],
  ['Heartbeat', ({ clock }) => ({ currentTime: toTimestamp(clock.now()) })],
  // Who may charge is not ours to say: the operator's own system does.
  ['Authorize', () => ({ idTagInfo: { status: 'Accepted' } })],
  ['StatusNotification', statusNotification],
  ['StartTransaction', startTransaction],
  ['StopTransaction', stopTransaction],
  ['MeterValues', takeMeterValues],
  ['DataTransfer', dataTransfer],
  ['SecurityEventNotification', securityEvent],
  // Certificates come from the operator's own system.
  ['SignCertificate', () => ({ status: 'Rejected' })],
  ...ACKNOWLEDGED.map((action): [string, Handler] => [action, () => ({})]),
])

/** Speaks 1.6 on one connection. */
export function createSession16(context: SessionContext): Session {
  const profiles = createProfileControl(context, DIALECT)
  const dialects = { profile: DIALECT, setUp: setUpDialect16(context) }
  return {
    limit: profiles.limit,
    leastInstead: profiles.leastInstead,
    release: profiles.release,
    readBack: profiles.readBack,
    heardState: profiles.heardState,
    needsTending: profiles.needsTending,
    tend: profiles.tend,
    answer(action, payload) {
      const handler = HANDLERS.get(action)
      if (handler === undefined) throw new WireError('NotSupported', `${action} is not served`)
      return handler(context, payload, profiles)
    },
    setUp: async () => await setUpStation(context, profiles, dialects),
    async learn(connectorId) {
      const payload = { requestedMessage: 'MeterValues', connectorId }
      if ((await ask(context, 'TriggerMessage', payload)) !== 'Accepted') return
      await waitUntilHeard(context, connectorId)
    },
  }
}

function boot({ clock, onBoot }: SessionContext, payload: Payload): Payload {
  const told = [
    'chargePointVendor',
    'chargePointModel',
    'chargePointSerialNumber',
    'firmwareVersion',
  ]
  onBoot(JSON.stringify(told.map((field) => optionalText(payload, field))))
  return { status: 'Accepted', currentTime: toTimestamp(clock.now()), interval: HEARTBEAT_S }
}

function statusNotification(
  { station }: SessionContext,
  payload: Payload,
  { heardState }: Pick<Session, 'heardState'>,
): Payload {
  const connectorId = integer(payload, 'connectorId')
  const status = text(payload, 'status')
  heardState(connectorId, status)
  if (status === 'Available') station.transactions.idle(connectorId)
  else if (['Preparing', 'Reserved', 'Unavailable', 'Faulted'].includes(status)) {
    station.transactions.heard(connectorId)
  }
  return {}
}

function startTransaction(context: SessionContext, payload: Payload): Payload {
  const { transactions } = context.station
  const connectorId = integer(payload, 'connectorId')
  const startRegisterWh = integer(payload, 'meterStart')
  const timestamp = text(payload, 'timestamp')
  const startKey = keyOfStart(connectorId, text(payload, 'idTag'), startRegisterWh, timestamp)
  const given = transactions.startedAs(startKey)
  if (given !== null) return { transactionId: Number(given), idTagInfo: { status: 'Accepted' } }
  const startedAt = instant(Math.floor(eventTime(context, timestamp) / 1000) * 1000)
  // The id tells the second of the start; what else began in it has the next free one.
  let id = transactionIdOf(startedAt)
  for (;;) {
    const known = transactions.find(String(id))
    // Heard of by its meter values alone: its start comes late, or this service was restarted.
    if (known === null) break
    if (known.connectorId === connectorId && known.startRegisterWh === null) break
    id += 1
  }
  transactions.begin(connectorId, String(id), { startedAt, startRegisterWh, startKey })
  return { transactionId: id, idTagInfo: { status: 'Accepted' } }
}

/**
 * What makes a start the same one, whatever its message id: stations send it again under new ids
 * (EVerest/libocpp#298, matth-x/MicroOcpp#237) and after a reconnect (mobilityhouse/ocpp#186). The
 * id tag is only kept as part of the digest.
 */
function keyOfStart(connectorId: number, idTag: string, meterStart: number, at: string): string {
  const told = JSON.stringify([connectorId, idTag, meterStart, at])
  return createHash('sha256').update(told).digest('base64')
}

function stopTransaction(context: SessionContext, payload: Payload): Payload {
  const { station, clock } = context
  const endedAt = eventTime(context, text(payload, 'timestamp'))
  const id = integer(payload, 'transactionId')
  const connectorId = station.transactions.find(String(id))?.connectorId ?? soleConnector(station)
  if (connectorId !== null) {
    // -1 and the like: started offline, and never told what we call it (errata 1.6).
    const known = id > 0 ? String(id) : station.transactions.running(connectorId)?.id
    if (known !== undefined) {
      const startedAt = id > 0 ? startOfTransaction(id, clock.now()) : null
      const beginning = { startedAt, startRegisterWh: null }
      station.transactions.end(connectorId, known, endedAt, beginning)
    }
    reportMeterValues(context, connectorId, meterValues('ocpp1.6', payload, 'transactionData'))
  }
  return { idTagInfo: { status: 'Accepted' } }
}

function takeMeterValues(context: SessionContext, payload: Payload): Payload {
  const { station, clock } = context
  const connectorId = integer(payload, 'connectorId')
  const values = meterValues('ocpp1.6', payload, 'meterValue')
  const id = optionalNumber(payload, 'transactionId')
  if (id !== null && id > 0) {
    const startedAt = startOfTransaction(id, clock.now())
    station.transactions.carryOn(connectorId, String(id), startedAt, latestOf(values))
  } else {
    station.transactions.heard(connectorId)
  }
  reportMeterValues(context, connectorId, values)
  return {}
}

/** 1.6 has no message for what a driver needs; ours is a DataTransfer. */
function dataTransfer(context: SessionContext, payload: Payload): Payload {
  if (text(payload, 'vendorId') !== 'org.gridcall') return { status: 'UnknownVendorId' }
  if (optionalText(payload, 'messageId') !== 'ChargingNeeds') return { status: 'UnknownMessageId' }
  const needs = jsonObject(optionalText(payload, 'data'))
  const id = needs === null ? null : optionalNumber(needs, 'transactionId')
  const energy = needs === null ? null : optionalNumber(needs, 'energyAmount')
  if (needs === null || id === null || energy === null || energy < 0) return { status: 'Rejected' }
  const { station, clock } = context
  const { transactions } = station
  const connectorId = transactions.find(String(id))?.connectorId ?? soleConnector(station)
  if (connectorId === null) return { status: 'Rejected' }
  const now = clock.now()
  transactions.carryOn(connectorId, String(id), startOfTransaction(id, now), now)
  transactions.need(connectorId, String(id), {
    energyNeededWh: Math.round(energy),
    departureAt: fromTimestamp(optionalText(needs, 'departureTime')),
  })
  return { status: 'Accepted' }
}

function jsonObject(data: string | null): Payload | null {
  try {
    const value: unknown = JSON.parse(data ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Payload)
      : null
  } catch {
    return null
  }
}
