/** OCPP 2.1: what a charging station says beyond 2.0.1. */
import { notifyPriorityCharging } from './conditions.ts'
import { createEventStreams } from './event-streams.ts'
import { type Payload, WireError } from './frames.ts'
import { heldW } from './profile-order.ts'
import { integer, object, objects, text } from './read.ts'
import { createSession201 } from './session201.ts'
import type { Session, SessionContext } from './station.ts'
import { toLimit, toSetpoint, toTimestamp } from './wire.ts'

const ACKNOWLEDGED = [
  'BatterySwap',
  'NotifyDERAlarm',
  'NotifyDERStartStop',
  // A payment between driver and operator; there is no receipt of ours.
  'NotifySettlement',
  'ReportDERControl',
] as const

/** Speaks 2.1 on one connection. */
export function createSession21(context: SessionContext): Session {
  const streams = createEventStreams(context)
  const handlers: Record<string, (payload: Payload) => Payload> = {
    NotifyPriorityCharging: (payload) => notifyPriorityCharging(context, payload),
    PullDynamicScheduleUpdate: (payload) => pullDynamicSchedule(context, payload),
    OpenPeriodicEventStream: (payload) => streams.open(payload),
    ClosePeriodicEventStream: (payload) => streams.close(payload),
    NotifyMonitoringReport: (payload) => streams.learnMonitors(payload),
    NotifyReport: (payload) => streams.learnUnits(payload),
    GetCertificateChainStatus: (payload) => certificateChainStatus(context, payload),
    // Whose company that is, is not known here.
    VatNumberValidation: (payload) => ({
      vatNumber: text(payload, 'vatNumber'),
      status: 'Rejected',
    }),
  }
  for (const action of ACKNOWLEDGED) handlers[action] = () => ({})
  return {
    ...createSession201(context, handlers),
    take(action, payload) {
      if (action === 'NotifyPeriodicEventStream') streams.take(payload)
      else throw new WireError('NotImplemented', `${action} is not served`)
    },
  }
}

/** An update starts the duration of a profile again: none is given that would carry it too far. */
const PULL_BEFORE_END_MS = 300_000

/** A Dynamic profile of ours whose station fetches its limit (K28): the order that stands for it. */
function pullDynamicSchedule(context: SessionContext, payload: Payload): Payload {
  const { station, clock } = context
  const id = integer(payload, 'chargingProfileId')
  for (const [evseId, resource] of station.resources) {
    const { rating } = resource
    if (station.ledger.idsOf(evseId).limitId !== id) continue
    const wanted = station.ledger.inForce(evseId)?.setpoint ?? null
    if (wanted === null || wanted.powerW === null) break
    if (wanted.validUntil - clock.now() < PULL_BEFORE_END_MS) break
    const { unit } = station.ledger.forms(evseId).current
    const isSigned = station.setUp?.abilities.centralSetpoint === true && rating.exportMaxW > 0
    const powerW = heldW(station, resource, wanted.powerW)
    const scheduleUpdate = isSigned
      ? { setpoint: toSetpoint(powerW, rating, unit) }
      : { limit: toLimit(powerW, rating, unit) }
    return { status: 'Accepted', scheduleUpdate }
  }
  return { status: 'Rejected', statusInfo: { reasonCode: 'UnknownProfile' } }
}

/** The revocation of certificates is not looked up here: 'Failed' leaves it to the station. */
function certificateChainStatus({ clock }: SessionContext, payload: Payload): Payload {
  const nextUpdate = toTimestamp(clock.now())
  return {
    certificateStatus: objects(payload, 'certificateStatusRequests').map((request) => ({
      certificateHashData: object(request, 'certificateHashData'),
      source: text(request, 'source'),
      status: 'Failed',
      nextUpdate,
    })),
  }
}
