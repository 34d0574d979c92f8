import type { Instant } from '../time.ts'
import { periodsBefore } from './adjust.ts'
import { type Fraction, fraction, meanOf } from './fraction.ts'
import type { BaselineInput, EnergySeries } from './input.ts'
import { calendarOf } from './local-day.ts'
import type { ControlGroupMethod, SameDayMethod } from './method.ts'
import { readWh, Refusal } from './refusal.ts'

const DAY_SECONDS = 86_400

/** Meter before, meter after: one mean over the call's own day, in every period. */
export function sameDayOf(method: SameDayMethod, input: BaselineInput): Fraction[] {
  const { periodStarts, resolutionSeconds, history } = input
  const first = periodStarts[0] as Instant
  const end = (periodStarts.at(-1) as Instant) + resolutionSeconds * 1000
  const before = method.before ? periodsBefore(first, method.before, resolutionSeconds) : []
  // Seconds behind the end: the nearer bound is `untilSeconds`, as it is before the window.
  const { fromSeconds = 0, untilSeconds = 0 } = method.after ?? {}
  const far = end + fromSeconds * 1000
  const stretch = { fromSeconds: fromSeconds - untilSeconds, untilSeconds: 0 }
  const after = periodsBefore(far, stretch, resolutionSeconds)
  const mean = meanOf([...before, ...after].map((at) => fraction(mustRead(history, at))))
  return periodStarts.map(() => mean)
}

/** The same power in every period. */
export function constantOf(
  { periodStarts, resolutionSeconds }: BaselineInput,
  powerW: number | null | undefined,
  what: string,
): Fraction[] {
  if (powerW === null || powerW === undefined) throw new Refusal('missing-input', what, 'none')
  const energy = energyOf(powerW, resolutionSeconds)
  return periodStarts.map(() => energy)
}

export function nominatedOf({ periodStarts, nominated }: BaselineInput): Fraction[] {
  if (!nominated) throw new Refusal('missing-input', 'a schedule filed before the request', 'none')
  return periodStarts.map((start) => fraction(mustRead(nominated, start)))
}

/** The slot of a deemed profile in which a period begins, times the number of devices. */
export function deemedOf({
  periodStarts,
  resolutionSeconds,
  timeZone,
  deemed,
}: BaselineInput): Fraction[] {
  if (!deemed) throw new Refusal('missing-input', 'a deemed profile and a count', 'none')
  const { profileW, count } = deemed
  const slotSeconds = DAY_SECONDS / profileW.length
  if (!Number.isSafeInteger(slotSeconds) || slotSeconds % resolutionSeconds !== 0) {
    const expected = `equal slots of a day that periods of ${resolutionSeconds} s fit in`
    throw new Refusal('missing-input', expected, `${profileW.length} slots`)
  }
  whole('a whole number of devices', count)
  const calendar = calendarOf(timeZone)
  return periodStarts.map((start) => {
    const { clockMs } = calendar.localTime(start)
    const powerW = profileW[Math.floor(clockMs / (slotSeconds * 1000))] as number
    return energyOf(whole('whole W', powerW) * count, resolutionSeconds)
  })
}

/** Per device of those that were held out, times the devices that are settled. */
export function controlOf(
  { controlMin }: ControlGroupMethod,
  { periodStarts, control }: BaselineInput,
): Fraction[] {
  if (!control || !(control.controlCount >= controlMin)) {
    const got = control ? `${control.controlCount}` : 'none'
    throw new Refusal('missing-input', `at least ${controlMin} held-out devices`, got)
  }
  const { series, controlCount, count } = control
  whole('a whole number of devices', count)
  return periodStarts.map((start) =>
    fraction(BigInt(mustRead(series, start)) * BigInt(count), BigInt(controlCount)),
  )
}

function energyOf(powerW: number, seconds: number): Fraction {
  return fraction(BigInt(whole('whole W', powerW)) * BigInt(seconds), 3600n)
}

function whole(expected: string, value: number): number {
  if (!Number.isSafeInteger(value)) throw new Refusal('bad-value', expected, `${value}`)
  return value
}

function mustRead(series: EnergySeries, at: Instant): number {
  const wh = readWh(series, at)
  if (wh !== null) return wh
  throw new Refusal('missing-interval', 'energy in every period that is read', `none at ${at}`)
}
