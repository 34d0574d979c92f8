/** A worker process for tests: tells when it has begun with a call, and never ends it. */
import { createBullWakeUps } from '#jobs/queue.ts'
import { NOW } from '../postgres/samples.ts'
import { recordingLog } from '../support/recording-log.ts'
import { wallTimer } from '../support/wall-timer.ts'
import { testClock } from './test-clock.ts'

const [databaseUrl = '', redisUrl] = process.argv.slice(2)
const wakeUps = await createBullWakeUps({
  databaseUrl,
  ...(redisUrl === undefined ? {} : { redisUrl }),
  clock: testClock(NOW, 1),
  timer: wallTimer,
  log: recordingLog(),
})
wakeUps.work(1, async () => {
  process.stdout.write('begun\n')
  await new Promise(() => undefined)
})
