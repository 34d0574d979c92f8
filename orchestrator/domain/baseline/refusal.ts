import type { Instant } from '../time.ts'
import type { BaselineRefusal, EnergySeries } from './input.ts'

/** Ends a computation early: becomes the engine's answer, never leaves it. */
export class Refusal extends Error {
  readonly reason: BaselineRefusal
  readonly expected: string
  readonly got: string

  constructor(reason: BaselineRefusal, expected: string, got: string) {
    super(`${reason}: expected ${expected}, got ${got}`)
    this.reason = reason
    this.expected = expected
    this.got = got
  }
}

/** 10 GWh in one interval: sums of weighted days of them are still exact. */
const LARGEST_WH = 10_000_000_000

/** What a series says. @throws Refusal for anything but whole Wh that some grid could carry. */
export function readWh(series: EnergySeries, at: Instant): number | null {
  const wh = series.whAt(at)
  if (wh === null) return null
  if (!Number.isSafeInteger(wh) || Math.abs(wh) > LARGEST_WH) {
    throw new Refusal('bad-value', `whole Wh up to ${LARGEST_WH}`, `${wh} at ${at}`)
  }
  return wh
}
