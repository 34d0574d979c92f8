import type { Candidate } from '../allocation.ts'
import type { ResourceId } from '../ids.ts'
import type { Direction, Resource } from '../resource.ts'
import type { Instant } from '../time.ts'
import { baselineInflation, habitualExport, preWindowInflation } from './against-habit.ts'
import { type Finding, inOrder } from './finding.ts'
import { repeatedReadings, sameMeters, sharedKeys, type Trace } from './meter-traces.ts'

/** The same local hours on one day: those before the window and those of it, Wh per period. */
export type HabitDay = {
  readonly start: Instant
  readonly before: readonly (number | null)[]
  readonly inside: readonly (number | null)[]
  readonly isCallDay: boolean
  /** The day stands in the baseline. */
  readonly isBaselineDay: boolean
}

/** What is known of one resource besides its readings in the window. */
export type Known = {
  readonly candidate: Candidate
  readonly meter: Resource['meter']
  /** The call's own hours before the window; null where a register is missing. */
  readonly beforeWh: readonly (number | null)[]
  /** Earlier like days, newest first. */
  readonly days: readonly HabitDay[]
  /** Signed, in the call's direction; null before it is measured. */
  readonly deliveredWh: number
  readonly readsBeforeWindow: boolean
}

export type Hours = {
  readonly direction: Direction
  readonly periodSeconds: number
}

/** So many calendar days before the oldest baseline day are what it is compared with. */
const MONTH = 30

/** Findings that need more than a bundle holds: habits of weeks, and the meters of others. */
export function stateFindingsOf(known: readonly Known[], hours: Hours): Finding[] {
  const alone = known.flatMap((one) => ofOne(one, hours))
  const traces = known.map(traceOf)
  const repeated = traces.map(repeatedReadings).filter((finding) => finding !== null)
  const keys = known.map(({ candidate: { resourceId }, meter }) => ({ resourceId, meter }))
  return inOrder(onePerCode([...alone, ...repeated, ...sharedKeys(keys), ...sameMeters(traces)]))
}

function ofOne(known: Known, { direction, periodSeconds }: Hours): Finding[] {
  const { candidate, days, beforeWh, deliveredWh, readsBeforeWindow } = known
  const { resourceId, rating } = candidate
  const device = { resourceId, rating, direction }
  const free = days.filter(({ isCallDay }) => !isCallDay)
  const sums = (of: (day: HabitDay) => readonly (number | null)[], some = free) =>
    some.map((day) => total(of(day))).filter((wh) => wh !== null)
  const inside = ({ inside: wh }: HabitDay) => wh
  const seconds = (days[0]?.inside.length ?? 0) * periodSeconds
  const base = free.filter(({ isBaselineDay }) => isBaselineDay)
  const oldest = Math.min(...base.map(({ start }) => start))
  const month = free.filter(
    ({ start, isBaselineDay }) =>
      !isBaselineDay && start < oldest && start >= oldest - MONTH * 86_400_000,
  )
  // Over all these hours, and over the last half-hour, from which some baselines take their level.
  const early = [beforeWh.length, Math.ceil(1800 / periodSeconds)].map((count) => {
    const now = total(beforeWh.slice(-count))
    const historyWh = sums((day) => day.before.slice(-count))
    const habit = { seconds: count * periodSeconds, historyWh }
    return now === null ? null : preWindowInflation(device, habit, now, readsBeforeWindow)
  })
  return [
    ...early,
    baselineInflation(device, { seconds, historyWh: sums(inside, base) }, sums(inside, month)),
    habitualExport(device, { seconds, historyWh: sums(inside) }, deliveredWh),
  ].filter((finding) => finding !== null)
}

function total(wh: readonly (number | null)[]): number | null {
  let sum = 0
  for (const value of wh) {
    if (value === null) return null
    sum += value
  }
  return wh.length === 0 ? null : sum
}

function traceOf({ candidate, days }: Known): Trace {
  const free = days.filter(({ isCallDay }) => !isCallDay)
  return {
    resourceId: candidate.resourceId,
    days: free.map(({ start, before, inside }) => ({ start, wh: [...before, ...inside] })),
  }
}

function onePerCode(findings: readonly Finding[]): Finding[] {
  const seen = new Set<`${ResourceId} ${Finding['code']}`>()
  return findings.filter(({ resourceId, code }) => {
    const isNew = !seen.has(`${resourceId} ${code}`)
    seen.add(`${resourceId} ${code}`)
    return isNew
  })
}
