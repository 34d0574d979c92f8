import type { ResourceId } from '../ids.ts'
import type { Instant } from '../time.ts'

/** Why the loop told a device something new. */
export type CorrectionReason =
  /** It does not do what it was told, by its meter: its part goes to others. */
  | 'not-responding'
  /** Its driver asked for full power, and always wins. */
  | 'overridden'
  /** A limit of its owner was reached: it gives nothing beyond it. */
  | 'owner-limit'
  /** It does not go below its least power: what lies below goes to others. */
  | 'cannot-pause'
  /** It obeys and has headroom: all such devices get the same share of theirs. */
  | 'headroom'
  /** It waited in reserve, and was next in merit order. */
  | 'reserve'
  /** More is given than was ordered: what the loop added is taken back, dearest first. */
  | 'too-much'

/** From an instant on a device is told to give so many W. */
export type ToldStep = { readonly at: Instant; readonly toW: number }

/** One device told something new inside the window, and what it was decided on. Whole W. */
export type Correction = {
  readonly at: Instant
  readonly resourceId: ResourceId
  readonly reason: CorrectionReason
  /** What it was told to give, and what from now on. */
  readonly fromW: number
  readonly toW: number
  /** What from later settlement periods on; absent: the same until the call's end. */
  readonly later?: readonly ToldStep[]
  /** What the portfolio lacked; negative: it gave too much. */
  readonly errorW: number
  /** Ordered on top for energy that was missed before. */
  readonly makeUpW: number
}

/** A sentence for the device's owner; in a call that stands by the figures are what it holds. */
export function correctionSentence(
  correction: Correction,
  standby: { readonly toldW: number } | null,
): string {
  return (standby && standbySentence(correction, standby.toldW)) ?? orderedSentence(correction)
}

/** Where it differs; `toldW`: what it had been told to give, 0 where it only stood by. */
function standbySentence({ reason, fromW, toW }: Correction, toldW: number): string | null {
  switch (reason) {
    case 'not-responding':
      return toldW > 0
        ? `was let go: its meter did not show the ${toldW} W that it was told to give`
        : `was let go: nothing was heard of it while it stood by with ${fromW} W`
    case 'cannot-pause':
      return `stands by with ${toW} W instead of ${fromW} W: it does not go below its least power`
    case 'headroom':
      return `stands by with ${toW} W instead of ${fromW} W: less was left than is held, and it had room`
    case 'reserve':
      return `was called from the reserve to stand by with ${toW} W: less was left than is held`
    default:
      return null
  }
}

function orderedSentence({ reason, fromW, toW }: Correction): string {
  switch (reason) {
    case 'not-responding':
      return `was let go: its meter did not show the ${fromW} W that it was told to give`
    case 'overridden':
      return `was let go: its driver or owner took it back`
    case 'owner-limit':
      return `was let go: a limit that its owner set was reached`
    case 'cannot-pause':
      return `gives ${toW} W instead of ${fromW} W: it does not go below its least power`
    case 'headroom':
      return `gives ${toW} W instead of ${fromW} W: less arrived than was ordered, and it had room`
    case 'reserve':
      return `was called from the reserve for ${toW} W: less arrived than was ordered`
    case 'too-much':
      return toW === 0
        ? `may stop giving ${fromW} W: more arrived than was ordered`
        : `gives ${toW} W instead of ${fromW} W: more arrived than was ordered`
  }
}
