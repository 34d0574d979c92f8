import { type Instant, secondsBetween, type TimeWindow } from './time.ts'

/** How what a device recorded itself is judged against a curve. */
export type Judging = {
  readonly window: TimeWindow
  /** After so long it has to be where its curve says. */
  readonly responseMs: number
  /** A longer silence of its recording counts as not having answered. */
  readonly longestGapMs: number
}

/** One sample, and those within the response time before it, itself the last. */
type Stretch<Sample> = {
  readonly sample: Sample
  readonly recent: readonly Sample[]
}

export type Verdict = {
  readonly windowMs: number
  readonly recordedMs: number
  /** In which it was where its curve says. */
  readonly followedMs: number
  /** Share of the whole window, so that what was not recorded counts as not followed. */
  readonly performanceBp: number
  /** In which there was something to answer. */
  readonly calledMs: number
}

/**
 * Judges a recording stretch by stretch. While a device may still be on its way it can be anywhere
 * between where the curve was and where it is, so a stretch brings along what came shortly before.
 */
export function judgeRecording<Sample extends { readonly at: Instant }>(
  { window, responseMs, longestGapMs }: Judging,
  recording: readonly Sample[],
  judge: (stretch: Stretch<Sample>) => { readonly isFollowed: boolean; readonly isCalled: boolean },
): Verdict {
  const samples = recording
    .filter(({ at }) => at >= window.start && at <= window.end)
    .toSorted((a, b) => a.at - b.at)
  let [recordedMs, followedMs, calledMs, from] = [0, 0, 0, 0]
  samples.forEach((sample, i) => {
    const { at } = sample
    const lastsMs = (samples[i + 1]?.at ?? window.end) - at
    // A sample stands for the time until the next one; a silence stands for nothing.
    if (lastsMs <= 0 || lastsMs > longestGapMs) return
    while ((samples[from + 1]?.at ?? at) <= at - responseMs) from += 1
    const { isFollowed, isCalled } = judge({ sample, recent: samples.slice(from, i + 1) })
    recordedMs += lastsMs
    if (isFollowed) followedMs += lastsMs
    if (isCalled) calledMs += lastsMs
  })
  const windowMs = window.end - window.start
  const performanceBp = Math.floor((followedMs * 10_000) / windowMs)
  return { windowMs, recordedMs, followedMs, performanceBp, calledMs }
}

/** By how much a value lies outside what was allowed. */
export function outside(value: number, least: number, most: number): number {
  return Math.max(0, least - value, value - most)
}

type PowerSample = { readonly at: Instant; readonly powerW: number }

/** Wh that a recording says were drawn, each sample standing until the next. */
export function recordedWh(recording: readonly PowerSample[], end: Instant): number {
  const samples = recording.toSorted((a, b) => a.at - b.at)
  return samples.reduce((sum, { at, powerW }, i) => {
    const seconds = Math.max(0, secondsBetween(at, samples[i + 1]?.at ?? end))
    return sum + (powerW * seconds) / 3600
  }, 0)
}

/**
 * Whether a device's recording of its own power agrees with the register of its meter over the same
 * time: who writes down what it should have done is found out here, though not who writes down a
 * frequency or a voltage at which there was nothing to do. Wh either way, and a share.
 */
export function agreesWithMeter(
  recordedEnergyWh: number,
  meteredWh: number,
  { leastWh, shareBp }: { readonly leastWh: number; readonly shareBp: number },
): boolean {
  const room = Math.max(leastWh, (Math.abs(meteredWh) * shareBp) / 10_000)
  return Math.abs(recordedEnergyWh - meteredWh) <= room
}

/** Of two that differ nobody can say which is right. */
const WITNESSES = 3

/** Second by second the median of what the recordings of a call say, where there are enough. */
export function seenTogether(
  recordings: readonly { readonly at: readonly Instant[]; readonly seen: readonly number[] }[],
): ReadonlyMap<number, number> {
  const told = new Map<number, number[]>()
  for (const { at, seen } of recordings) {
    const mine = new Map(at.map((one, i) => [secondOf(one), seen[i] ?? 0]))
    for (const [second, value] of mine) {
      const all = told.get(second)
      if (all === undefined) told.set(second, [value])
      else all.push(value)
    }
  }
  const known = new Map<number, number>()
  for (const [second, all] of told) {
    if (all.length < WITNESSES) continue
    all.sort((a, b) => a - b)
    known.set(second, all[Math.floor(all.length / 2)] as number)
  }
  return known
}

/** Is what one device saw no further from what they saw together than devices may be apart? */
export function isWitnessed(
  together: ReadonlyMap<number, number>,
  at: Instant,
  seen: number,
  room: number,
): boolean {
  const median = together.get(secondOf(at))
  return median === undefined || Math.abs(seen - median) <= room
}

function secondOf(at: Instant): number {
  return Math.floor(at / 1000)
}
