import { type Instant, localDayOfWeek, sameLocalTime, type TimeWindow } from '#domain/time.ts'
import type { ScenarioCharger } from './scenario.ts'

/** As many like days as the baseline of a charger takes. */
export const HISTORY_DAYS = 10

const HOUR = 3_600_000

/** How many days before the window each of the last working days lies, the farthest first. */
export function workingDaysBefore(windowStart: Instant, timeZone: string): number[] {
  const days: number[] = []
  for (let daysBefore = 1; days.length < HISTORY_DAYS; daysBefore += 1) {
    const weekday = localDayOfWeek(sameLocalTime(windowStart, daysBefore, timeZone), timeZone)
    if (weekday <= 5) days.unshift(daysBefore)
  }
  return days
}

/** Mean power in the window's hours on the days before, W; readings lie at both its ends. */
export function habitW({ history }: ScenarioCharger, window: TimeWindow, timeZone: string): number {
  const registers = new Map(history.map(({ at, registerWh }) => [Date.parse(at), registerWh]))
  const days = workingDaysBefore(window.start, timeZone)
  const energyWh = days.reduce((sum, daysBefore) => {
    const from = registers.get(sameLocalTime(window.start, daysBefore, timeZone))
    const until = registers.get(sameLocalTime(window.end, daysBefore, timeZone))
    return from === undefined || until === undefined ? sum : sum + until - from
  }, 0)
  return (energyWh * HOUR) / (window.end - window.start) / days.length
}
