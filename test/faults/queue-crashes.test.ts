import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { callId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { createBullWakeUps } from '#jobs/queue.ts'
import { NOW } from '../postgres/samples.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/recording-log.ts'
import { wallTimer } from '../support/wall-timer.ts'
import { startRedis, type TestRedis, whyNoRedis } from '../jobs/redis-server.ts'
import { testClock } from '../jobs/test-clock.ts'

const CALL = callId('call-1')
const clock = testClock(NOW, 1)
const log = recordingLog()
const hangingWorker = fileURLToPath(new URL('../jobs/hanging-worker.ts', import.meta.url))

let database: TestDatabase
beforeEach(async () => {
  database = await createTestDatabase()
})
afterEach(() => database.drop())

const open = (redis?: TestRedis) =>
  createBullWakeUps({
    databaseUrl: database.url,
    ...(redis === undefined ? {} : { redisUrl: redis.url }),
    clock,
    timer: wallTimer,
    log,
  })

describe.each(['PostgreSQL', 'Redis'] as const)('with the queue on %s', (backend) => {
  const skip = backend === 'Redis' && whyNoRedis !== null

  test.skipIf(skip)(
    'the call of a worker that was killed is looked at by another',
    async () => {
      const redis = backend === 'Redis' ? await startRedis() : undefined
      onTestFinished(async () => redis?.stop())
      const wakeUps = await open(redis)
      const args = [hangingWorker, database.url, ...(redis === undefined ? [] : [redis.url])]
      const killed = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      onTestFinished(() => void killed.kill('SIGKILL'))
      await wakeUps.wakeCall(CALL, NOW)
      await once(killed.stdout, 'data')
      killed.kill('SIGKILL')
      await once(killed, 'exit')
      const looked: string[] = []
      const worker = wakeUps.work(1, async (due) => void looked.push(due.callId))
      // 5 s of lock and two looks for stalled jobs, 2 s apart; BullMQ's defaults take a minute.
      await expect.poll(() => looked, { timeout: 20_000, interval: 50 }).toEqual([CALL])
      await worker.stop()
      await wakeUps.close()
    },
    60_000,
  )
})

test.skipIf(whyNoRedis !== null)(
  'a Redis that is killed and comes back empty costs hints, and no error',
  async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const wakeUps = await open(redis)
    const looked: string[] = []
    const worker = wakeUps.work(1, async (due) => void looked.push(due.callId))
    await wakeUps.wakeCall(CALL, addSeconds(clock.now(), 3600))
    const restarting = redis.restart()
    await wakeUps.wakeCall(CALL, clock.now()) // lost or kept until it is back
    await restarting
    await expect
      .poll(
        async () => {
          await wakeUps.wakeCall(CALL, clock.now())
          return looked.length
        },
        { timeout: 20_000, interval: 200 },
      )
      .toBeGreaterThan(1)
    await worker.stop()
    await wakeUps.close()
  },
  60_000,
)
