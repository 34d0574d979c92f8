import type { Instant } from '../time.ts'
import { anchorOf } from './adjust.ts'
import type { BaselineInput } from './input.ts'
import type { BaselineMethod } from './method.ts'

/** The end of what a method reads of the call's own day; null: nothing. */
export function readUntil(
  method: BaselineMethod,
  input: Pick<BaselineInput, 'periodStarts' | 'resolutionSeconds' | 'notifiedAt'>,
): number | null {
  const start = input.periodStarts[0] as Instant
  switch (method.family) {
    case 'history': {
      const { adjustment } = method
      if (adjustment === null) return null
      return anchorOf(adjustment.anchor, input) - adjustment.stretch.untilSeconds * 1000
    }
    case 'same-day': {
      if (method.after === null) return start - (method.before?.untilSeconds ?? 0) * 1000
      const windowSeconds = input.periodStarts.length * input.resolutionSeconds
      return start + (windowSeconds + method.after.fromSeconds) * 1000
    }
    case 'state-based':
    case 'last-reading':
      return start
    case 'zero':
    case 'nominated':
    case 'deemed':
    case 'firm-level':
    case 'control-group':
      return null
  }
}
