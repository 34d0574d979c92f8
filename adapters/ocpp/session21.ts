/** OCPP 2.1: what a charging station says beyond 2.0.1. */
import { notifyPriorityCharging } from './conditions.ts'
import { createEventStreams } from './event-streams.ts'
import { type Payload, WireError } from './frames.ts'
import { integer, object, objects, text } from './read.ts'
import { createSession201 } from './session201.ts'
import type { Session, SessionContext } from './station.ts'
import { toLimit, toTimestamp } from './wire.ts'

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
    NotifyMonitoringReport: (payload) => streams.learn(payload),
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

/** A Dynamic profile of ours whose station fetches its limit (K28): the order that stands for it. */
function pullDynamicSchedule({ station, clock }: SessionContext, payload: Payload): Payload {
  const id = integer(payload, 'chargingProfileId')
  for (const [evseId, { rating }] of station.resources) {
    if (station.ledger.idsOf(evseId).limitId !== id) continue
    const wanted = station.ledger.wanted(evseId)
    if (wanted === null || wanted.powerW === null || wanted.validUntil <= clock.now()) break
    const limit = toLimit(wanted.powerW, rating, station.ledger.forms(evseId).current.unit)
    return { status: 'Accepted', scheduleUpdate: { limit } }
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
