import type { Instant } from '../time.ts'
import {
  type Fraction,
  fraction,
  isLess,
  meanOf,
  minus,
  ONE,
  over,
  plus,
  times,
  ZERO,
} from './fraction.ts'
import type { AppliedAdjustment, BaselineInput } from './input.ts'
import type { Adjustment, Stretch } from './method.ts'
import { readWh, Refusal } from './refusal.ts'

/** The whole periods of a stretch before an instant, oldest first. */
export function periodsBefore(
  anchor: number,
  { fromSeconds, untilSeconds }: Stretch,
  resolutionSeconds: number,
): Instant[] {
  const starts: Instant[] = []
  const end = anchor - untilSeconds * 1000
  for (let at = anchor - fromSeconds * 1000; at < end; at += resolutionSeconds * 1000) {
    starts.push(at as Instant)
  }
  return starts
}

/**
 * The end of the adjustment: the window's start, or where the period ends in which the
 * notification was given, if that is earlier.
 */
export function anchorOf(anchor: Adjustment['anchor'], input: BaselineInput): number {
  const start = input.periodStarts[0] as Instant
  const { notifiedAt } = input
  if (anchor === 'window-start' || notifiedAt === null || notifiedAt >= start) return start
  const step = input.resolutionSeconds * 1000
  return start - Math.ceil((start - notifiedAt) / step) * step
}

export type Adjusted = {
  readonly periods: readonly Fraction[]
  readonly adjustment: AppliedAdjustment | null
}

/**
 * Moves an unadjusted baseline to the level of the call's own day. `starts` are the adjustment's
 * periods, `base` the unadjusted baseline in them (null where no earlier day has that local time).
 */
export function adjust(
  rule: Adjustment,
  input: BaselineInput,
  unadjusted: readonly Fraction[],
  starts: readonly Instant[],
  base: readonly (Fraction | null)[],
): Adjusted {
  const measured: Fraction[] = []
  const expected: Fraction[] = []
  for (const [i, start] of starts.entries()) {
    const before = base[i] ?? null
    if (before === null) continue
    const wh = readWh(input.history, start)
    if (wh === null) {
      if (rule.missing === 'unadjusted') return { periods: unadjusted, adjustment: null }
      const wanted = 'a reading in every period of the adjustment'
      throw new Refusal('missing-interval', wanted, `none from ${start} on`)
    }
    measured.push(fraction(wh))
    expected.push(before)
  }
  if (measured.length === 0) return { periods: unadjusted, adjustment: null }
  const [mine, usual] = [meanOf(measured), meanOf(expected)]
  const isAdditive = rule.kind === 'additive' || (rule.additiveWhenSigned && input.signed === true)
  return isAdditive
    ? shift(rule, unadjusted, minus(mine, usual))
    : scale(rule, unadjusted, isLess(ZERO, usual) ? over(mine, usual) : ONE)
}

function scale(rule: Adjustment, unadjusted: readonly Fraction[], ratio: Fraction): Adjusted {
  const wanted = directed(rule, ratio, ONE)
  const factor = rule.cap
    ? clip(wanted, share(10_000 + rule.cap.lowBp), share(10_000 + rule.cap.highBp))
    : wanted
  return {
    periods: unadjusted.map((wh) => times(wh, factor)),
    adjustment: { kind: 'factor', ...factor, isCapped: factor !== wanted },
  }
}

function shift(rule: Adjustment, unadjusted: readonly Fraction[], by: Fraction): Adjusted {
  const wanted = directed(rule, by, ZERO)
  const { cap } = rule
  if (cap === null) return shifted(unadjusted, wanted, () => wanted)
  const clipTo = (reference: Fraction) => {
    const size = isLess(reference, ZERO) ? minus(ZERO, reference) : reference
    return clip(wanted, times(size, share(cap.lowBp)), times(size, share(cap.highBp)))
  }
  if (cap.reference === 'period') return shifted(unadjusted, wanted, clipTo)
  const clipped = clipTo(meanOf(unadjusted))
  const result = shifted(unadjusted, clipped, () => clipped)
  return { ...result, adjustment: { kind: 'shift', ...clipped, isCapped: clipped !== wanted } }
}

function shifted(
  unadjusted: readonly Fraction[],
  by: Fraction,
  of: (wh: Fraction) => Fraction,
): Adjusted {
  const shifts = unadjusted.map(of)
  return {
    periods: unadjusted.map((wh, i) => plus(wh, shifts[i] as Fraction)),
    adjustment: { kind: 'shift', ...by, isCapped: shifts.some((mine) => mine !== by) },
  }
}

function directed({ direction }: Adjustment, value: Fraction, neutral: Fraction): Fraction {
  if (direction === 'up' && isLess(value, neutral)) return neutral
  if (direction === 'down' && isLess(neutral, value)) return neutral
  return value
}

/** The value itself where it lies within the bounds. */
function clip(value: Fraction, low: Fraction, high: Fraction): Fraction {
  if (isLess(value, low)) return low
  return isLess(high, value) ? high : value
}

function share(basisPoints: number): Fraction {
  return fraction(basisPoints, 10_000)
}
