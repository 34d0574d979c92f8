import type { Instant } from '#domain/time.ts'
import { numberIn, readTable, refused, timeIn } from './csv-table.ts'
import { addInterval, type Series } from './series.ts'

const TRANSFORMERS = ['gt1_mw', 'gt2_mw']
const INTERVAL_SECONDS = 1_800
/** A 33 kV transformer carries less than a tenth of it: what is above was sent in another unit. */
const POWER_MW_MAX = 1_000

/**
 * Half-hours of a substation, both transformers summed; one with a blank value was not measured.
 * @throws DomainError naming the column and the line
 */
export function readFeeder(csv: string, file: string): Series {
  const wh = new Map<Instant, number>()
  for (const row of readTable(csv, file, ['timestamp', ...TRANSFORMERS])) {
    const at = timeIn(row, 'timestamp')
    if (TRANSFORMERS.some((column) => row.cells[column] === '')) continue
    const megawatts = TRANSFORMERS.map((column) => {
      const power = numberIn(row, column, 'MW')
      if (Math.abs(power) <= POWER_MW_MAX) return power
      const got = `${power} in line ${row.line}: perhaps kW`
      throw refused(column, `at most ${POWER_MW_MAX} MW`, got)
    })
    const sum = megawatts.reduce((total, power) => total + power, 0)
    const reading = { at, wh: Math.round((sum * 1e6 * INTERVAL_SECONDS) / 3600), line: row.line }
    addInterval(wh, reading, { column: 'timestamp', seconds: INTERVAL_SECONDS })
  }
  return { intervalSeconds: INTERVAL_SECONDS, wh }
}
