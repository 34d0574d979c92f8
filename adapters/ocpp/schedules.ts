/** Charging profiles in the words of each version, and the schedules in them. */
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { Rating } from '#domain/resource.ts'
import { formatInstant, instant, type Instant } from '#domain/time.ts'
import type * as Ocpp16 from 'typed-ocpp/dist/ocpp16/types.js'
import type * as Ocpp21 from 'typed-ocpp/dist/ocpp21/types.js'
import {
  type ProfileKind,
  type RateUnit,
  ratedLimit,
  toLimit,
  toSetpoint,
  toTimestamp,
} from './wire.ts'

/** In the past, so that a station whose clock lags does not leave a gap before the profile begins. */
const START_BEFORE_S = 60

type Period = { startPeriod: number; limit: number; numberPhases: number }

export type Schedule = {
  /** Absent where the kind is Relative: then it begins with the transaction. */
  startSchedule?: string
  duration?: number
  chargingRateUnit: RateUnit
  chargingSchedulePeriod: Period[]
}

/** A setpoint with its sign, which only 2.1 knows (V2X): + charges, - discharges. */
export type SetpointSchedule = Omit<Schedule, 'chargingSchedulePeriod'> & {
  chargingSchedulePeriod: {
    startPeriod: 0
    setpoint: number
    numberPhases: number
    operationMode: 'CentralSetpoint'
  }[]
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
): Schedule & { startSchedule: string; duration: number } {
  const start = setpoint.validFrom > now ? setpoint.validFrom : past(now)
  const durationS = Math.floor((setpoint.validUntil - start) / 1000)
  if (setpoint.validUntil <= now || durationS <= 0) {
    throw new DomainError(
      'device-refused',
      `setpoint ${setpoint.version} ended at ${formatInstant(setpoint.validUntil)}`,
    )
  }
  return {
    startSchedule: toTimestamp(start),
    duration: durationS,
    chargingRateUnit: unit,
    chargingSchedulePeriod: [period(0, toLimit(powerW, rating, unit), rating)],
  }
}

/**
 * Relative counts from the start of the transaction (1.6, 7.9): its duration is measured from
 * there, so that it ends when an Absolute one would. Unknown start: validTo alone has to end it.
 */
export function relativeSchedule(absolute: Schedule, until: Instant, start: Instant | null) {
  const { startSchedule: _, duration: __, ...rest } = absolute
  if (start === null || until <= start) return rest
  return { ...rest, duration: Math.floor((until - start) / 1000) }
}

/** For the only level of a default profile: no end, but a last period that lifts the limit again. */
export function untilThenRated(absolute: Schedule, rating: Rating): Schedule {
  const { duration = 0, chargingRateUnit: unit, chargingSchedulePeriod } = absolute
  const [first] = chargingSchedulePeriod
  const after = period(duration, ratedLimit(rating, unit), rating)
  const { duration: _, ...rest } = absolute
  return { ...rest, chargingSchedulePeriod: [period(0, first?.limit ?? 0, rating), after] }
}

/** No duration: it stands under everything else, so that expiry has something to fall back to. */
export function defaultSchedule(
  rating: Rating,
  unit: RateUnit,
  kind: ProfileKind,
  now: Instant,
): Schedule {
  const list = [period(0, ratedLimit(rating, unit), rating)]
  const always: Schedule = { chargingRateUnit: unit, chargingSchedulePeriod: list }
  return kind === 'Relative' ? always : { startSchedule: toTimestamp(past(now)), ...always }
}

/** Dynamic (2.1, K28): one period; `durationS` without an update, and it is no longer valid. */
export function dynamicSchedule(
  powerW: number,
  rating: Rating,
  unit: RateUnit,
  durationS: number,
): Schedule {
  return {
    duration: durationS,
    chargingRateUnit: unit,
    chargingSchedulePeriod: [period(0, toLimit(powerW, rating, unit), rating)],
  }
}

/** The same with the setpoint of a car that can give power back; Q03.FR.02: no limits beside it. */
export function centralSetpoint(
  schedule: Schedule,
  powerW: number,
  rating: Rating,
): SetpointSchedule {
  const { chargingRateUnit, chargingSchedulePeriod: _, ...rest } = schedule
  return {
    ...rest,
    chargingRateUnit,
    chargingSchedulePeriod: [
      {
        startPeriod: 0,
        operationMode: 'CentralSetpoint',
        setpoint: toSetpoint(powerW, rating, chargingRateUnit),
        numberPhases: rating.phases,
      },
    ],
  }
}

/** numberPhases is always told: absent means 3, a third of the power on a single-phase charger. */
function period(startPeriod: number, limit: number, { phases }: Rating): Period {
  return { startPeriod, limit, numberPhases: phases }
}

function past(now: Instant): Instant {
  return instant(Math.floor(now / 1000) * 1000 - START_BEFORE_S * 1000)
}

export type ProfileParts = {
  readonly id: number
  readonly stackLevel: number
  /** 'StationMax': of the whole station, named differently by each version. */
  readonly purpose: 'TxProfile' | 'TxDefaultProfile' | 'StationMax'
  readonly kind: ProfileKind
  readonly schedule: Schedule | SetpointSchedule
  /** Of a TxProfile; null for the others, which belong to no transaction. */
  readonly transactionId: string | null
  readonly validTo?: Instant
  /** 2.1: so long after the station noticed that it is offline the profile is void for good. */
  readonly maxOfflineDurationS?: number
}

/** @throws Error for what 1.6 does not know: only a bug asks for it. */
export function setProfile16(
  connectorId: number,
  parts: ProfileParts,
): Ocpp16.SetChargingProfileRequest {
  const { id, stackLevel, purpose, kind, schedule, transactionId } = parts
  if (kind === 'Dynamic') throw new Error('OCPP 1.6 knows no Dynamic profiles')
  return {
    connectorId,
    csChargingProfiles: {
      chargingProfileId: id,
      ...(transactionId === null ? {} : { transactionId: Number(transactionId) }),
      stackLevel,
      chargingProfilePurpose: purpose === 'StationMax' ? 'ChargePointMaxProfile' : purpose,
      chargingProfileKind: kind,
      ...(parts.validTo === undefined ? {} : { validTo: toTimestamp(parts.validTo) }),
      chargingSchedule: withLimits(schedule),
    },
  }
}

function withLimits(schedule: ProfileParts['schedule']): Schedule {
  if (!isOfLimits(schedule)) throw new Error('OCPP 1.6 knows no setpoints')
  return schedule
}

function isOfLimits(schedule: ProfileParts['schedule']): schedule is Schedule {
  return schedule.chargingSchedulePeriod.every((period) => 'limit' in period)
}

/** 2.0.1 and 2.1, whose additions stand only in profiles of 2.1. */
export function setProfile2x(
  evseId: number,
  parts: ProfileParts,
): Ocpp21.SetChargingProfileRequest {
  const { id, stackLevel, purpose, kind, schedule, transactionId } = parts
  const offline = parts.maxOfflineDurationS
  const chargingProfile: Ocpp21.ChargingProfileType = {
    id,
    stackLevel,
    chargingProfilePurpose: purpose === 'StationMax' ? 'ChargingStationMaxProfile' : purpose,
    chargingProfileKind: kind,
    ...(parts.validTo === undefined ? {} : { validTo: toTimestamp(parts.validTo) }),
    ...(transactionId === null ? {} : { transactionId }),
    ...(offline === undefined
      ? {}
      : { maxOfflineDuration: offline, invalidAfterOfflineDuration: true }),
    chargingSchedule: [{ id, ...schedule }],
  }
  return { evseId, chargingProfile }
}
