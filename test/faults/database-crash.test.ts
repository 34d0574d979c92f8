import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type EmbeddedPostgres,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from '#adapters/embedded-postgres/embedded-postgres.ts'
import { migrate } from '#db/migrate.ts'
import { createPostgresStore } from '#db/store.ts'
import { callId, resourceId } from '#domain/ids.ts'
import { addSeconds, instant } from '#domain/time.ts'
import { createBullWakeUps } from '#jobs/queue.ts'
import { NOW, reading } from '../postgres/samples.ts'
import { recordingLog } from '../support/recording-log.ts'
import { wallTimer } from '../support/wall-timer.ts'
import { testClock } from '../jobs/test-clock.ts'

/** What the operator waits for at most after the database was killed and came back. */
const RECOVERY_MS = 15_000

let dataDir: string
let server: EmbeddedPostgres
const log = recordingLog()
const start = () => startEmbeddedPostgres({ dataDir, log, timer: wallTimer })

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'gridcall-crash-'))
  server = await start()
  await migrate({ url: server.url, log })
})
afterAll(() => removeEmbeddedPostgres(dataDir, wallTimer))

test('a database killed in a burst loses nothing that was acknowledged; all comes back', async () => {
  const clock = testClock(NOW, 60)
  const store = createPostgresStore({ url: server.url, log })
  const wakeUps = await createBullWakeUps({ databaseUrl: server.url, clock, timer: wallTimer, log })
  const advanced: string[] = []
  const worker = wakeUps.work(2, async ({ callId: id }) => void advanced.push(id))
  let told = 0
  wakeUps.subscribe('setpoints', () => void told++)
  const acknowledged: number[] = []
  const charger = resourceId('charger-1')
  let next = 0
  let isWriting = true
  const write = async () => {
    while (isWriting) {
      const at = instant(NOW + next++)
      try {
        await store.transaction((tx) => tx.readings.append([reading({ at })]))
        acknowledged.push(at)
      } catch (error) {
        expect(error).toMatchObject({ code: 'unavailable' })
        await wallTimer.sleep(50)
      }
    }
  }
  const writers = [write(), write(), write(), write()]
  await expect.poll(() => acknowledged.length, { timeout: 10_000 }).toBeGreaterThan(50)

  process.kill(server.pid, 'SIGKILL')
  await wallTimer.sleep(2500) // longer than a first attempt to come back
  const before = acknowledged.length
  await wakeUps.notify('setpoints') // lost, and logged
  server = await start()
  const isUp = performance.now()

  await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(before + 10)
  isWriting = false
  await Promise.all(writers)
  await wakeUps.wakeCall(callId('call-1'), addSeconds(clock.now(), 6))
  await expect.poll(() => advanced, { timeout: 20_000, interval: 20 }).toEqual(['call-1'])
  await expect.poll(() => told, { timeout: 20_000, interval: 20 }).toBeGreaterThan(0)
  const toldBefore = told
  await wakeUps.notify('setpoints')
  await expect.poll(() => told, { timeout: 20_000, interval: 20 }).toBeGreaterThan(toldBefore)
  expect(performance.now() - isUp).toBeLessThan(RECOVERY_MS)

  const kept = await store.transaction((tx) =>
    tx.readings.between([charger], NOW, instant(NOW + next)),
  )
  const found = new Set<number>(kept.map((each) => each.at))
  expect(acknowledged.filter((at) => !found.has(at))).toEqual([])
  await worker.stop()
  await wakeUps.close()
  await store.close()
}, 90_000)
