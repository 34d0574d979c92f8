import type { QuirkId } from './catalogue.ts'

/** When a station loses its line, and when it may dial again. Business ms. */
export type Outage = {
  /** Loses the line so long after the first limit of a transaction. */
  readonly afterMs: number
  /** Stays away so long; `share` is drawn anew each time, from 0 to 1. */
  readonly awayMs: (share: number) => number
}

const MINUTE_MS = 60_000

const OUTAGES: Partial<Record<QuirkId, Outage>> = {
  D4: { afterMs: 3 * MINUTE_MS, awayMs: () => 0 },
  D12: { afterMs: 3 * MINUTE_MS, awayMs: (share) => (6 + 13 * share) * MINUTE_MS },
  backlog: { afterMs: 3 * MINUTE_MS, awayMs: () => 0 },
  offline: { afterMs: 2 * MINUTE_MS, awayMs: () => 60 * MINUTE_MS },
}

export function outageOf(quirks: readonly QuirkId[]): Outage | null {
  return quirks.flatMap((id) => OUTAGES[id] ?? [])[0] ?? null
}
