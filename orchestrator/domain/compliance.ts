import type { SetpointRow } from './dispatch-instruction.ts'
import type { Program } from './program.ts'
import type { Direction } from './resource.ts'
import type { DeviceReading } from './telemetry.ts'
import { addSeconds, type Instant } from './time.ts'

/** What a program says of it: W, share of the setpoint, and seconds between readings. */
export type ComplianceRules = Pick<
  Program,
  'meteringIntervalSeconds' | 'toleranceW' | 'toleranceBp'
>

export type Verdict =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'obeys'; readonly since: Instant }
  | {
      readonly kind: 'not-obeying'
      readonly reason: 'not-obeying' | 'silent' | 'refused'
      readonly observedW: number
      readonly detectedAt: Instant
    }

/** So many metering intervals behind what the others have told: the device is silent. */
const SILENT_INTERVALS = 4
/** Nothing from anybody for so long: then it is all of them, and not our own link. */
const ALL_SILENT_INTERVALS = 12
/** A device that has not answered for so long does not. */
const UNANSWERED_INTERVALS = 8
/** Wall seconds that devices have to dial in again after we were away ourselves. */
const REDIAL_WALL_SECONDS = 10

/**
 * Until when silence says nothing of a device: we ourselves have just begun to listen, and those
 * that obey are still dialling in. Redialling takes wall time, whatever the clock's speed.
 */
export function patientUntil(startedAt: Instant, speed: number, program: ComplianceRules): Instant {
  const silent = ALL_SILENT_INTERVALS * program.meteringIntervalSeconds
  return addSeconds(startedAt, Math.max(silent, Math.ceil(REDIAL_WALL_SECONDS * speed)))
}

/**
 * Judges a setpoint by measured power, never by what was acknowledged. The device is found out by
 * the second of two readings in a row that lie wholly after its acknowledgement and miss the
 * setpoint by more than the tolerance; readings of the resource in order of time. Silence is
 * counted against the newest reading of anybody: when our own link or machine was slow, nobody is
 * blamed for it; and not at all before `patience`, for as long as we were away ourselves.
 */
export function judge(
  row: SetpointRow,
  readings: readonly DeviceReading[],
  direction: Direction,
  program: ComplianceRules,
  now: Instant,
  newest: Instant,
  patience: Instant,
): Verdict {
  const interval = program.meteringIntervalSeconds
  const last = readings.at(-1)
  if (row.refusal !== null && row.acknowledgedAt === null) {
    return fail('refused', last?.powerW ?? 0, now)
  }
  if (row.acknowledgedAt === null) {
    const isLate = now >= addSeconds(row.orderedAt, UNANSWERED_INTERVALS * interval)
    return isLate && now >= patience ? fail('silent', last?.powerW ?? 0, now) : { kind: 'waiting' }
  }
  const from = wholeFrom(row.acknowledgedAt, program)
  const whole = readings.filter((reading) => reading.at >= from)
  const heard = whole.at(-1)?.at ?? row.acknowledgedAt
  if (now >= patience && isSilent(heard, program, now, newest)) {
    return fail('silent', last?.powerW ?? 0, now)
  }
  const misses = whole.map(
    ({ powerW }) => powerW !== null && !isWithinBand(row.powerW, powerW, direction, program),
  )
  for (let i = 1; i < misses.length; i++) {
    if (misses[i] && misses[i - 1]) {
      const reading = whole[i] as DeviceReading
      return fail('not-obeying', reading.powerW ?? 0, reading.at)
    }
  }
  const firstGood = misses.indexOf(false)
  if (firstGood === -1) return { kind: 'waiting' }
  return { kind: 'obeys', since: (whole[firstGood] as DeviceReading).at }
}

/**
 * Judges a device that only stands by since an instant: nothing is asked of its power, but nobody
 * can count on one of which nothing is heard. Silence is counted as for a setpoint.
 */
export function judgeStandby(
  readings: readonly DeviceReading[],
  since: Instant,
  program: ComplianceRules,
  now: Instant,
  newest: Instant,
  patience: Instant,
): Verdict {
  const last = readings.at(-1)
  if (now >= patience && isSilent(last?.at ?? since, program, now, newest)) {
    return fail('silent', last?.powerW ?? 0, now)
  }
  return last === undefined ? { kind: 'waiting' } : { kind: 'obeys', since: last.at }
}

function isSilent(heard: Instant, program: ComplianceRules, now: Instant, newest: Instant) {
  const { meteringIntervalSeconds: interval } = program
  const isBehind = newest > addSeconds(heard, SILENT_INTERVALS * interval)
  return isBehind || now > addSeconds(heard, ALL_SILENT_INTERVALS * interval)
}

function fail(
  reason: 'not-obeying' | 'silent' | 'refused',
  observedW: number,
  detectedAt: Instant,
): Verdict {
  return { kind: 'not-obeying', reason, observedW, detectedAt }
}

/** The first instant at which a reading lies wholly after an acknowledgement. */
export function wholeFrom(acknowledgedAt: Instant, program: ComplianceRules): Instant {
  return addSeconds(acknowledgedAt, program.meteringIntervalSeconds)
}

/**
 * Is a power within the band of a setpoint, W? Only the direction that was asked for counts: less
 * than a limit is never too little. Without a setpoint (null) every power is.
 */
export function isWithinBand(
  setpointW: number | null,
  powerW: number,
  direction: Direction,
  program: ComplianceRules,
): boolean {
  if (setpointW === null) return true
  const share = Math.floor((Math.abs(setpointW) * program.toleranceBp) / 10_000)
  const tolerance = Math.max(program.toleranceW, share)
  return direction === 'reduce-import'
    ? powerW <= setpointW + tolerance
    : powerW >= setpointW - tolerance
}
