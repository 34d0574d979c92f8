import { describe, expect, test } from 'vitest'
import { readFeeder } from '#commands/backtest/feeder-file.ts'
import { readMeter } from '#commands/backtest/meter-file.ts'
import { resampled } from '#commands/backtest/series.ts'
import { readSessions } from '#commands/backtest/sessions-file.ts'
import { parseInstant } from '#domain/time.ts'

const SESSIONS = 'charging_from,charging_until,mean_power_kw,energy_kwh'
const HALF_HOUR = 1_800

function sessions(...rows: string[]): ReturnType<typeof readSessions> {
  return readSessions([SESSIONS, ...rows].join('\n'), 's.csv', HALF_HOUR)
}

function meter(...rows: string[]): ReturnType<typeof readMeter> {
  return readMeter(['at,wh', ...rows].join('\n'), 'm.csv', false)
}

function feeder(...rows: string[]): ReturnType<typeof readFeeder> {
  return readFeeder(['timestamp,gt1_mw,gt2_mw', ...rows].join('\n'), 'f.csv')
}

describe('what cannot be true is refused, and the column and the line are named', () => {
  test.each([
    ['no energy', 'charging_from,charging_until\n', 'energy_kwh: expected a column'],
    ['another header', 'from,until,kwh\n', 'charging_from: expected a column'],
    ['nothing', '', 's.csv: expected charging_from,charging_until,energy_kwh, got an empty file'],
    ['a row that is too short', `${SESSIONS}\n2019-01-01T00:00Z,1\n`, 's.csv: expected a CSV file'],
  ])('a file with %s', (_, csv, expected) => {
    const header = csv === '' ? 's.csv: expected charging_from' : expected
    expect(() => readSessions(csv, 's.csv', HALF_HOUR)).toThrow(header)
  })

  test.each([
    ['NaN', '2019-01-02T10:00Z,2019-01-02T11:00Z,7,NaN', 'energy_kwh: expected a number of kWh'],
    ['a blank', '2019-01-02T10:00Z,2019-01-02T11:00Z,7,', 'energy_kwh: .*"" in line 2'],
    ['export', '2019-01-02T10:00Z,2019-01-02T11:00Z,7,-7', 'energy_kwh: .*takes energy in'],
    ['Wh', '2019-01-02T10:00Z,2019-01-02T11:00Z,7,7000', 'energy_kwh: .*perhaps Wh'],
    ['W', '2019-01-02T10:00Z,2019-01-02T11:00Z,7000,7', 'mean_power_kw: .*perhaps W'],
    ['1970', '1970-01-01T00:00Z,2019-01-02T11:00Z,7,7', 'charging_from: .*2000 to 2099'],
    ['2106', '2019-01-02T10:00Z,2106-02-07T06:28Z,7,7', 'charging_until: .*2000 to 2099'],
    ['no zone', '2019-01-02T10:00,2019-01-02T11:00Z,7,7', 'charging_from: .*Z or an offset'],
    ['no time', '2019-01-02T11:00Z,2019-01-02T11:00Z,7,7', 'charging_until: .*after charging_from'],
  ])('a session with %s', (_, row, expected) => {
    expect(() => sessions(row)).toThrow(new RegExp(`^${expected}`))
  })

  test.each([
    ['kWh', ['2019-01-02T10:00Z,0.5', '2019-01-02T10:30Z,0.4'], 'wh: .*perhaps kWh or kW'],
    ['NaN', ['2019-01-02T10:00Z,NaN'], 'wh: expected a number of Wh, got "NaN" in line 2'],
    ['export', ['2019-01-02T10:00Z,5', '2019-01-02T10:30Z,-4'], 'wh: expected no export.*line 3'],
    ['a blank', ['2019-01-02T10:00Z,5', '2019-01-02T10:30Z,'], 'wh: expected a number.*line 3'],
    [
      'one interval twice',
      ['2019-01-02T10:00Z,5', '2019-01-02T10:30Z,4', '2019-01-02T10:00Z,5'],
      'at: expected each interval once.*line 4',
    ],
    ['no grid', ['2019-01-02T10:07Z,5', '2019-01-02T10:37Z,4'], 'at: expected the start of an'],
    ['hours', ['2019-01-02T10:00Z,5', '2019-01-02T11:00Z,4'], 'at: .*every 3600 s'],
    ['one row', ['2019-01-02T10:00Z,5'], 'at: expected readings every 15 or 30 minutes'],
    [
      'another unit half-way',
      ['10:00Z,500', '10:30Z,400', '11:00Z,450', '11:30Z,450000'].map((row) => `2019-01-02T${row}`),
      'wh: .*450000 in line 5: perhaps another unit',
    ],
  ])('a meter with %s', (_, rows, expected) => {
    expect(() => meter(...rows)).toThrow(new RegExp(`^${expected}`))
  })

  test('a feeder in kW', () => {
    expect(() => feeder('2024-01-01T00:00Z,17600,16.71')).toThrow(/^gt1_mw: .*perhaps kW/)
    expect(() => feeder('2024-01-01T00:00Z,17.6,n/a')).toThrow(/^gt2_mw: .*"n\/a" in line 2/)
  })

  test('half-hours as quarters', () => {
    expect(() => resampled(feeder('2024-01-01T00:00Z,17,16'), 900)).toThrow(/^--resolution/)
  })
})

describe('what is read', () => {
  test('the energy of a session is spread evenly over the time it charges', () => {
    const { wh } = sessions('2019-01-02T10:15Z,2019-01-02T11:15Z,7,7')
    expect([...wh.values()]).toEqual([1_750, 3_500, 1_750])
    expect([...wh.keys()][0]).toBe(parseInstant('2019-01-02T10:00Z'))
  })

  test('sessions add up to one fleet, and between them nobody charges', () => {
    const { wh } = sessions(
      '2019-01-02T10:00Z,2019-01-02T10:30Z,4,2',
      '2019-01-02T10:00Z,2019-01-02T11:00Z,4,4',
      '2019-01-02T11:30Z,2019-01-02T12:00Z,4,2',
    )
    expect([...wh.values()]).toEqual([4_000, 2_000, 0, 2_000])
  })

  test('transformers are summed; where one is blank the half-hour was not measured', () => {
    const { wh } = feeder(
      '2024-01-01T00:00Z,10,2.5',
      '2024-01-01T00:30Z,,3',
      '2024-01-01T01:00Z,1,-3',
    )
    expect([...wh.values()]).toEqual([6_250_000, -1_000_000])
  })

  test('a meter in any order, feeding in where it may', () => {
    const rows = ['at,wh', '2019-01-02T10:30Z,-4', '2019-01-02T10:15+00:00,5']
    const { wh, intervalSeconds } = readMeter(rows.join('\n'), 'm.csv', true)
    expect(intervalSeconds).toBe(900)
    expect(wh.get(parseInstant('2019-01-02T10:15Z'))).toBe(5)
  })

  test('quarters become half-hours; a half-hour with a quarter missing is missing', () => {
    const quarters = meter(
      ...['10:00Z,1', '10:15Z,2', '10:30Z,3', '11:00Z,4', '11:15Z,5'].map(
        (row) => `2019-01-02T${row}`,
      ),
    )
    expect([...resampled(quarters, HALF_HOUR).wh.values()]).toEqual([3, 9])
  })
})
