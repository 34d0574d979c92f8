import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createSoleRight } from '#db/sole-right.ts'
import type { SoleRight } from '#ports.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/recording-log.ts'
import { wallTimer } from '../support/wall-timer.ts'

let database: TestDatabase
const rights: SoleRight[] = []
const children: ChildProcess[] = []

beforeAll(async () => {
  database = await createTestDatabase()
})
afterEach(async () => {
  await Promise.all(rights.splice(0).map((right) => right.release()))
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(() => database.drop())

function right(...names: string[]): SoleRight {
  const made = createSoleRight({ url: database.url, log: recordingLog(), names })
  rights.push(made)
  return made
}

/** Another process that wants the right; resolves with what it tells first. */
async function otherProcess(...names: string[]) {
  const file = new URL('../support/sole-right-holder.ts', import.meta.url)
  const child = fork(file, [database.url, ...names])
  children.push(child)
  const next = async () => {
    const [holds] = await wallTimer.deadline(once(child, 'message'), 8000, 'what it holds')
    return holds as boolean
  }
  return { child, next, first: await next() }
}

describe('a sole right', () => {
  test('is nobody else’s, in this process or another, while one has it', async () => {
    const mine = right('key a')
    expect(await mine.hold()).toBe(true)
    expect(await mine.hold()).toBe(true)
    expect(await right('key a').hold()).toBe(false)
    expect((await otherProcess('key a')).first).toBe(false)
    expect(await right('key b').hold()).toBe(true)
  })

  test('is taken over at once when its process is killed', async () => {
    const { child, first } = await otherProcess('key c')
    expect(first).toBe(true)
    const { next, first: second } = await otherProcess('key c')
    expect(second).toBe(false)
    const mine = right('key c')
    expect(await mine.hold()).toBe(false)
    const began = performance.now()
    child.kill('SIGKILL')
    expect(await next()).toBe(true)
    expect(performance.now() - began).toBeLessThan(3000)
    expect(await mine.hold()).toBe(false)
  })

  test('is had whole or not at all', async () => {
    expect(await right('key e').hold()).toBe(true)
    const both = right('key d', 'key e')
    expect(await both.hold()).toBe(false)
    expect(await right('key d').hold()).toBe(true) // what it could have had it gave back
  })

  test('is lost with its connection, and whoever had it is told so before it does anything', async () => {
    const mine = right('key f')
    expect(await mine.hold()).toBe(true)
    const admin = postgres(database.url, { max: 1 })
    await admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'gridcall sole right'`
    await admin.end()
    const other = right('key f')
    await expect.poll(() => other.hold(), { timeout: 5000 }).toBe(true)
    const answer = await mine.hold().catch((error: { code?: string }) => error.code)
    expect(['unavailable', false]).toContain(answer)
    expect(await mine.hold()).toBe(false)
  })

  test('is free at once when it is let go', async () => {
    const mine = right('key g')
    await mine.hold()
    await mine.release()
    expect(await right('key g').hold()).toBe(true)
  })
})
