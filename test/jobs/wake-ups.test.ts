import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { callId, type CallId } from '#domain/ids.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { type BullWakeUps, createBullWakeUps, type DueCall } from '#jobs/queue.ts'
import type { Clock } from '#ports.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/recording-log.ts'
import { wallTimer } from '../support/wall-timer.ts'
import { NOW } from '../postgres/samples.ts'
import { startRedis, type TestRedis, whyNoRedis } from './redis-server.ts'
import { testClock } from './test-clock.ts'

const CALL = callId('call:1') // with a colon, which BullMQ refuses in an id
const OTHER = callId('call-2')
const SPEED = 60
const soon = { timeout: 12_000, interval: 10 }

/** With the queue's own tables in it, which take half a second to make. */
const queueTemplate = {
  name: 'queue',
  async prepare(databaseUrl: string) {
    const [clock, log] = [testClock(NOW, 1), recordingLog()]
    const wakeUps = await createBullWakeUps({ databaseUrl, clock, timer: wallTimer, log })
    await wakeUps.close()
  },
}

describe.each(['PostgreSQL', 'Redis'] as const)('wake-ups on %s', (backend) => {
  const skip = backend === 'Redis' && whyNoRedis !== null
  let redis: TestRedis | undefined
  let database: TestDatabase
  let wakeUps: BullWakeUps
  let clock: Clock
  const open = (options: { clock?: Clock } = {}) =>
    createBullWakeUps({
      databaseUrl: database.url,
      ...(redis === undefined ? {} : { redisUrl: redis.url }),
      clock: options.clock ?? clock,
      timer: wallTimer,
      log: recordingLog(),
    })

  beforeAll(async () => {
    if (backend === 'Redis' && !skip) redis = await startRedis()
  })
  afterAll(async () => redis?.stop())
  beforeEach(async () => {
    if (skip) return
    await redis?.restart()
    database = await createTestDatabase({ template: queueTemplate })
    clock = testClock(NOW, SPEED)
    wakeUps = await open()
  })
  afterEach(async () => {
    if (skip) return
    await wakeUps.close()
    await database.drop()
  })

  /** Records what is processed, and when, in business time. */
  const record = (process: (due: DueCall) => Promise<void> = async () => undefined) => {
    const seen: { callId: CallId; at: Instant; late: number }[] = []
    const worker = wakeUps.work(2, async (due) => {
      seen.push({ callId: due.callId, at: due.at, late: clock.now() - due.at })
      await process(due)
    })
    return { seen, stop: () => worker.stop() }
  }

  test.skipIf(skip)('a call is woken when its instant has come, not before', async () => {
    const { seen, stop } = record()
    const at = addSeconds(clock.now(), 45) // 0.75 s on the wall
    await wakeUps.wakeCall(CALL, at)
    await expect.poll(() => seen.length, soon).toBeGreaterThan(0)
    await stop()
    expect(seen.map(({ callId: id, at: due }) => [id, due])).toEqual([[CALL, at]])
    expect(seen[0]?.late).toBeGreaterThanOrEqual(0)
    expect(seen[0]?.late).toBeLessThan(SPEED * 3000)
  })

  test.skipIf(skip)('an instant in the past wakes at once', async () => {
    const { seen, stop } = record()
    await wakeUps.wakeCall(CALL, addSeconds(NOW, -3600))
    await expect.poll(() => seen.length, soon).toBe(1)
    await stop()
  })

  test.skipIf(skip)('the same call and instant are queued once, others beside it', async () => {
    const later = addSeconds(NOW, 3600)
    for (let i = 0; i < 5; i++) await wakeUps.wakeCall(CALL, later)
    await wakeUps.wakeCall(CALL, addSeconds(later, 1))
    await wakeUps.wakeCall(OTHER, later)
    expect(await wakeUps.count()).toBe(3)
  })

  test.skipIf(skip)('an earlier instant is kept although a later one waits already', async () => {
    const { seen, stop } = record()
    await wakeUps.wakeCall(CALL, addSeconds(NOW, 3600))
    await new Promise((resolve) => setTimeout(resolve, 300)) // the worker waits for that one now
    const sooner = addSeconds(clock.now(), 12)
    await wakeUps.wakeCall(CALL, sooner)
    await expect.poll(() => seen.length, soon).toBe(1)
    await stop()
    expect(seen[0]?.at).toBe(sooner)
  })

  test.skipIf(skip)(
    'what changes while a call is looked at makes it be looked at again',
    async () => {
      const standing = testClock(NOW, SPEED, false) // every wake-up has the same instant
      const others = await open({ clock: standing })
      const begun = Promise.withResolvers<void>()
      const go = Promise.withResolvers<void>()
      let looked = 0
      const worker = others.work(2, async () => {
        looked++
        begun.resolve()
        await go.promise
      })
      await others.wakeCall(CALL, NOW)
      await begun.promise
      await others.wakeCall(CALL, NOW)
      await expect.poll(() => looked, soon).toBe(2)
      go.resolve()
      await worker.stop()
      await others.close()
    },
  )

  test.skipIf(skip)('a call that is due at the same instant again is woken again', async () => {
    const standing = testClock(NOW, SPEED, false)
    const others = await open({ clock: standing })
    const later = addSeconds(NOW, 12)
    const seen: DueCall[] = []
    const worker = others.work(1, async (due) => {
      seen.push(due)
      if (seen.length < 3) await others.wakeAgain(due, later)
    })
    await others.wakeCall(CALL, later)
    await expect.poll(() => seen.length, soon).toBe(3)
    await worker.stop()
    expect(new Set(seen.map((due) => due.at))).toEqual(new Set([later]))
    await others.close()
  })

  test.skipIf(skip)(
    'a call queued before the clock ran is woken in time after it does',
    async () => {
      const later = addSeconds(NOW, 3600)
      const slow = await open({ clock: testClock(NOW, 1, false) })
      await slow.wakeCall(CALL, later)
      await slow.close()
      await wakeUps.wakeCall(CALL, later)
      expect(await wakeUps.count()).toBe(2)
    },
  )

  test.skipIf(skip)('a burst of wake-ups becomes a few jobs', async () => {
    const bursts = Array.from({ length: 50 }, () => wakeUps.wakeCall(CALL, NOW))
    await Promise.all(bursts)
    expect(await wakeUps.count()).toBeLessThanOrEqual(2)
  })

  test.skipIf(skip)('nothing is left in the queue of what was done', async () => {
    const { seen, stop } = record()
    await Promise.all([wakeUps.wakeCall(CALL, NOW), wakeUps.wakeCall(OTHER, NOW)])
    await expect.poll(() => seen.length, soon).toBe(2)
    await expect.poll(() => wakeUps.count(), soon).toBe(0)
    await stop()
  })

  test.skipIf(skip)(
    'a topic reaches every subscriber in every process, and a burst is few',
    async () => {
      const elsewhere = await open()
      let here = 0
      let there = 0
      const subscription = wakeUps.subscribe('setpoints', () => void here++)
      elsewhere.subscribe('setpoints', () => void there++)
      elsewhere.subscribe('resources', () => {
        throw new Error('another topic')
      })
      await Promise.all(Array.from({ length: 30 }, () => wakeUps.notify('setpoints')))
      await expect.poll(() => here > 0 && there > 0, soon).toBe(true)
      expect(there).toBeLessThanOrEqual(2)
      subscription.stop()
      const before = { here, there }
      await wakeUps.notify('setpoints')
      await expect.poll(() => there, soon).toBeGreaterThan(before.there)
      expect(here).toBe(before.here)
      await elsewhere.close()
    },
  )
})
