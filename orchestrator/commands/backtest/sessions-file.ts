import { floorToStep, type Instant, instant } from '#domain/time.ts'
import { numberIn, type Row, readTable, refused, timeIn } from './csv-table.ts'
import type { Series } from './series.ts'

const COLUMNS = ['charging_from', 'charging_until', 'energy_kwh']
/** No charging session of one connector has more: what is above was sent in another unit. */
const POWER_KW_MAX = 1_000
/** How far a session's mean power may be from its energy and its time. */
const POWER_TOLERANCE = 0.25

type Session = { readonly from: Instant; readonly until: Instant; readonly energyWh: number }

/**
 * Charging sessions as the power of one fleet: the energy of each is spread evenly over its
 * charging time. From the first to the last session an interval in which nobody charges has 0 Wh.
 * @throws DomainError naming the column and the line
 */
export function readSessions(csv: string, file: string, intervalSeconds: number): Series {
  const sessions = readTable(csv, file, COLUMNS).map(sessionOf)
  const step = intervalSeconds * 1000
  const energies = new Map<Instant, number>()
  for (const { from, until, energyWh } of sessions) {
    for (let at = floorToStep(from, intervalSeconds); at < until; at = instant(at + step)) {
      const charged = Math.min(until, at + step) - Math.max(from, at)
      energies.set(at, (energies.get(at) ?? 0) + (energyWh * charged) / (until - from))
    }
  }
  if (sessions.length === 0) throw refused('energy_kwh', 'at least one charging session', 'none')
  const first = sessions.map(({ from }) => from).reduce((min, from) => (from < min ? from : min))
  const last = sessions.reduce((max, { until }) => Math.max(max, until), 0)
  const wh = new Map<Instant, number>()
  for (let at = floorToStep(first, intervalSeconds); at < last; at = instant(at + step)) {
    wh.set(at, Math.round(energies.get(at) ?? 0)) // once, after the sum
  }
  return { intervalSeconds, wh }
}

function sessionOf(row: Row): Session {
  const from = timeIn(row, 'charging_from')
  const until = timeIn(row, 'charging_until')
  const energyKwh = numberIn(row, 'energy_kwh', 'kWh')
  if (until <= from) {
    const got = `${row.cells['charging_until']} in line ${row.line}`
    throw refused('charging_until', 'a time after charging_from', got)
  }
  if (energyKwh < 0) {
    const got = `${energyKwh} in line ${row.line}: a charging session takes energy in`
    throw refused('energy_kwh', 'no negative energy', got)
  }
  const powerKw = energyKwh / ((until - from) / 3_600_000)
  if (powerKw > POWER_KW_MAX) {
    const got = `${powerKw.toFixed(0)} kW in line ${row.line}: perhaps Wh`
    throw refused('energy_kwh', `at most ${POWER_KW_MAX} kW on average`, got)
  }
  agreesWithPower(row, powerKw)
  return { from, until, energyWh: energyKwh * 1000 }
}

/** The mean power says the same a second time: W sent as kW are found so. */
function agreesWithPower(row: Row, powerKw: number): void {
  if (row.cells['mean_power_kw'] === undefined) return
  const told = numberIn(row, 'mean_power_kw', 'kW')
  if (Math.abs(told - powerKw) <= POWER_TOLERANCE * Math.max(told, powerKw) + 0.1) return
  const got = `${told} in line ${row.line}${told > 500 * powerKw ? ': perhaps W' : ''}`
  throw refused('mean_power_kw', `about ${powerKw.toFixed(2)} by energy and time`, got)
}
