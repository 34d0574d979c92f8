import type { QuirkId } from './catalogue.ts'

/** What a machine knows when it decides how much the car may draw. Instants are business ms. */
export type PilotMoment = {
  readonly now: number
  readonly maxW: number
  /** Watts of one ampere on all phases. */
  readonly wattsPerAmpere: number
  /** Is a profile of the transaction in force? */
  readonly limited: boolean
  /** How many profiles of this transaction have been installed so far. */
  readonly installs: number
}

/** From what the profiles allow to what is really let through, W; negative gives back. */
export type Pilot = (limitW: number, moment: PilotMoment) => number

const CLEAR_TAKES_MS = 30_000
const ASLEEP_AFTER_MS = 60_000

/** Each is made anew per machine: some remember. */
const PILOTS: Partial<Record<QuirkId, () => Pilot>> = {
  A2: () => (limitW, at) => (at.limited ? Math.min(limitW, 6 * at.wattsPerAmpere) : limitW),
  A3: () => (limitW, at) => (limitW >= 19 * at.wattsPerAmpere ? 18 * at.wattsPerAmpere : limitW),
  A4: unlimitedAfterPause,
  A6: () => (limitW, at) => (at.limited ? (limitW + at.maxW) / 2 : limitW),
  A7: () => (limitW, at) => (at.installs === 0 ? Math.min(limitW, 6 * at.wattsPerAmpere) : limitW),
  A8: slowToClear,
  A9: () => (limitW, at) => (limitW === 0 ? at.maxW : limitW),
  A10: () => (_limitW, at) => at.maxW,
  C2: () => (limitW, at) => (limitW === 0 ? 6 * at.wattsPerAmpere : limitW),
  C4: fallsAsleep,
  C5: () => (limitW) => limitW * 0.93,
  contradicts: () => (_limitW, at) => at.maxW,
  liar: () => (_limitW, at) => at.maxW,
}

/** All that these quirks do to the pilot, one after the other. */
export function pilotOf(quirks: readonly QuirkId[]): Pilot {
  const pilots = quirks.flatMap((id) => PILOTS[id]?.() ?? [])
  return (limitW, moment) => pilots.reduce((now, pilot) => pilot(now, moment), limitW)
}

function unlimitedAfterPause(): Pilot {
  let wasPaused = false
  let ignoresInstall: number | null = null
  return (limitW, { limited, installs, maxW }) => {
    if (!limited) ignoresInstall = null
    else if (limitW === 0) wasPaused = true
    else if (wasPaused) {
      wasPaused = false
      ignoresInstall = installs
    }
    return ignoresInstall === installs ? maxW : limitW
  }
}

function slowToClear(): Pilot {
  let last: { limitW: number; limited: boolean } | null = null
  let holds: { limitW: number; until: number } | null = null
  return (limitW, { now, limited }) => {
    if (last?.limited === true && !limited) {
      holds = { limitW: last.limitW, until: now + CLEAR_TAKES_MS }
    }
    last = { limitW, limited }
    return holds !== null && !limited && now < holds.until ? holds.limitW : limitW
  }
}

function fallsAsleep(): Pilot {
  let pausedSince: number | null = null
  let isAsleep = false
  return (limitW, { now }) => {
    if (limitW > 0) pausedSince = null
    else pausedSince ??= now
    if (pausedSince !== null && now - pausedSince >= ASLEEP_AFTER_MS) isAsleep = true
    return isAsleep ? 0 : limitW
  }
}
