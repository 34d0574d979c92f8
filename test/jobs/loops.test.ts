import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStore } from '#db/memory-store.ts'
import { createPostgresStore } from '#db/store.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { callId, type CallId } from '#domain/ids.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { createChainLoop } from '#jobs/chain-loop.ts'
import { openCalls } from '#jobs/open-calls.ts'
import { type BullWakeUps, createBullWakeUps } from '#jobs/queue.ts'
import { createReconciler } from '#jobs/reconciler.ts'
import { createWorker } from '#jobs/worker.ts'
import type { Clock, PayoutRail, Ports } from '#ports.ts'
import type { Store } from '#store-ports.ts'
import { createMigratedDatabase } from '../postgres/migrated-database.ts'
import { call, hexOf, NOW } from '../postgres/samples.ts'
import type { TestDatabase } from '../support/database.ts'
import { recordingLog } from '../support/recording-log.ts'
import { wallTimer } from '../support/wall-timer.ts'
import { testClock } from './test-clock.ts'

const SPEED = 60
const FIRST = callId('call-1')
const SECOND = callId('call-2')
const soon = { timeout: 12_000, interval: 10 }

let database: TestDatabase
let store: Store
let clock: Clock
let log: ReturnType<typeof recordingLog>
let wakeUps: BullWakeUps
let ports: Ports

beforeEach(async () => {
  database = await createMigratedDatabase()
  log = recordingLog()
  clock = testClock(NOW, SPEED)
  store = createPostgresStore({ url: database.url, log })
  wakeUps = await createBullWakeUps({ databaseUrl: database.url, clock, timer: wallTimer, log })
  ports = portsWith({ store, wakeUps })
})

afterEach(async () => {
  await wakeUps.close()
  await store.close()
  await database.drop()
})

/** The ports that jobs use; the others are not touched. */
function portsWith(fields: Partial<Ports>): Ports {
  return { clock, timer: wallTimer, log, ...fields } as Ports
}

function railThat(advance: PayoutRail['advance']): PayoutRail {
  return { advance } as PayoutRail
}

async function create(...calls: FlexibilityCall[]): Promise<void> {
  await store.transaction(async (tx) => {
    for (const each of calls) await tx.calls.create(each)
  })
}

describe('the worker', () => {
  test('logs a call that cannot be advanced, and goes on with the others', async () => {
    const advanced: CallId[] = []
    const worker = createWorker({
      ports,
      wakeUps,
      advanceCall: async (_ports, id) => {
        if (id === FIRST) throw new Error('the pool said no')
        advanced.push(id)
        return null
      },
    })
    await wakeUps.wakeCall(FIRST, NOW)
    await wakeUps.wakeCall(SECOND, NOW)
    await expect.poll(() => advanced, soon).toEqual([SECOND])
    await expect.poll(() => log.lines, soon).toContain('error: a call could not be advanced')
    await expect.poll(() => wakeUps.count(), soon).toBe(0)
    await worker.stop()
  })

  test('advances a call at each instant that it asks for', async () => {
    const seen: Instant[] = []
    const instants = [10, 20, 20, 30].map((seconds) => addSeconds(clock.now(), seconds))
    const worker = createWorker({
      ports,
      wakeUps,
      advanceCall: async () => {
        seen.push(clock.now())
        return instants[seen.length - 1] ?? null
      },
    })
    await wakeUps.wakeCall(FIRST, NOW)
    await expect.poll(() => seen.length, soon).toBe(5)
    await worker.stop()
    for (const [index, at] of instants.entries()) expect(seen[index + 1]).toBeGreaterThanOrEqual(at)
    expect(await wakeUps.count()).toBe(0)
  })

  test('finishes what it has begun before it stops', async () => {
    let ended = false
    const begun = Promise.withResolvers<void>()
    const worker = createWorker({
      ports,
      wakeUps,
      advanceCall: async () => {
        begun.resolve()
        await wallTimer.sleep(300)
        ended = true
        return null
      },
    })
    await wakeUps.wakeCall(FIRST, NOW)
    await begun.promise
    await worker.stop()
    expect(ended).toBe(true)
  })
})

describe('the reconciler', () => {
  test('logs a call that cannot be advanced, goes on, and tries it again at the next tick', async () => {
    await create(call({ id: FIRST }), call({ id: SECOND }))
    const advanced: CallId[] = []
    let failures = 0
    const reconciler = createReconciler({
      ports,
      tickMs: 100,
      advanceCall: async (_ports, id) => {
        if (id === FIRST && failures++ === 0) throw new Error('no chain')
        advanced.push(id)
        return null
      },
    })
    await expect.poll(() => new Set(advanced), soon).toEqual(new Set([FIRST, SECOND]))
    await reconciler.stop()
    expect(log.lines).toContain('error: a call could not be advanced')
  })

  test('survives a store that fails', async () => {
    let asked = 0
    const failing: Store = {
      transaction: async () => {
        asked++
        throw new Error('no database')
      },
      close: async () => undefined,
    }
    const reconciler = createReconciler({
      ports: portsWith({ store: failing, wakeUps }),
      tickMs: 20,
      advanceCall: async () => null,
    })
    await expect.poll(() => asked, soon).toBeGreaterThan(2)
    await reconciler.stop()
    expect(log.lines).toContain('error: the reconciler failed and goes on')
  })

  test('costs one tick when every row of the queue is deleted', async () => {
    await create(call())
    const due = addSeconds(clock.now(), 90) // 1.5 s on the wall
    const advancedAt: Instant[] = []
    const advanceCall = async () => {
      const now = clock.now()
      if (now < due) return due
      advancedAt.push(now)
      return null
    }
    const reconciler = createReconciler({ ports, advanceCall, tickMs: 1000 })
    const worker = createWorker({ ports, wakeUps, advanceCall })
    await expect.poll(() => wakeUps.count(), soon).toBe(1)
    const admin = postgres(database.url, { max: 1, onnotice: () => undefined })
    await admin`TRUNCATE bullmq.job CASCADE`
    await admin.end()
    await expect.poll(() => advancedAt.length, soon).toBeGreaterThan(0)
    const late = ((advancedAt[0] ?? 0) - due) / SPEED
    expect(late).toBeLessThan(1000 + 3000)
    await reconciler.stop()
    await worker.stop()
  })

  test('looks at calls that have not ended, and at cancelled ones until they are booked', async () => {
    const escrow = call().escrow
    if (escrow === null) throw new Error('the sample has an escrow')
    const cancelled = (id: string) =>
      call({
        id: callId(id),
        state: 'cancelled',
        escrow: { ...escrow, cancellation: hexOf(1, 65) },
      })
    const nothing = { restarts: [], periods: [], overshootW: 0, unreadyWh: 0, leftWh: 0 }
    const figures = { peakW: 0, overshootW: 0, drawnWh: 0, baselineWh: 0, unheard: 0 }
    const measured = { from: NOW, until: NOW, ...figures, periodsW: [], devices: [] }
    const comingBack = (id: string, progress: { doneAt: typeof NOW | null; measured?: object }) => {
      const rebound = { ...nothing, ...progress } as NonNullable<FlexibilityCall['rebound']>
      return call({ id: callId(id), state: 'paid', rebound })
    }
    const memory = createMemoryStore()
    await memory.transaction(async (tx) => {
      await tx.calls.create(call({ id: callId('measured'), state: 'measured' }))
      await tx.calls.create(call({ id: callId('paid'), state: 'paid' }))
      await tx.calls.create(comingBack('devices-come-back', { doneAt: null }))
      await tx.calls.create(comingBack('not-measured-yet', { doneAt: NOW }))
      await tx.calls.create(comingBack('devices-are-back', { doneAt: NOW, measured }))
      await tx.calls.create(call({ id: callId('never-funded'), state: 'cancelled', escrow: null }))
      await tx.calls.create(cancelled('booked'))
      await tx.calls.create(cancelled('waits-for-the-chain'))
      await tx.ledger.post('cancel:booked', [
        { account: 'escrow:booked', amount: -1n, at: NOW },
        { account: 'dso', amount: 1n, at: NOW },
      ])
    })
    const clock = { speed: 1, now: () => NOW }
    const open = await openCalls({ store: memory, clock })
    expect(open).toEqual([
      'measured',
      'waits-for-the-chain',
      'devices-come-back',
      'not-measured-yet',
    ])
  })
})

describe('the chain loop', () => {
  test('an error of the rail stops neither the payouts nor the loop, and is told once', async () => {
    let rounds = 0
    let payouts = 0
    const rail = railThat(async () => {
      if (++rounds < 5) throw new Error('no node')
      return { newEvents: 0 }
    })
    const loop = createChainLoop({
      ports: portsWith({ store, wakeUps, rail }),
      roundMs: 10,
      advancePayouts: async () => {
        payouts++
        throw new Error('no agent')
      },
    })
    await expect.poll(() => rounds, soon).toBeGreaterThan(8)
    await expect.poll(() => payouts, soon).toBeGreaterThan(1)
    await loop.stop()
    const about = (text: string) => log.lines.filter((line) => line.includes(text))
    expect(about('the chain could not be advanced').length).toBe(1)
    expect(about('the chain answers again').length).toBe(1)
    expect(about('the payouts could not be advanced').length).toBe(1)
  })

  test('new events wake every open call, tell the topic and move the payouts', async () => {
    await create(call({ id: FIRST, state: 'measured' }), call({ id: SECOND, state: 'paid' }))
    const advanced: CallId[] = []
    let told = 0
    let payouts = 0
    wakeUps.subscribe('chain', () => void told++)
    const worker = createWorker({
      ports,
      wakeUps,
      advanceCall: async (_ports, id) => {
        advanced.push(id)
        return null
      },
    })
    let news = 1
    const loop = createChainLoop({
      ports: portsWith({
        store,
        wakeUps,
        rail: railThat(async () => ({ newEvents: news-- > 0 ? 2 : 0 })),
      }),
      roundMs: 20,
      advancePayouts: async () => {
        payouts++
        return null
      },
    })
    await expect.poll(() => advanced, soon).toEqual([FIRST])
    await expect.poll(() => told, soon).toBeGreaterThan(0)
    expect(payouts).toBeGreaterThan(0)
    await loop.stop()
    await worker.stop()
  })

  test('payouts are looked at again at the instant that they name', async () => {
    const seen: Instant[] = []
    const due = addSeconds(clock.now(), 12) // 0.2 s on the wall
    const loop = createChainLoop({
      ports: portsWith({ store, wakeUps, rail: railThat(async () => ({ newEvents: 0 })) }),
      roundMs: 10,
      advancePayouts: async () => {
        seen.push(clock.now())
        return seen.length === 1 ? due : null
      },
    })
    await expect.poll(() => seen.length, soon).toBeGreaterThan(1)
    await loop.stop()
    expect(seen[1]).toBeGreaterThanOrEqual(due)
    expect((seen[1] ?? 0) - due).toBeLessThan(3000 * SPEED)
  })
})
