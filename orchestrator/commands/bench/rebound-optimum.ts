import { type load, solve } from '#adapters/highs/solve.ts'
import { modelOf } from '#adapters/highs/wire.ts'
import { addColumn, addRow, type Draft, type Term } from '#domain/allocation/linear-program.ts'
import type { ReboundPeriod, ReboundPlan, Recovery } from '#domain/rebound.ts'
import { secondsBetween } from '#domain/time.ts'

export type ReboundCase = {
  readonly recoveries: readonly Recovery[]
  readonly periods: readonly ReboundPeriod[]
}

/**
 * By how much the room has to be passed so that every car is ready in time, W: the linear program
 * of all schedules, for many cases in one, since no row has terms of two of them.
 */
export function leastOvershoots(
  highs: Awaited<ReturnType<typeof load>>,
  cases: readonly ReboundCase[],
): number[] {
  const draft: Draft = { columns: [], rows: [] }
  const found = cases.map(({ recoveries, periods }) => {
    const over = addColumn(draft, { cost: 1, max: Number.POSITIVE_INFINITY })
    const taken = periods.map((): Term[] => [])
    for (const { neededWh, powerMaxW, readyBy } of recoveries) {
      const mine: Term[] = []
      periods.forEach(({ start, end }, t) => {
        if (readyBy === null || end > readyBy) return
        const column = addColumn(draft, { cost: 0, max: powerMaxW })
        mine.push([column, secondsBetween(start, end) / 3600])
        taken[t]?.push([column, 1])
      })
      addRow(draft, mine, '=', neededWh)
    }
    periods.forEach(({ roomW }, t) => {
      const terms = taken[t] as Term[]
      if (terms.length > 0) addRow(draft, [...terms, [over, -1]], '<=', roomW ?? 0)
    })
    return over
  })
  const task = { model: modelOf(draft), start: null, timeLimitSeconds: 60, workMax: 0 }
  const { status, values } = solve(highs, task)
  if (values === null) throw new Error(`HiGHS: ${status}`)
  return found.map((column) => values[column] as number)
}

/** What machines take under a plan, each until it has taken back what it gave. W and Wh. */
export function replay({ recoveries, periods }: ReboundCase, plan: ReboundPlan) {
  const takenBy = recoveries.map(() => 0)
  const sums: number[] = []
  const inTime = recoveries.map(() => 0)
  for (const { start, end } of periods) {
    let sumW = 0
    recoveries.forEach((one, i) => {
      const { parts, restartsAt } = plan.restarts[i] as ReboundPlan['restarts'][number]
      const part = parts.find((held) => held.start <= start && end <= held.end)
      if (start < restartsAt && part === undefined) throw new Error('held, and nobody says at what')
      const powerW = Math.min(part?.limitW ?? one.powerMaxW, one.powerMaxW)
      const before = takenBy[i] as number
      if (before > one.energyWh - 0.01) return
      sumW += powerW
      takenBy[i] = before + (powerW * secondsBetween(start, end)) / 3600
      if (one.readyBy !== null && end <= one.readyBy) inTime[i] = takenBy[i] as number
    })
    sums.push(sumW)
  }
  return { sums, inTime, takenBy }
}
