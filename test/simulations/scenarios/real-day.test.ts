import { readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { instant, parseInstant } from '#domain/time.ts'
import { readFeederDay } from '#simulations/scenarios/feeder-day.ts'
import { realDayScenario } from '#simulations/scenarios/real-day.ts'
import {
  busiestStations,
  meteredUntil,
  readSessions,
  sameWeekday,
  shiftHours,
  staysOn,
} from '#simulations/scenarios/real-sessions.ts'
import type { ScenarioCharger } from '#simulations/scenarios/scenario.ts'
import { describeWith } from '#test/support/describe-with.ts'

const HALF_HOURS = Array.from({ length: 48 }, (_, index) =>
  new Date(Date.UTC(2024, 0, 17) + index * 1_800_000).toISOString().slice(0, 16).concat('Z'),
)

function feederCsv(megawatts: (index: number) => string): string {
  const rows = HALF_HOURS.map((at, index) => `${at},${megawatts(index)}`)
  return ['timestamp,gt1_mw,gt2_mw', ...rows, ''].join('\n')
}

test('a day with a blank or absent half-hour is refused by name', () => {
  const blank = feederCsv((index) => (index === 35 ? '20,' : '20,10'))
  expect(() => readFeederDay(blank, '2024-01-17')).toThrow(
    '2024-01-17: expected 48 measured half-hours, 1 missing, from 17:30 UTC',
  )
  const absent = feederCsv(() => '20,10')
    .split('\n')
    .filter((line) => !line.includes('T03:00'))
    .join('\n')
  expect(() => readFeederDay(absent, '2024-01-17')).toThrow('1 missing, from 03:00 UTC')
  expect(() => readFeederDay(absent, '2024-01-18')).toThrow('48 missing')
  expect(() => readFeederDay(absent, 'tomorrow')).toThrow('expected a date like 2024-01-17')
})

test('the limit is the fifth-highest half-hour and the window what lies unbroken above it', () => {
  const loads: Record<number, string> = {
    33: '30,20',
    34: '31,21',
    35: '33,20',
    36: '32,19',
    40: '30,19',
  }
  const { limitW, congested } = readFeederDay(
    feederCsv((index) => loads[index] ?? '10,10'),
    '2024-01-17',
  )
  expect(limitW).toBe(49_000_000)
  expect(congested.map(({ loadW }) => loadW)).toEqual([50e6, 52e6, 53e6, 51e6])
  expect(congested[0]?.start).toBe(parseInstant('2024-01-17T16:30:00Z'))
  const lone: typeof loads = { ...loads, 34: '1,1', 41: '30.5,19.5', 42: '30.5,20' }
  expect(
    readFeederDay(
      feederCsv((index) => lone[index] ?? '10,10'),
      '2024-01-17',
    ).congested,
  ).toHaveLength(2)
})

test('a day has its fellow of the same ISO week and weekday', () => {
  expect(sameWeekday('2024-01-17', 2019)).toBe('2019-01-16')
  expect(sameWeekday('2024-01-01', 2019)).toBe('2018-12-31')
  expect(sameWeekday('2024-02-29', 2019)).toBe('2019-02-28')
})

test('the shift brings eight in the morning to the window, or half past to half past', () => {
  const eight = parseInstant('2019-01-16T16:00:00Z')
  for (const [start, first] of [
    ['2024-01-17T17:00:00Z', 0],
    ['2024-01-17T16:30:00Z', 30],
  ] as const) {
    const hours = shiftHours('2019-01-16', parseInstant(start))
    expect(Number.isInteger(hours)).toBe(true)
    expect((parseInstant(start) - eight) / 60_000 - hours * 60).toBe(first)
  }
  const summer = shiftHours('2019-07-16', instant(parseInstant('2019-07-16T15:00:00Z')))
  expect(summer).toBe(0)
})

const COLUMNS = [
  'station,driver,connected_at,disconnected_at',
  'charging_from,charging_until,mean_power_kw,energy_kwh',
].join(',')
const SESSIONS = `${COLUMNS}
1,9,2019-01-16T15:00Z,2019-01-16T19:00Z,2019-01-16T15:00Z,2019-01-16T17:00Z,2,4
1,9,2019-01-16T18:00Z,2019-01-16T20:00Z,2019-01-16T18:00Z,2019-01-16T20:00Z,2,4
1,9,2019-01-17T15:00Z,2019-01-17T19:00Z,2019-01-17T15:00Z,2019-01-17T17:00Z,2,4
2,8,2019-01-16T15:00Z,2019-01-16T15:00Z,2019-01-16T15:00Z,2019-01-16T15:00Z,0,0
2,8,2019-01-16T15:00Z,2019-01-16T16:00Z,2019-01-16T15:00Z,2019-01-16T16:00Z,1,1
`

test('sessions: empty ones are left out, energy is spread evenly, cars do not overlap', () => {
  const sessions = readSessions(SESSIONS)
  expect(sessions).toHaveLength(4)
  expect(busiestStations(sessions, 2)).toEqual([1, 2])
  const [first] = sessions
  expect(meteredUntil([first ?? never()], Date.parse('2019-01-16T15:30Z'))).toBe(1000)
  const own = sessions.filter(({ station }) => station === 1)
  expect(staysOn(own, '2019-01-16')).toEqual([first])
  expect(() => readSessions(SESSIONS.replace('2019-01-17T15:00Z', 'soon'))).toThrow(
    'expected a time',
  )
})

function never(): never {
  throw new Error('no session')
}

describeWith('GRIDCALL_DATA', 'measured days', (folder) => {
  let files: { feederCsv: string; sessionsCsv: string }
  beforeAll(() => {
    const text = (name: string) => readFileSync(path.join(folder, name), 'utf8')
    files = {
      feederCsv: text('ukpn-brighton-33kv.csv'),
      sessionsCsv: text('acn-charging-sessions.csv'),
    }
  })

  test('54 of 60 days are complete; 53 have four half-hours above the limit, one has three', () => {
    const lengths: number[] = []
    const refused: string[] = []
    for (let at = Date.UTC(2024, 0, 1); at < Date.UTC(2024, 2, 1); at += 86_400_000) {
      const day = new Date(at).toISOString().slice(0, 10)
      try {
        lengths.push(readFeederDay(files.feederCsv, day).congested.length)
      } catch (error) {
        refused.push(String(error))
      }
    }
    expect([lengths.length, refused.length]).toEqual([54, 6])
    expect(lengths.filter((length) => length === 4)).toHaveLength(53)
    expect(lengths.filter((length) => length === 3)).toHaveLength(1)
    expect(refused.join()).toContain('2024-01-27: expected 48 measured half-hours, 1 missing')
  })

  test.each(['2024-01-17', '2024-02-06'])('%s becomes a world', (day) => {
    const scenario = realDayScenario(7, day, files)
    expect(JSON.stringify(realDayScenario(7, day, files))).toBe(JSON.stringify(scenario))
    const chargers = scenario.devices.filter(
      (one): one is ScenarioCharger => one.kind === 'charger',
    )
    expect(chargers).toHaveLength(20)
    expect(scenario.devices.length - chargers.length).toBe(6)
    expect(scenario.settlementPeriodSeconds).toBe(1800)
    const { main } = scenario.calls
    expect(main.periods).toHaveLength(4)
    expect(Math.max(...main.periods.map(({ powerW }) => powerW))).toBeGreaterThan(5000)
    expect(scenario.input?.scale).toBeGreaterThan(0)
    expect(scenario.input?.sessions).toBeGreaterThan(15)
    const charging = chargers.filter(({ visits }) =>
      visits.some((visit) => {
        return visit.chargingFrom <= main.windowStart && main.windowStart < visit.departureAt
      }),
    )
    expect(charging.length).toBeGreaterThan(10)
    for (const { history, registerWh, visits } of chargers) {
      const values = history.map((one) => one.registerWh)
      expect([...values].sort((a, b) => a - b)).toEqual(values)
      expect(values.at(-1)).toBeLessThanOrEqual(registerWh)
      const starts = new Set(history.map((one) => one.at))
      expect(
        starts.has(
          new Date(Date.parse(main.windowStart) - 86_400_000).toISOString().replace('.000', ''),
        ),
      ).toBe(true)
      for (const [index, visit] of visits.entries()) {
        const before = visits[index - 1]
        if (before !== undefined) expect(visit.pluggedInAt >= before.departureAt).toBe(true)
      }
    }
  })
})
