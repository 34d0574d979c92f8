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
 * What an adjustment counts back from: the window's start, or, where it goes by the notification,
 * the last boundary of a period at or before it.
 */
export function anchorOf(
  anchor: Adjustment['anchor'],
  input: Pick<BaselineInput, 'periodStarts' | 'resolutionSeconds' | 'notifiedAt'>,
): number {
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
 * Moves an unadjusted baseline to the level of the call's own day: `mine` is the mean metered
 * energy of the adjustment's periods, `usual` the mean of the unadjusted baseline in them.
 */
export function adjust(
  rule: Adjustment,
  isSigned: boolean,
  unadjusted: readonly Fraction[],
  usual: Fraction,
  mine: Fraction,
): Adjusted {
  return rule.kind === 'additive' || (rule.additiveWhenSigned && isSigned)
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
