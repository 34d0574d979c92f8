import type { Instant } from '#domain/time.ts'
import { numberIn, type Row, readTable, refused, timeIn } from './csv-table.ts'
import { addInterval, INTERVALS, type Series } from './series.ts'

/** A value this many times the middle one is in another unit: kWh and Wh differ by 1,000. */
const UNIT_STEP = 500

/**
 * One meter: `at` begins an interval, `wh` is its energy in whole Wh, + is consumption.
 * @param mayExport a meter behind which nothing feeds in has no negative energy
 * @throws DomainError naming the column and the line
 */
export function readMeter(csv: string, file: string, mayExport: boolean): Series {
  const rows = readTable(csv, file, ['at', 'wh'])
  const readings = rows.map((row) => ({
    at: timeIn(row, 'at'),
    wh: energyIn(row, mayExport),
    line: row.line,
  }))
  const seconds = intervalOf(readings.map(({ at }) => at))
  const wh = new Map<Instant, number>()
  // In whatever order they stand: each interval is there once or not at all.
  for (const reading of readings) addInterval(wh, reading, { column: 'at', seconds })
  refuseOtherUnits(readings)
  return { intervalSeconds: seconds, wh }
}

function energyIn(row: Row, mayExport: boolean): number {
  const wh = numberIn(row, 'wh', 'Wh')
  if (!Number.isSafeInteger(wh)) {
    throw refused('wh', 'whole Wh', `${row.cells['wh']} in line ${row.line}: perhaps kWh or kW`)
  }
  if (wh < 0 && !mayExport) {
    const got = `${wh} in line ${row.line}`
    throw refused('wh', 'no export (+ is consumption; --may-export lets a meter feed in)', got)
  }
  return wh
}

/** The shortest time between two readings is the interval of the meter. */
function intervalOf(starts: readonly Instant[]): number {
  const sorted = starts.toSorted((a, b) => a - b)
  const steps = sorted.slice(1).map((at, index) => at - (sorted[index] ?? at))
  const shortest = steps.reduce((min, step) => (step > 0 && step < min ? step : min), Infinity)
  const seconds = shortest / 1000
  if (INTERVALS.some((known) => known === seconds)) return seconds
  const wanted = 'readings every 15 or 30 minutes'
  throw refused('at', wanted, Number.isFinite(seconds) ? `every ${seconds} s` : 'one reading')
}

function refuseOtherUnits(readings: readonly { readonly wh: number; readonly line: number }[]) {
  const sizes = readings.map(({ wh }) => Math.abs(wh)).filter((wh) => wh > 0)
  const middle = sizes.toSorted((a, b) => a - b)[Math.floor(sizes.length / 2)] ?? 0
  const other = readings.find(({ wh }) => Math.abs(wh) > UNIT_STEP * middle)
  if (other === undefined) return
  const got = `${other.wh} in line ${other.line}: perhaps another unit`
  throw refused('wh', `at most ${UNIT_STEP} times the middle value ${middle}`, got)
}
