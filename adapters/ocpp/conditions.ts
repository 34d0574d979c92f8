/** What others do to a station behind our back: limits from elsewhere, the driver's override. */
import type { Rating, Resource } from '#domain/resource.ts'
import type { Instant } from '#domain/time.ts'
import type { Payload } from './frames.ts'
import {
  createLimitsElsewhere,
  type LimitsElsewhere,
  noteLimit,
  WHOLE_STATION,
} from './limits-elsewhere.ts'
import { flag, object, objects, optionalNumber, optionalText, text } from './read.ts'
import { eventTime } from './session-rules.ts'
import type { Session, SessionContext, Station } from './station.ts'
import { fromTimestamp, limitToWatts } from './wire.ts'

/** Per EVSE, over all connections of a station; few stations have any. */
export type Conditions = {
  readonly limits: LimitsElsewhere
  /** EVSEs whose driver wants full power now. */
  overridden: Set<number> | null
}

const READ_BACK_DEADLINE_MS = 10_000
const ORDER_DEADLINE_MS = 10_000

export function createConditions(): Conditions {
  return { limits: createLimitsElsewhere(), overridden: null }
}

/** NotifyChargingLimit: an energy manager, a grid operator or another system has set a limit. */
export function notifyChargingLimit(
  context: SessionContext,
  payload: Payload,
  readBack: Session['readBack'],
): Payload {
  const source = text(object(payload, 'chargingLimit'), 'chargingLimitSource')
  const schedules = objects(payload, 'chargingSchedule')
  const place = placeOf(payload)
  const rating = ratingOf(context.station, place)
  if (rating === null) return {}
  if (schedules.length === 0) askForLimit(context, place, source, readBack)
  else noteLimit(context, place, source, lowest(schedules, rating, context.clock.now()))
  return {}
}

export function clearedChargingLimit(context: SessionContext, payload: Payload): Payload {
  const source = text(payload, 'chargingLimitSource')
  const place = placeOf(payload)
  const places = place === WHOLE_STATION ? [place, ...context.station.resources.keys()] : [place]
  for (const one of places) noteLimit(context, one, source, null)
  return {}
}

/** NotifyPriorityCharging of 2.1: the driver opts out of control for this transaction, or in again. */
export function notifyPriorityCharging(context: SessionContext, payload: Payload): Payload {
  const id = text(payload, 'transactionId')
  const isOn = flag(payload, 'activated')
  const evseId = context.station.transactions.find(id)?.connectorId
  if (evseId !== undefined) override(context, evseId, isOn)
  return {}
}

/** Does the driver want full power now, whatever is ordered? */
export function isOverridden({ conditions }: Station, evseId: number): boolean {
  return conditions.overridden?.has(evseId) === true
}

/** What a driver asked for ends with the transaction. */
export function endOverride(context: SessionContext, evseId: number): void {
  if (isOverridden(context.station, evseId)) override(context, evseId, false)
}

/** Only its type: the free text beside it may hold addresses or id tags. */
export function securityEvent(context: SessionContext, payload: Payload): Payload {
  const { station, sink } = context
  const detail = text(payload, 'type').slice(0, 50)
  eventTime(context, text(payload, 'timestamp'))
  const [first] = station.resources.values()
  sink.security({ resourceId: first?.id ?? null, kind: 'reported', detail })
  return {}
}

function override(context: SessionContext, evseId: number, isOn: boolean): void {
  const { station, sink } = context
  const resource = station.resources.get(evseId)
  if (resource === undefined) return
  const overridden = (station.conditions.overridden ??= new Set())
  if (isOn) overridden.add(evseId)
  else overridden.delete(evseId)
  sink.overridden(resource.id, isOn)
  if (!isOn) orderAgain(context, evseId, resource)
}

/** What was refused while the driver had full power holds again. */
function orderAgain({ station, clock, log }: SessionContext, evseId: number, resource: Resource) {
  const wanted = station.ledger.wanted(evseId)
  const isOrdered = wanted !== null && wanted.validUntil > clock.now()
  if (!isOrdered || wanted.powerW === null || !station.ready) return
  if (station.transactions.running(evseId) === null) return
  station.session
    ?.limit(resource, wanted, wanted.powerW, ORDER_DEADLINE_MS)
    .catch((error: unknown) => {
      const { identity } = station
      log.warn('a limit could not be set after an override', { identity, error: String(error) })
    })
}

/** Without an EVSE, or with EVSE 0, a limit holds for the whole station. */
function placeOf(payload: Payload): number {
  return optionalNumber(payload, 'evseId') ?? WHOLE_STATION
}

/** What the place is built for; null: it is none of ours. */
function ratingOf({ resources }: SessionContext['station'], place: number): Rating | null {
  if (place !== WHOLE_STATION) return resources.get(place)?.rating ?? null
  const ratings = [...resources.values()].map(({ rating }) => rating)
  return ratings.find(({ phases }) => phases === 3) ?? ratings[0] ?? null
}

/** The lowest power of all periods that have not ended: what may be promised until it is cleared. */
function lowest(schedules: readonly Payload[], rating: Rating, now: Instant): number | null {
  const limits = schedules.flatMap((schedule) => limitsAhead(schedule, rating, now))
  return limits.length === 0 ? null : Math.min(...limits)
}

function limitsAhead(schedule: Payload, rating: Rating, now: Instant): number[] {
  const start = fromTimestamp(optionalText(schedule, 'startSchedule')) ?? now
  const durationS = optionalNumber(schedule, 'duration')
  if (durationS !== null && start + durationS * 1000 <= now) return []
  const unit = optionalText(schedule, 'chargingRateUnit') === 'A' ? 'A' : 'W'
  const periods = objects(schedule, 'chargingSchedulePeriod')
  return periods.flatMap((period, index) => {
    const next = periods[index + 1]
    const until = next === undefined ? null : optionalNumber(next, 'startPeriod')
    if (until !== null && start + until * 1000 <= now) return []
    const limitW = limitOf(period, unit, rating)
    return limitW === null ? [] : [limitW]
  })
}

/** 2.1 may tell the phases one by one; there W, too, are per phase. */
function limitOf(period: Payload, unit: 'A' | 'W', rating: Rating): number | null {
  const limit = optionalNumber(period, 'limit')
  if (limit === null || limit < 0) return null
  const others = ['limit_L2', 'limit_L3'].map((field) => optionalNumber(period, field))
  const told = others.filter((one) => one !== null)
  if (told.length > 0) {
    return limitToWatts(
      told.reduce((sum, one) => sum + one, limit),
      unit,
      1,
    )
  }
  const phases = Math.min(optionalNumber(period, 'numberPhases') ?? rating.phases, rating.phases)
  return limitToWatts(limit, unit, phases)
}

/** The message may come without a schedule: what is in force then tells, where nothing is of ours. */
function askForLimit(
  context: SessionContext,
  place: number,
  source: string,
  readBack: Session['readBack'],
): void {
  const { station, clock, log } = context
  const { identity } = station
  const [evseId, resource] =
    [...station.resources].find(([one]) => place === WHOLE_STATION || one === place) ?? []
  if (evseId === undefined || resource === undefined) return
  const ours = station.ledger.wanted(evseId)
  if (ours !== null && ours.powerW !== null && ours.validUntil > clock.now()) {
    log.warn('a limit from elsewhere came without its height', { identity, evseId, source })
    return
  }
  readBack(resource, READ_BACK_DEADLINE_MS).then(
    (effective) => {
      if (effective.kind === 'limited') noteLimit(context, place, source, effective.powerW)
    },
    (error: unknown) => {
      const told = String(error)
      log.warn('a limit from elsewhere could not be read', { identity, evseId, error: told })
    },
  )
}
