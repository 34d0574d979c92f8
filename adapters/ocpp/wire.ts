/**
 * OCPP <-> domain: limits, setpoints, timestamps. Inside + is consumption in W; OCPP limits are
 * positive amperes per phase or watts in total, its setpoints have our sign. Profiles stand in
 * schedules.ts, meter values in meter-values.ts.
 */
import { DomainError } from '#domain/errors.ts'
import type { Rating } from '#domain/resource.ts'
import { instant, type Instant, parseInstant } from '#domain/time.ts'
import type { EffectiveSetpoint } from '#ports.ts'
import type { Payload } from './frames.ts'
import { objects, optionalNumber, optionalText } from './read.ts'

export type RateUnit = 'A' | 'W'
/** Dynamic: of 2.1, changed by UpdateDynamicSchedule without a new profile. */
export type ProfileKind = 'Absolute' | 'Relative' | 'Dynamic'

/** Nominal phase voltage: what stations convert with, too (OCPP 1.6, 3.13.7). */
const NOMINAL_V = 230
/** IEC 61851: below 6 A per phase and above 0 there is nothing. */
const MINIMUM_A = 6

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

/**
 * What a car that can give power back shall do, + charges: within its rating, cut towards 0, and
 * nothing between 0 and 6 A per phase where it charges (IEC 61851 knows no such floor the other way).
 */
export function toSetpoint(powerW: number, rating: Rating, unit: RateUnit): number {
  const bounded = Math.max(-rating.exportMaxW, Math.min(rating.importMaxW, Math.trunc(powerW)))
  const tenths = Math.trunc((bounded * 10) / (NOMINAL_V * rating.phases))
  if (bounded >= 0 && tenths < MINIMUM_A * 10) return 0
  return (unit === 'A' ? tenths / 10 : bounded) + 0 // there is only one zero
}

/** The least power above 0 that a charger holds, and the step between two limits, W. */
export function grainOf(rating: Rating, unit: RateUnit): { minimumW: number; stepW: number } {
  const perAmpere = NOMINAL_V * rating.phases
  return {
    minimumW: Math.max(MINIMUM_A * perAmpere, rating.importMinW),
    stepW: unit === 'A' ? perAmpere / 10 : 1,
  }
}

/** The rating as far as a station obeys it: some take any higher limit as `largestA`. */
export function ratingWithin(rating: Rating, largestA: number | undefined): Rating {
  if (largestA === undefined) return rating
  const largestW = largestA * NOMINAL_V * rating.phases
  return { ...rating, importMaxW: Math.min(rating.importMaxW, largestW) }
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

/**
 * What a composite schedule says is in force. Its first period begins at the moment it was asked
 * for, whatever the station's clock shows. Empty or without a limit: 'unknown' (seen in the field).
 */
export function effectiveOf(schedule: Payload | null, rating: Rating): EffectiveSetpoint {
  const [period] = schedule === null ? [] : objects(schedule, 'chargingSchedulePeriod')
  if (schedule === null || period === undefined) return { kind: 'unknown' }
  const limit = optionalNumber(period, 'limit')
  const setpoint = optionalNumber(period, 'setpoint')
  const unit = optionalText(schedule, 'chargingRateUnit')
  if (unit !== 'A' && unit !== 'W') return { kind: 'unknown' }
  const phases = optionalNumber(period, 'numberPhases')
  if (setpoint !== null) {
    return { kind: 'limited', powerW: limitToWatts(setpoint, unit, phases ?? rating.phases) }
  }
  if (limit === null) return { kind: 'unknown' }
  return effectiveLimit(limit, unit, phases, rating)
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

/** 'Current,Power', 'A', 'W', 'Power' …; amperes first; none: it does not say. */
export function rateUnitsOf(list: string | null): RateUnit[] {
  const words = (list ?? '').split(',').map((word) => word.trim().toLowerCase())
  const units: RateUnit[] = []
  if (words.includes('current') || words.includes('a')) units.push('A')
  if (words.includes('power') || words.includes('w')) units.push('W')
  return units
}

/** Amperes where both are allowed; null: it does not say. */
export function rateUnitOf(list: string | null): RateUnit | null {
  return rateUnitsOf(list)[0] ?? null
}

/** The orders of one call begin and end together: thousands of the same stamp. */
let written: { readonly at: Instant | null; readonly text: string } = { at: null, text: '' }

/** UTC with Z: schedules in local time slip at the clock change. */
export function toTimestamp(at: Instant): string {
  if (at !== written.at) written = { at, text: new Date(at).toISOString().replace('.000', '') }
  return written.text
}

/** What nearly all stations send; a 29th to 31st is for the calendar to judge. */
const USUAL_STAMP =
  /^20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?Z$/

/** Stations that report on the clock's raster all send the same stamp, one after the other. */
let last: { readonly text: string; readonly at: Instant | null } = { text: '', at: null }

/** ISO 8601 with offset, Z, fractions, or none of it (then UTC, as such stations mean it); else null. */
export function fromTimestamp(value: string | null): Instant | null {
  if (value === null) return null
  if (value !== last.text) last = { text: value, at: parsed(value) }
  return last.at
}

function parsed(value: string): Instant | null {
  const trimmed = value.trim()
  if (USUAL_STAMP.test(trimmed)) return instant(Date.parse(trimmed))
  const zoned = /(?:[zZ]|[+-]\d{2}(?::?\d{2})?)$/.test(trimmed.slice(10)) ? trimmed : `${trimmed}Z`
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
