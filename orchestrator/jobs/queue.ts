import type { CallId } from '#domain/ids.ts'
import { callId as toCallId } from '#domain/ids.ts'
import { type Instant, instant } from '#domain/time.ts'
import type { Clock, Log, Timer, WakeUps } from '#ports.ts'
import { type Backend, openPostgresBackend, openRedisBackend, type WakeUpData } from './backend.ts'
import { coalesce } from './coalesce.ts'
import { openNotifications } from './notifications.ts'

/** A call that says that it is due already is looked at after this pause, not in a tight circle. */
const PAUSE_MS = 25
/** Longer delays are cut and queued again: PostgreSQL and timers count milliseconds in 32 bits. */
const DELAY_MAX_MS = 24 * 3600 * 1000

/** A call whose time has come; `again` counts how often it came for one and the same instant. */
export type DueCall = { readonly callId: CallId; readonly at: Instant; readonly again: number }

export type BullWakeUps = WakeUps & {
  /** Calls `process` for what is due; it must not reject. One worker process on PostgreSQL. */
  work(concurrency: number, process: (due: DueCall) => Promise<void>): { stop(): Promise<void> }
  /** Wakes a call whose own job runs now: its next instant may be the one it runs for. */
  wakeAgain(due: DueCall, next: Instant): Promise<void>
  /** Jobs that wait, are delayed or run. */
  count(): Promise<number>
  close(): Promise<void>
}

export type BullWakeUpsOptions = {
  readonly databaseUrl: string
  /** Redis or Valkey for the queue; topics go through PostgreSQL all the same. */
  readonly redisUrl?: string
  readonly clock: Clock
  readonly timer: Timer
  readonly log: Log
}

/**
 * The WakeUps port: one queue 'calls', one delayed job per call and due instant, whose id keeps it
 * single. Hints only: what cannot be queued or told is logged and left to the reconciler.
 * @throws Error with a sentence if a server cannot be reached or may evict keys
 */
export async function createBullWakeUps(options: BullWakeUpsOptions): Promise<BullWakeUps> {
  const { databaseUrl, redisUrl, clock, timer, log } = options
  const backend =
    redisUrl === undefined
      ? await openPostgresBackend(databaseUrl, { timer, log })
      : await openRedisBackend(redisUrl, { timer, log })
  const notifications = await openNotifications({ url: databaseUrl, timer, log }).catch(
    async (error: unknown) => {
      await backend.close()
      throw error
    },
  )
  const enqueue = enqueuer(backend, clock, log)
  return {
    wakeCall: (callId, at) => enqueue({ callId, at, again: 0 }, 0),
    wakeAgain: ({ callId, at, again }, next) =>
      enqueue({ callId, at: next, again: next === at ? again + 1 : 0 }, PAUSE_MS),
    notify: (topic) => notifications.notify(topic),
    subscribe: (topic, handler) => notifications.subscribe(topic, handler),
    work: (concurrency, process) =>
      backend.work(concurrency, ({ callId, at, again }) =>
        process({ callId: toCallId(callId), at: instant(at), again }),
      ),
    count: () => backend.count(),
    async close() {
      const closing = await Promise.allSettled([notifications.close(), backend.close()])
      for (const { reason } of closing.filter((each) => each.status === 'rejected')) {
        log.warn('the wake-ups did not close well', { error: String(reason) })
      }
    },
  }
}

type Enqueue = (due: DueCall, pauseMs: number) => Promise<void>

function enqueuer(backend: Backend, clock: Clock, log: Log): Enqueue {
  const add = async (data: WakeUpData, options: { jobId?: string; delay?: number }) => {
    try {
      await backend.add(data, options)
    } catch (error) {
      log.warn('a wake-up was lost', { callId: data.callId, error: String(error) })
    }
  }
  const atOnce = new Map<CallId, () => Promise<void>>()
  return async ({ callId, at, again }, pauseMs) => {
    const delay = Math.max(Math.ceil((at - clock.now()) / clock.speed), pauseMs)
    if (delay > 0) {
      // With the speed: what was queued before the business clock began to run has a wrong delay.
      const jobId = `${encodeURIComponent(callId)}@${at}+${again}x${clock.speed}`
      return add({ callId, at, again }, { jobId, delay: Math.min(delay, DELAY_MAX_MS) })
    }
    // Without an id: one that equals the id of a job that runs would be dropped, and what has
    // just changed would not be looked at. Bursts are held together here instead.
    const wake = atOnce.get(callId) ?? coalesce(() => add({ callId, at, again: 0 }, {}))
    atOnce.set(callId, wake)
    await wake()
    atOnce.delete(callId)
  }
}
