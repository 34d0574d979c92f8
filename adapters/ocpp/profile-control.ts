import { DomainError } from '#domain/errors.ts'
import type { Resource } from '#domain/resource.ts'
import type { EffectiveSetpoint } from '#ports.ts'
import { unreachable } from './call-queue.ts'
import { type Payload, StationError } from './frames.ts'
import { optionalObject, optionalText } from './read.ts'
import type { Session, SessionContext } from './station.ts'
import {
  defaultSchedule,
  effectiveLimit,
  effectiveOf,
  type ProfileParts,
  type ProfileStyle,
  type RateUnit,
  setpointSchedule,
} from './wire.ts'

/** What the versions spell differently. */
export type ProfileDialect = {
  readonly setProfile: (connectorId: number, parts: ProfileParts) => Payload
  readonly clearById: (id: number) => Payload
  readonly compositeSchedule: (connectorId: number, unit: RateUnit, durationS: number) => Payload
  /** Where the answer to GetCompositeSchedule carries the schedule. */
  readonly compositeField: 'chargingSchedule' | 'schedule'
}

export const PRIORITY = { setpoint: 0, readBack: 1, setUp: 2 } as const

/** Never 0: stations then answer with hardware defaults (libocpp). */
const COMPOSITE_DURATION_S = 60

export type ProfileControl = Pick<Session, 'limit' | 'release' | 'readBack'> & {
  /** Writes the default under everything else. False: the station does not take it. */
  installDefault(resource: Resource, style: ProfileStyle, deadlineMs: number): Promise<boolean>
}

/** Sets, clears and reads charging profiles on one connection. */
export function createProfileControl(
  context: SessionContext,
  dialect: ProfileDialect,
): ProfileControl {
  const { station, clock, timer, log } = context

  async function set(connectorId: number, parts: ProfileParts, deadlineMs: number) {
    const answer = await callOrRefuse(context, {
      action: 'SetChargingProfile',
      payload: dialect.setProfile(connectorId, parts),
      deadlineMs,
      priority: parts.transactionId === null ? PRIORITY.setUp : PRIORITY.setpoint,
      ...(parts.transactionId === null ? {} : { supersedeKey: setpointKey(connectorId) }),
    })
    return statusOf(answer)
  }

  return {
    async installDefault(resource, style, deadlineMs) {
      const connectorId = connectorOf(resource)
      const parts: ProfileParts = {
        id: station.ledger.idsOf(connectorId).defaultId,
        stackLevel: 0,
        schedule: defaultSchedule(resource.rating, style.unit, clock.now()),
        transactionId: null,
      }
      try {
        return (await set(connectorId, parts, deadlineMs)).accepted
      } catch (error) {
        if (error instanceof DomainError && error.code === 'device-refused') return false
        throw error
      }
    },

    async limit(resource, setpoint, powerW, deadlineMs) {
      const connectorId = connectorOf(resource)
      const transaction = station.transactions.running(connectorId)
      if (transaction === null) {
        throw refused(station.identity, `no transaction is running at ${connectorId}`)
      }
      const until = timer.monotonicMs() + deadlineMs
      const wanted = station.setUp?.style ?? { unit: 'A', stackLevel: 1 }
      let last = 'nothing'
      for (const style of ladder(wanted)) {
        const remainingMs = Math.ceil(until - timer.monotonicMs())
        if (remainingMs <= 0) throw unreachable(station.identity, 'no time left to try another profile')
        const { unit, stackLevel } = style
        const schedule = setpointSchedule(setpoint, powerW, resource.rating, unit, clock.now())
        const id = station.ledger.idsOf(connectorId).limitId
        const status = await set(
          connectorId,
          { id, stackLevel, schedule, transactionId: transaction.id },
          remainingMs,
        )
        if (status.accepted) {
          if (station.setUp !== null) station.setUp = { ...station.setUp, style }
          station.ledger.changed(connectorId, clock.now())
          return
        }
        last = status.text
        if (!status.worthAnotherTry) break
        log.warn('a charging profile was refused', {
          identity: station.identity,
          unit,
          stackLevel,
          status: last,
        })
      }
      throw refused(station.identity, `answered SetChargingProfile with ${last}`)
    },

    async release(resource, deadlineMs) {
      const connectorId = connectorOf(resource)
      const answer = await callOrRefuse(context, {
        action: 'ClearChargingProfile',
        payload: dialect.clearById(station.ledger.idsOf(connectorId).limitId),
        deadlineMs,
        priority: PRIORITY.setpoint,
        supersedeKey: setpointKey(connectorId),
      })
      const { text } = statusOf(answer)
      // Unknown: it has expired, or went with its transaction.
      if (text !== 'Accepted' && text !== 'Unknown') {
        throw refused(station.identity, `answered ClearChargingProfile with ${text}`)
      }
      station.ledger.changed(connectorId, clock.now())
    },

    async readBack(resource, deadlineMs) {
      const connectorId = connectorOf(resource)
      const unit = station.setUp?.style.unit ?? 'A'
      const payload = dialect.compositeSchedule(connectorId, unit, COMPOSITE_DURATION_S)
      try {
        const answer = await context.call({
          action: 'GetCompositeSchedule',
          payload,
          deadlineMs,
          priority: PRIORITY.readBack,
        })
        const schedule = statusOf(answer).accepted
          ? optionalObject(answer, dialect.compositeField)
          : null
        const effective = effectiveOf(schedule, resource.rating)
        return effective.kind === 'unknown' ? offeredInstead(context, resource) : effective
      } catch (error) {
        if (error instanceof StationError) return offeredInstead(context, resource)
        throw error
      }
    },
  }
}

/** Many stations refuse composite schedules: the current they say they offer is the next best. */
function offeredInstead({ station }: SessionContext, resource: Resource): EffectiveSetpoint {
  const connectorId = connectorOf(resource)
  const offer = station.ledger.lastOffered(connectorId)
  const changedAt = station.ledger.changedAt(connectorId)
  if (offer === null || (changedAt !== null && offer.at <= changedAt)) return { kind: 'unknown' }
  return effectiveLimit(offer.ampere, 'A', null, resource.rating)
}

/** What to try when a station refuses: only stack level 0 (ABB, Wallbox), only the other unit. */
function ladder(style: ProfileStyle): ProfileStyle[] {
  const other: RateUnit = style.unit === 'A' ? 'W' : 'A'
  const lower: ProfileStyle[] = style.stackLevel === 0 ? [] : [{ ...style, stackLevel: 0 }]
  return [style, ...lower, { ...style, unit: other }]
}

function setpointKey(connectorId: number): string {
  return `setpoint ${connectorId}`
}

/** A CALLERROR is a refusal, too. */
async function callOrRefuse(
  { station, call }: SessionContext,
  request: Parameters<SessionContext['call']>[0],
): Promise<Payload> {
  try {
    return await call(request)
  } catch (error) {
    if (!(error instanceof StationError)) throw error
    throw refused(station.identity, `answered ${request.action} with ${error.message}`)
  }
}

function statusOf(answer: Payload): { accepted: boolean; text: string; worthAnotherTry: boolean } {
  const status = optionalText(answer, 'status') ?? 'no status'
  const reason = optionalText(optionalObject(answer, 'statusInfo') ?? {}, 'reasonCode')
  const about = /^(Tx|InvalidTransaction|Unknown|.*EVSE)/i.test(reason ?? '')
  return {
    accepted: status === 'Accepted',
    text: reason === null ? status : `${status} (${reason})`,
    // Another form of profile does not help where the transaction or the EVSE is not there.
    worthAnotherTry: status === 'Rejected' && !about,
  }
}

/** @throws Error for a resource of another protocol: only a bug attaches one here. */
export function connectorOf(resource: Resource): number {
  if (resource.connection.protocol !== 'ocpp') {
    throw new Error(`resource ${resource.id} is not connected by OCPP`)
  }
  return resource.connection.connectorId
}

function refused(identity: string, reason: string): DomainError {
  return new DomainError('device-refused', `station ${identity} ${reason}`)
}
