import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type DomainError } from '#domain/errors.ts'
import { localDate, parseInstant } from '#domain/time.ts'
import { refused } from './csv-table.ts'
import { readFeeder } from './feeder-file.ts'
import { readMeter } from './meter-file.ts'
import { type DayWindow, parseWindow, type Trial } from './placebo.ts'
import { INTERVALS, resampled, type Series } from './series.ts'
import { readSessions } from './sessions-file.ts'

type Source = 'sessions' | 'feeder' | 'meter'

/** What a source is taken for where nothing else is said. */
type Habit = {
  readonly timeZone: string
  /** The first window is the one that figures are asked of. */
  readonly windows: readonly string[]
  readonly firstDay: number
  /** Days, or first and last day, that count as Sundays. */
  readonly holidays: readonly string[]
}

const HABITS: Readonly<Record<Source, Habit>> = {
  sessions: {
    timeZone: 'America/Los_Angeles',
    windows: ['10:00-12:00', '09:00-11:00', '11:00-13:00', '12:00-14:00', '13:00-15:00'],
    firstDay: 46,
    // Of the two Californian campuses; a day outside the file changes nothing.
    holidays: [
      '2018-11-12',
      '2018-11-22..2018-11-23',
      '2018-12-24..2019-01-01',
      '2019-01-21',
      '2019-02-18',
      '2019-05-27',
      '2019-07-04',
      '2019-09-02',
      '2019-11-11',
      '2019-11-28..2019-11-29',
      '2019-12-24..2019-12-31',
    ],
  },
  feeder: { timeZone: 'Europe/London', windows: ['17:00-19:00'], firstDay: 15, holidays: [] },
  meter: { timeZone: 'Europe/London', windows: ['17:00-19:00'], firstDay: 46, holidays: [] },
}

export type BaselinesOptions = {
  readonly source: Source
  readonly file: string
  readonly trial: Trial
  readonly windows: readonly DayWindow[]
  /** Names of methods; empty: all that can be computed from the file. */
  readonly methods: readonly string[]
  readonly seed: number
  readonly json: boolean
  readonly svg: string | null
}

/** Reads the options and the file they name. @throws DomainError naming the option or the column */
export async function readOptions(args: string[]): Promise<BaselinesOptions> {
  const { values } = parseArgs({
    args,
    options: {
      sessions: { type: 'string' },
      feeder: { type: 'string' },
      meter: { type: 'string' },
      'may-export': { type: 'boolean', default: false },
      resolution: { type: 'string', default: '30' },
      window: { type: 'string', multiple: true },
      'time-zone': { type: 'string' },
      holiday: { type: 'string', multiple: true },
      'first-day': { type: 'string' },
      methods: { type: 'string', default: '' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      svg: { type: 'string' },
    },
  })
  const given = (['sessions', 'feeder', 'meter'] as const).filter((name) => values[name])
  const [source] = given
  const file = source === undefined ? undefined : values[source]
  if (given.length !== 1 || source === undefined || file === undefined) {
    const got = given.length === 0 ? 'none' : given.map((name) => `--${name}`).join(' and ')
    throw refused('file', 'one of --sessions, --feeder and --meter', got)
  }
  const habit = HABITS[source]
  const intervalSeconds = intervalFor(values.resolution)
  const csv = await readFile(file, 'utf8')
  const series = seriesFrom(source, csv, { file, intervalSeconds, mayExport: values['may-export'] })
  return {
    source,
    file,
    trial: {
      series,
      timeZone: timeZoneFor(values['time-zone'] ?? habit.timeZone),
      holidays: datesIn(values.holiday ?? habit.holidays),
      firstDay: wholeFor('--first-day', values['first-day'] ?? String(habit.firstDay)),
    },
    windows: (values.window ?? habit.windows).map((text) => parseWindow(text, intervalSeconds)),
    methods: values.methods.split(',').filter((name) => name !== ''),
    seed: wholeFor('--seed', values.seed),
    json: values.json,
    svg: values.svg ?? null,
  }
}

function seriesFrom(
  source: Source,
  csv: string,
  told: { readonly file: string; readonly intervalSeconds: number; readonly mayExport: boolean },
): Series {
  const { file, intervalSeconds, mayExport } = told
  if (source === 'sessions') return readSessions(csv, file, intervalSeconds)
  const read = source === 'feeder' ? readFeeder(csv, file) : readMeter(csv, file, mayExport)
  return resampled(read, intervalSeconds)
}

function intervalFor(minutes: string): number {
  const seconds = Number(minutes) * 60
  if (INTERVALS.some((known) => known === seconds)) return seconds
  throw refused('--resolution', '15 or 30 minutes', minutes)
}

function timeZoneFor(name: string): string {
  try {
    localDate(parseInstant('2024-01-01T00:00:00Z'), name)
    return name
  } catch {
    throw refused('--time-zone', 'a name of the IANA list, like Europe/London', name)
  }
}

function datesIn(texts: readonly string[]): Set<string> {
  const dates = new Set<string>()
  for (const text of texts) {
    const [first = '', last = first] = text.split('..')
    const from = noonOf(first, text)
    const until = noonOf(last, text)
    for (let at = from; at <= until; at += 86_400_000) {
      dates.add(new Date(at).toISOString().slice(0, 10))
    }
  }
  return dates
}

function noonOf(date: string, text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T12:00:00Z`) : Number.NaN
  if (!Number.isNaN(at)) return at
  throw badHoliday(text)
}

function badHoliday(text: string): DomainError {
  return refused('--holiday', 'a date, or FIRST..LAST, like 2019-12-24..2020-01-01', text)
}

function wholeFor(option: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw refused(option, 'a whole number', text)
}
