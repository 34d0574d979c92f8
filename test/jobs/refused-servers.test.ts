import { expect, onTestFinished, test } from 'vitest'
import { createBullWakeUps } from '#jobs/queue.ts'
import { NOW } from '../postgres/samples.ts'
import { createTestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/recording-log.ts'
import { wallTimer } from '../support/wall-timer.ts'
import { startRedis, whyNoRedis } from './redis-server.ts'
import { testClock } from './test-clock.ts'

const rest = { clock: testClock(NOW, 1), timer: wallTimer, log: recordingLog() }

test('a database that is not there is refused at once', async () => {
  const databaseUrl = 'postgres://gridcall@127.0.0.1:1/none'
  await expect(createBullWakeUps({ databaseUrl, ...rest })).rejects.toThrow('ECONNREFUSED')
})

test.skipIf(whyNoRedis !== null)(
  'a Redis that may evict keys is refused with a sentence',
  async () => {
    const redis = await startRedis('allkeys-lru')
    onTestFinished(() => redis.stop())
    const database = await createTestDatabase()
    const opening = createBullWakeUps({ databaseUrl: database.url, redisUrl: redis.url, ...rest })
    await expect(opening).rejects.toThrow(/maxmemory-policy allkeys-lru .* set .* to noeviction/)
    await database.drop()
  },
)
