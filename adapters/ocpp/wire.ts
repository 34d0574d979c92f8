/**
 * OCPP <-> domain: limits, profiles, schedules, timestamps. Inside + is consumption in W; OCPP
 * limits are positive amperes per phase or watts in total. Meter values stand in meter-values.ts.
 */
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { Rating } from '#domain/resource.ts'
import { formatInstant, instant, type Instant, parseInstant } from '#domain/time.ts'
import type { EffectiveSetpoint } from '#ports.ts'
import type * as Ocpp16 from 'typed-ocpp/dist/ocpp16/types.js'
import type * as Ocpp201 from 'typed-ocpp/dist/ocpp20/types.js'
import type { Payload } from './frames.ts'
import { objects, optionalNumber, optionalText } from './read.ts'

export type RateUnit = 'A' | 'W'

/** How a station wants its profiles; learnt at onboarding and from what it refuses. */
export type ProfileStyle = {
  readonly unit: RateUnit
  readonly stackLevel: 0 | 1
}

/** Nominal phase voltage: what stations convert with, too (OCPP 1.6, 3.13.7). */
const NOMINAL_V = 230
/** IEC 61851: below 6 A per phase and above 0 there is nothing. */
const MINIMUM_A = 6
/** In the past, so that a station whose clock lags does not leave a gap before the profile begins. */
const START_BEFORE_S = 60

/**
 * The limit that lets through at most `powerW`: {0} ∪ [6 A per phase, rated maximum], cut to one
 * decimal and never rounded up.
 * @throws DomainError device-refused if only a pause would do and the charger must not be paused.
 */
export function toLimit(powerW: number, rating: Rating, unit: RateUnit): number {
  const allowed = Math.max(0, Math.min(Math.floor(powerW), rating.importMaxW))
  const perAmpere = NOMINAL_V * rating.phases
  const tenths = Math.floor((allowed * 10) / perAmpere)
  const holds = tenths >= MINIMUM_A * 10 && allowed >= rating.importMinW
  if (holds) return unit === 'A' ? tenths / 10 : allowed
  if (!rating.pausable) {
    throw new DomainError(
      'device-refused',
      `a limit of ${powerW} W is below the charger's minimum, and it must not be paused`,
    )
  }
  return 0
}

/** The power that a limit lets through, W. */
export function limitToWatts(limit: number, unit: RateUnit, phases: number): number {
  return Math.round(unit === 'A' ? limit * NOMINAL_V * phases : limit)
}

/** The rated maximum as a limit: what the default profile allows. */
export function ratedLimit(rating: Rating, unit: RateUnit): number {
  const tenths = Math.floor((rating.importMaxW * 10) / (NOMINAL_V * rating.phases))
  return unit === 'A' ? tenths / 10 : rating.importMaxW
}

type Schedule = {
  startSchedule: string
  duration?: number
  chargingRateUnit: RateUnit
  chargingSchedulePeriod: { startPeriod: number; limit: number; numberPhases: number }[]
}

/**
 * Absolute, beginning in the past unless the setpoint begins later, ending by itself at validUntil.
 * @throws DomainError device-refused if it has ended already.
 */
export function setpointSchedule(
  setpoint: DesiredSetpoint,
  powerW: number,
  rating: Rating,
  unit: RateUnit,
  now: Instant,
): Schedule {
  const start = setpoint.validFrom > now ? setpoint.validFrom : past(now)
  const durationS = Math.floor((setpoint.validUntil - start) / 1000)
  if (setpoint.validUntil <= now || durationS <= 0) {
    throw new DomainError(
      'device-refused',
      `setpoint ${setpoint.version} ended at ${formatInstant(setpoint.validUntil)}`,
    )
  }
  return {
    ...schedule(toLimit(powerW, rating, unit), rating, unit, start),
    duration: durationS,
  }
}

/** No duration: it stands under everything else, so that expiry has something to fall back to. */
export function defaultSchedule(rating: Rating, unit: RateUnit, now: Instant): Schedule {
  return schedule(ratedLimit(rating, unit), rating, unit, past(now))
}

function schedule(limit: number, rating: Rating, unit: RateUnit, start: Instant): Schedule {
  return {
    startSchedule: toTimestamp(start),
    chargingRateUnit: unit,
    // numberPhases is always told: absent means 3, a third of the power on a single-phase charger.
    chargingSchedulePeriod: [{ startPeriod: 0, limit, numberPhases: rating.phases }],
  }
}

function past(now: Instant): Instant {
  return instant(Math.floor(now / 1000) * 1000 - START_BEFORE_S * 1000)
}

export type ProfileParts = {
  readonly id: number
  readonly stackLevel: number
  readonly schedule: Schedule
  /** null: the default profile, which belongs to no transaction. */
  readonly transactionId: string | null
}

export function setProfile16(
  connectorId: number,
  parts: ProfileParts,
): Ocpp16.SetChargingProfileRequest {
  const { id, stackLevel, schedule: chargingSchedule, transactionId } = parts
  return {
    connectorId,
    csChargingProfiles: {
      chargingProfileId: id,
      ...(transactionId === null ? {} : { transactionId: Number(transactionId) }),
      stackLevel,
      chargingProfilePurpose: transactionId === null ? 'TxDefaultProfile' : 'TxProfile',
      chargingProfileKind: 'Absolute',
      chargingSchedule,
    },
  }
}

export function setProfile201(
  evseId: number,
  parts: ProfileParts,
): Ocpp201.SetChargingProfileRequest {
  const { id, stackLevel, schedule: chargingSchedule, transactionId } = parts
  return {
    evseId,
    chargingProfile: {
      id,
      stackLevel,
      chargingProfilePurpose: transactionId === null ? 'TxDefaultProfile' : 'TxProfile',
      chargingProfileKind: 'Absolute',
      ...(transactionId === null ? {} : { transactionId }),
      chargingSchedule: [{ id, ...chargingSchedule }],
    },
  }
}

/**
 * What a composite schedule says is in force. Its first period begins at the moment it was asked
 * for, whatever the station's clock shows. Empty or without a limit: 'unknown' (seen in the field).
 */
export function effectiveOf(schedule: Payload | null, rating: Rating): EffectiveSetpoint {
  const [period] = schedule === null ? [] : objects(schedule, 'chargingSchedulePeriod')
  if (schedule === null || period === undefined) return { kind: 'unknown' }
  const limit = optionalNumber(period, 'limit')
  const unit = optionalText(schedule, 'chargingRateUnit')
  if (limit === null || (unit !== 'A' && unit !== 'W')) return { kind: 'unknown' }
  return effectiveLimit(limit, unit, optionalNumber(period, 'numberPhases'), rating)
}

/** A limit below the rated maximum is a limit; anything else is the default. */
export function effectiveLimit(
  limit: number,
  unit: RateUnit,
  phases: number | null,
  rating: Rating,
): EffectiveSetpoint {
  // Limits are compared as limits: a car that uses one phase does not make 16 A a restriction.
  if (limit >= ratedLimit(rating, unit)) return { kind: 'default' }
  return { kind: 'limited', powerW: limitToWatts(limit, unit, phases ?? rating.phases) }
}

/** 'Current,Power', 'A', 'W', 'Power' …; amperes where both are allowed; null: it does not say. */
export function rateUnitOf(list: string | null): RateUnit | null {
  const words = (list ?? '').split(',').map((word) => word.trim().toLowerCase())
  if (words.includes('current') || words.includes('a')) return 'A'
  if (words.includes('power') || words.includes('w')) return 'W'
  return null
}

/** UTC with Z: schedules in local time slip at the clock change. */
export function toTimestamp(at: Instant): string {
  return formatInstant(at)
}

/** ISO 8601 with offset, Z, fractions, or none of it (then UTC, as such stations mean it); else null. */
export function fromTimestamp(value: string | null): Instant | null {
  if (value === null) return null
  const trimmed = value.trim()
  const zoned = /(?:[zZ]|[+-]\d{2}:?\d{2})$/.test(trimmed.slice(10)) ? trimmed : `${trimmed}Z`
  try {
    return parseInstant(zoned)
  } catch {
    return null
  }
}

// 1.6 wants whole numbers as transaction ids, from us. Ours tell when the transaction began: the
// end of one that began before a restart of this service is still known for what it is.
const TRANSACTION_EPOCH_S = Date.UTC(2020, 0, 1) / 1000

export function transactionIdOf(startedAt: Instant): number {
  return Math.floor(startedAt / 1000) - TRANSACTION_EPOCH_S
}

/** null for an id that this service cannot have given within the last 30 days. */
export function startOfTransaction(id: number, now: Instant): Instant | null {
  const startedAt = (id + TRANSACTION_EPOCH_S) * 1000
  const ageMs = now - startedAt
  return ageMs >= 0 && ageMs < 30 * 86_400_000 ? instant(startedAt) : null
}
