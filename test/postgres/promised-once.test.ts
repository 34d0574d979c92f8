import postgres from 'postgres'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { migrate } from '#db/migrate.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/recording-log.ts'
import { migrateBefore } from './older-database.ts'
import { minutes } from './samples.ts'

let database: TestDatabase
let admin: postgres.Sql
beforeEach(async () => {
  database = await createTestDatabase()
  admin = postgres(database.url, { max: 1, onnotice: () => undefined })
})
afterEach(async () => {
  await admin.end()
  await database.drop()
})

const promise = (
  resource: string,
  from: number,
  until: number,
  callId = 'call-2',
  seconds = 60,
) => admin`
  INSERT INTO gridcall.promises (resource_id, run_start, run_end, period_seconds, call_id, role)
  VALUES (${resource}, ${minutes(from)}, ${minutes(until)}, ${seconds}, ${callId}, 'order')`

test('the database itself refuses what promises an instant twice, or no time, or days', async () => {
  await migrate({ url: database.url, log: recordingLog() })
  await promise('a', 0, 15, 'call-1')
  for (const [from, until] of [
    [0, 15],
    [14, 30],
    [-60, 1],
    [5, 6],
  ] as const) {
    await expect(promise('a', from, until)).rejects.toMatchObject({
      code: expect.stringMatching(/^23(P01|505)$/), // exclusion or unique violation
    })
  }
  const check = { constraint_name: 'promises_length' }
  await expect(promise('a', 30, 30)).rejects.toMatchObject(check)
  await expect(promise('a', 30, 29)).rejects.toMatchObject(check)
  await expect(promise('a', 30, 30 + 24 * 60 + 1)).rejects.toMatchObject(check)
  const parts = { constraint_name: 'promises_whole_periods' }
  await expect(promise('a', 30, 45, 'call-2', 600)).rejects.toMatchObject(parts)
  await expect(promise('a', 30, 45, 'call-2', 0)).rejects.toMatchObject(parts)
  await promise('a', 15, 30)
  await promise('b', 0, 15)
})

test('what an older program promised twice is cut where the second began, unbroken periods are one row, and nothing is lost', async () => {
  await migrateBefore(admin, '0010')
  const body = (seconds: number) => admin.json({ program: { settlementPeriodSeconds: seconds } })
  for (const [id, seconds] of [
    ['half-hours', 1800],
    ['quarters', 900],
  ] as const) {
    await admin`INSERT INTO gridcall.calls VALUES
      (${id}, 'ordered', 'dso', 'cp', ${minutes(0)}, ${minutes(0)}, ${minutes(60)}, ${body(seconds)})`
  }
  const before = (resource: string, from: number, id: string) =>
    admin`INSERT INTO gridcall.promises VALUES (${resource}, ${minutes(from)}, ${id})`
  await before('a', 0, 'half-hours')
  await before('a', 15, 'quarters')
  await before('a', 30, 'half-hours')
  await before('b', 30, 'quarters')
  await before('c', 0, 'quarters')
  await before('c', 15, 'quarters')
  await before('c', 30, 'quarters')
  await before('c', 60, 'quarters')
  await before('c', 75, 'half-hours')
  await migrate({ url: database.url, log: recordingLog() })
  const rows = await admin<{ id: string; from: string; until: string; each: number }[]>`
    SELECT resource_id AS id, run_start AS from, run_end AS until, period_seconds / 60 AS each
    FROM gridcall.promises WHERE role = 'order' ORDER BY resource_id, run_start`
  const told = rows.map(({ id, from, until, each }) => {
    const [start, end] = [from, until].map((at) => (Number(at) - minutes(0)) / 60_000)
    return `${id} ${start}-${end} by ${each}`
  })
  const ofC = ['c 0-45 by 15', 'c 60-75 by 15', 'c 75-105 by 30']
  expect(told).toEqual(['a 0-15 by 15', 'a 15-30 by 15', 'a 30-60 by 30', 'b 30-45 by 15', ...ofC])
})
