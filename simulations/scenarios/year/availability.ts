import { congestionPointId, resourceId } from '#domain/ids.ts'
import { type AvailabilityReading, forecastHeld } from '#domain/reliability/availability.ts'
import { addSeconds, formatInstant, type Instant, parseInstant } from '#domain/time.ts'
import type { YearDevice } from './fleet.ts'
import type { YearLaw } from './law.ts'

/** A Monday; the calls are at six in the evening. */
const FIRST_CALL = parseInstant('2024-01-01T18:00:00Z')
export const WINDOW_SECONDS = 3_600
const POINT = congestionPointId('feeder')
/** What the forecast looks back on, and a little more. */
const KEPT_DAYS = 62

export type ForecastFigures = {
  readonly kind: YearDevice['kind']
  readonly forecasts: number
  /** Shares of the days that came out under P10 and over P90. */
  readonly underP10: number
  readonly overP90: number
  /** Mean distance of what was there from P50, and from the mean of the last ten like days; of its mean. */
  readonly p50Error: number
  readonly tenDayMeanError: number
}

/** Forecasts of each call's window, made at noon of the day before, against what was there. */
export function forecastFigures(
  fleet: readonly YearDevice[],
  law: YearLaw,
  days: readonly number[],
): ForecastFigures[] {
  const readings = readingsOf(fleet, law, Math.max(...days))
  const holidays = new Set([...law.holidays].map((day) => dateOf(day)))
  const sums = { charger: newSums(), battery: newSums() }
  for (const day of days) {
    const start = startOf(day)
    const told = forecastHeld({
      readings: readings.slice(Math.max(0, day - KEPT_DAYS), day + 1).flat(),
      window: { start, end: addSeconds(start, WINDOW_SECONDS) },
      decidedAt: addSeconds(start, -30 * 3600),
      periodSeconds: WINDOW_SECONDS,
      timeZone: 'UTC',
      holidays,
    })
    for (const { kind, p10W, p50W, p90W, days: like } of told) {
      const thereW = heldOn(readings[day], kind)
      const ten = like.slice(0, 10).map((date) => heldOn(readings[dayOf(date)], kind))
      const sum = sums[kind]
      sum.forecasts += 1
      sum.thereW += thereW
      if (thereW < p10W) sum.under += 1
      if (thereW > p90W) sum.over += 1
      sum.p50ErrorW += Math.abs(thereW - p50W)
      sum.meanErrorW += Math.abs(thereW - ten.reduce((a, b) => a + b, 0) / ten.length)
    }
  }
  return (['charger', 'battery'] as const).flatMap((kind) => toFigures(kind, sums[kind]))
}

function newSums() {
  return { forecasts: 0, thereW: 0, under: 0, over: 0, p50ErrorW: 0, meanErrorW: 0 }
}

function toFigures(
  kind: YearDevice['kind'],
  sum: Readonly<ReturnType<typeof newSums>>,
): ForecastFigures[] {
  if (sum.forecasts === 0) return []
  return [
    {
      kind,
      forecasts: sum.forecasts,
      underP10: sum.under / sum.forecasts,
      overP90: sum.over / sum.forecasts,
      p50Error: sum.p50ErrorW / sum.thereW,
      tenDayMeanError: sum.meanErrorW / sum.thereW,
    },
  ]
}

/** Per day one reading of each device that could be offered, known five minutes after its window. */
function readingsOf(
  fleet: readonly YearDevice[],
  law: YearLaw,
  lastDay: number,
): AvailabilityReading[][] {
  const known = fleet.map((device) => ({ device, id: resourceId(device.ref) }))
  return Array.from({ length: lastDay + 1 }, (_, day) =>
    known.map(({ device, id }): AvailabilityReading => {
      const start = startOf(day)
      return {
        resourceId: id,
        kind: device.kind,
        congestionPointId: POINT,
        start,
        powerW: law.truth(device, day).isOffered ? device.powerW : 0,
        energyWh: null,
        knownAt: addSeconds(start, WINDOW_SECONDS + 300),
      }
    }),
  )
}

function heldOn(readings: readonly AvailabilityReading[] | undefined, kind: YearDevice['kind']) {
  return (readings ?? []).reduce((sum, one) => sum + (one.kind === kind ? one.powerW : 0), 0)
}

/** When a day's call begins. */
export function startOf(day: number): Instant {
  return addSeconds(FIRST_CALL, day * 86_400)
}

function dateOf(day: number): string {
  return formatInstant(startOf(day)).slice(0, 10)
}

function dayOf(date: string): number {
  return Math.round((parseInstant(`${date}T18:00:00Z`) - FIRST_CALL) / 86_400_000)
}
