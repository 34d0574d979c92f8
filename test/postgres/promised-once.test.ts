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

const promise = (resource: string, from: number, until: number, callId = 'call-2') => admin`
  INSERT INTO gridcall.promises (resource_id, period_start, period_end, call_id, role)
  VALUES (${resource}, ${minutes(from)}, ${minutes(until)}, ${callId}, 'order')`

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
  await promise('a', 15, 30)
  await promise('b', 0, 15)
})

test('what an older program promised twice is cut where the second began, and nothing is lost', async () => {
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
  await migrate({ url: database.url, log: recordingLog() })
  const rows = await admin<{ resource_id: string; from: string; until: string; role: string }[]>`
    SELECT resource_id, period_start AS from, period_end AS until, role
    FROM gridcall.promises ORDER BY resource_id, period_start`
  const told = rows.map(({ resource_id, from, until, role }) => {
    const [start, end] = [from, until].map((at) => (Number(at) - minutes(0)) / 60_000)
    return `${resource_id} ${start} ${end} ${role}`
  })
  expect(told).toEqual(['a 0 15 order', 'a 15 30 order', 'a 30 60 order', 'b 30 45 order'])
})
