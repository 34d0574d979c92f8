import { computeBaseline } from '#domain/baseline/engine.ts'
import type { BaselineInput, EnergySeries } from '#domain/baseline/input.ts'
import type { BaselineMethod } from '#domain/baseline/method.ts'
import { type Instant, instant } from '#domain/time.ts'
import { type PlaceboWindow, readFrom } from './placebo.ts'

const HALF_HOUR_MS = 1_800_000
/** Nobody burns longer than rule books look back. */
const BURN_MS_MAX = 10_800_000

/** Load that is burnt to lift a baseline: so many Wh more in each of these intervals. */
export type Inflation = ReadonlyMap<Instant, number>

/** What was burnt, and how much more would have counted as delivered for it. */
export type Attack = {
  readonly inflatedWh: number
  readonly phantomWh: number
  /** Windows that were measured; in the others the method refused. */
  readonly windows: number
}

/** Phantom kWh per kWh burnt. */
export function gamingRatio({ inflatedWh, phantomWh }: Attack): number {
  return inflatedWh === 0 ? 0 : phantomWh / inflatedWh
}

/** The same meter with the inflation on top; what was not measured stays so. */
export function inflated(history: EnergySeries, inflation: Inflation): EnergySeries {
  return {
    whAt: (start) => {
      const wh = history.whAt(start)
      return wh === null ? null : wh + (inflation.get(start) ?? 0)
    },
  }
}

/**
 * Everybody is told `noticeSeconds` before each window and burns `powerW` until it begins, at most
 * for three hours.
 * `guessed`: nobody is told, yet somebody guesses the window rightly and burns all the same.
 */
export function attackBefore(
  method: BaselineMethod,
  placebos: readonly PlaceboWindow[],
  inputOf: (placebo: PlaceboWindow) => BaselineInput,
  how: { readonly noticeSeconds: number; readonly powerW: number; readonly guessed?: boolean },
): Attack {
  let inflatedWh = 0
  let phantomWh = 0
  let windows = 0
  for (const placebo of placebos) {
    const told = inputOf(placebo)
    const start = placebo.periodStarts[0] as Instant
    const notifiedAt = instant(start - how.noticeSeconds * 1000)
    const from = instant(Math.max(notifiedAt, start - BURN_MS_MAX))
    const inflation = inflationBetween(from, start, how.powerW, told.resolutionSeconds)
    const input = { ...told, notifiedAt: how.guessed === true ? null : notifiedAt }
    const gained = gainedWh(method, input, inflation)
    if (gained === null) continue
    windows += 1
    phantomWh += gained
    inflatedWh += sum(inflation.values())
  }
  return { inflatedWh, phantomWh, windows }
}

/** The baseline with the inflation less the one without it, Wh; null where either is refused. */
function gainedWh(
  method: BaselineMethod,
  input: BaselineInput,
  inflation: Inflation,
): number | null {
  const honest = computeBaseline(method, input)
  const attacked = computeBaseline(method, readFrom(input, inflated(input.history, inflation)))
  if (honest.kind === 'refused' || attacked.kind === 'refused') return null
  return sum(attacked.periods.map(({ wh }, at) => wh - (honest.periods[at]?.wh ?? 0)))
}

/**
 * Nobody is told: every working day some half-hour of the local day between two minutes is
 * inflated, and every fifth day is called. The attack is played as often as there are half-hours,
 * so that every day has each of them once: the mean is what a guess is worth, with no luck in it.
 * What the attacker loses by burning inside a window is not counted for us.
 */
export function attackBlindly(
  method: BaselineMethod,
  placebos: readonly PlaceboWindow[],
  inputOf: (placebo: PlaceboWindow) => BaselineInput,
  how: {
    readonly powerW: number
    readonly fromMinute: number
    readonly untilMinute: number
    /** Order of the half-hours of one day. */
    readonly shuffle: (halfHours: readonly Instant[]) => Instant[]
  },
): Attack {
  const orders = placebos.map((placebo) => how.shuffle(halfHours(placebo, how)))
  const called = placebos.filter((_, index) => index % 5 === 4)
  const callDays = new Set(called.map(({ date }) => date))
  const rounds = Math.max(0, ...orders.map((order) => order.length))
  const honest = called.map((placebo) => baselineWh(method, { ...inputOf(placebo), callDays }))
  let inflatedWh = 0
  let phantomWh = 0
  for (let round = 0; round < rounds; round += 1) {
    const inflation = new Map<Instant, number>()
    for (const [index, order] of orders.entries()) {
      const start = order[round % order.length]
      const placebo = placebos[index]
      if (start === undefined || placebo === undefined) continue
      const { resolutionSeconds } = inputOf(placebo)
      const end = instant(start + HALF_HOUR_MS)
      for (const [at, wh] of inflationBetween(start, end, how.powerW, resolutionSeconds)) {
        inflation.set(at, wh)
      }
    }
    inflatedWh += sum(inflation.values())
    for (const [index, placebo] of called.entries()) {
      const input = { ...inputOf(placebo), callDays }
      const attacked = baselineWh(method, readFrom(input, inflated(input.history, inflation)))
      const was = honest[index] ?? null
      if (attacked !== null && was !== null) phantomWh += attacked - was
    }
  }
  return { inflatedWh, phantomWh, windows: called.length * rounds }
}

function baselineWh(method: BaselineMethod, input: BaselineInput): number | null {
  const result = computeBaseline(method, input)
  return result.kind === 'refused' ? null : sum(result.periods.map(({ wh }) => wh))
}

/** The half-hours of the local day that lie between two minutes. */
function halfHours(
  { day }: PlaceboWindow,
  { fromMinute, untilMinute }: { readonly fromMinute: number; readonly untilMinute: number },
): Instant[] {
  return day.starts.filter((start, index) => {
    const minute = day.minutes[index] ?? -1
    return start % HALF_HOUR_MS === 0 && minute >= fromMinute && minute < untilMinute
  })
}

function inflationBetween(
  from: Instant,
  until: Instant,
  powerW: number,
  intervalSeconds: number,
): Inflation {
  const inflation = new Map<Instant, number>()
  const wh = Math.round((powerW * intervalSeconds) / 3600)
  const step = intervalSeconds * 1000
  const first = Math.ceil(from / step) * step
  for (let at = instant(first); at < until; at = instant(at + step)) inflation.set(at, wh)
  return inflation
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
