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
  /** Less than it was told, and at least half of it: it is kept, and others give the rest. */
  | { readonly kind: 'partly'; readonly since: Instant; readonly observedW: number }
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
/** Over so many readings in a row a device that obeys now and then is judged by their mean. */
const MEAN_OF = 4
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

/** What a device is judged by beside its setpoint and its readings. */
export type JudgedBy = {
  readonly direction: Direction
  readonly program: ComplianceRules
  /** The power from which it was to move to its setpoint, W. */
  readonly fromW: number
  readonly now: Instant
  /** The newest reading of any device. */
  readonly newest: Instant
  readonly patience: Instant
}

/**
 * Judges a setpoint by measured power, never by what was acknowledged. The device is found out by
 * the second of two readings in a row that lie wholly after its acknowledgement, miss the setpoint
 * by more than the tolerance and show less than half of what it was told to give. Who gives half or
 * more and misses the setpoint in two readings in a row, or in the mean of four, gives a part. A
 * reading without power says nothing. Readings of the resource in order of time. Silence is counted
 * against the newest reading of anybody: when our own link or machine was slow, nobody is blamed
 * for it; and not at all before `patience`, for as long as we were away ourselves.
 */
export function judge(row: SetpointRow, readings: readonly DeviceReading[], by: JudgedBy): Verdict {
  const { program, now, patience } = by
  const last = readings.at(-1)
  if (row.refusal !== null && row.acknowledgedAt === null) {
    return fail('refused', last?.powerW ?? 0, now)
  }
  if (row.acknowledgedAt === null) {
    const { meteringIntervalSeconds: interval } = program
    const isLate = now >= addSeconds(row.orderedAt, UNANSWERED_INTERVALS * interval)
    return isLate && now >= patience ? fail('silent', last?.powerW ?? 0, now) : { kind: 'waiting' }
  }
  const from = wholeFrom(row.acknowledgedAt, program)
  const whole = readings.flatMap(({ at, powerW }) =>
    at < from || powerW === null ? [] : [{ at, powerW }],
  )
  const heard = whole.at(-1)?.at ?? row.acknowledgedAt
  if (now >= patience && isSilent(heard, program, now, by.newest)) {
    return fail('silent', last?.powerW ?? 0, now)
  }
  return byPower(row.powerW, whole, by)
}

/** Powers of whole readings against a setpoint. */
function byPower(
  setpointW: number | null,
  whole: readonly { readonly at: Instant; readonly powerW: number }[],
  { direction, program, fromW }: JudgedBy,
): Verdict {
  const misses = ({ powerW }: { readonly powerW: number }) =>
    !isWithinBand(setpointW, powerW, direction, program)
  const halfwayW = setpointW === null ? fromW : (setpointW + fromW) / 2
  const isFar = (reading: { readonly powerW: number }) =>
    misses(reading) &&
    (direction === 'reduce-import' ? reading.powerW > halfwayW : reading.powerW < halfwayW)
  const found = whole.find((reading, i) => {
    const before = whole[i - 1]
    return before !== undefined && isFar(before) && isFar(reading)
  })
  if (found !== undefined) return fail('not-obeying', found.powerW, found.at)
  const good = whole.find((reading) => !misses(reading))
  const [first, second] = whole.slice(-2)
  const lately = whole.slice(-MEAN_OF)
  const meanW = lately.reduce((sum, { powerW }) => sum + powerW, 0) / lately.length
  const isMissed = first !== undefined && second !== undefined && misses(first) && misses(second)
  const isMissedOnMean = lately.length === MEAN_OF && misses({ powerW: meanW })
  if (isMissed || isMissedOnMean) {
    const observedW = isMissed ? (second as { powerW: number }).powerW : Math.round(meanW)
    return { kind: 'partly', since: (good ?? whole[1] ?? whole[0])?.at as Instant, observedW }
  }
  return good === undefined ? { kind: 'waiting' } : { kind: 'obeys', since: good.at }
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
