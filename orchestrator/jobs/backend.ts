import { createPostgresBackend, type JobsOptions, Queue, Worker, withBackend } from 'bullmq'
import { Redis } from 'ioredis'
import type { Log, Timer } from '#ports.ts'

const QUEUE = 'calls'
/** The default recovery of a killed worker's job takes 60 s; with these it takes about 6. */
const LOCK_MS = 5000
const STALLED_MS = 2000
/** A job is only a hint: being recovered often is no reason to fail it. */
const STALLED_MAX = 1000
/** After a lost connection; the default lets a worker sleep for 15 s. */
const RETRY_MS = 1000
const DEADLINE_MS = 10_000
const CLOSE_DEADLINE_MS = 8000
/** BullMQ keeps a stream of its own events, which nobody here reads. */
const STREAM_EVENTS_MAX = 100

/** Which call, due when, and how often it was queued for that instant again. */
export type WakeUpData = {
  readonly callId: string
  readonly at: number
  readonly again: number
}

/** BullMQ on either server, reduced to what wake-ups need. */
export type Backend = {
  add(data: WakeUpData, options: JobsOptions): Promise<void>
  work(concurrency: number, process: (data: WakeUpData) => Promise<void>): { stop(): Promise<void> }
  /** Jobs that wait, are delayed or run. */
  count(): Promise<number>
  close(): Promise<void>
}

type Options = { readonly timer: Timer; readonly log: Log }
type Process = (job: { data: WakeUpData }) => Promise<void>
type MakeWorker = (process: Process, concurrency: number) => AnyWorker
type WithErrors = { on(event: 'error', listener: (error: Error) => void): unknown }
/** What queues and workers of either server have in common. */
type AnyQueue = WithErrors & {
  add(name: string, data: WakeUpData, options: JobsOptions): Promise<unknown>
  getJobCounts(...states: ('waiting' | 'delayed' | 'active')[]): Promise<Record<string, number>>
  waitUntilReady(): Promise<unknown>
  close(): Promise<void>
}
type AnyWorker = WithErrors & {
  waitUntilReady(): Promise<unknown>
  close(force?: boolean): Promise<void>
}

const onPostgres = withBackend(createPostgresBackend)

/** BullMQ on PostgreSQL, in its own schema 'bullmq' of the database, migrated by BullMQ itself. */
export async function openPostgresBackend(url: string, options: Options): Promise<Backend> {
  const connection = (max: number) => ({
    connectionString: url,
    application_name: 'gridcall queue',
    max,
    connectionTimeoutMillis: DEADLINE_MS,
    statement_timeout: DEADLINE_MS,
    lock_timeout: DEADLINE_MS,
    query_timeout: DEADLINE_MS,
    idle_in_transaction_session_timeout: DEADLINE_MS,
    migrate: true,
  })
  const queue = new onPostgres.Queue<WakeUpData>(QUEUE, queueOptions(connection(2)))
  const makeWorker: MakeWorker = (process, concurrency) =>
    new onPostgres.Worker<WakeUpData>(QUEUE, process, {
      connection: connection(3),
      ...workerOptions(concurrency),
    })
  return backendOf(queue, makeWorker, options, async () => undefined)
}

/** BullMQ on Redis or Valkey. @throws Error with a sentence for a server that may evict keys */
export async function openRedisBackend(url: string, options: Options): Promise<Backend> {
  const connection = new Redis(url, {
    maxRetriesPerRequest: null, // BullMQ asks for it
    connectTimeout: DEADLINE_MS,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1000),
    lazyConnect: true,
  })
  connection.on('error', (error) => options.log.warn('redis', { error: error.message }))
  try {
    const checking = connection.connect().then(() => requireNoEviction(connection))
    await options.timer.deadline(checking, DEADLINE_MS, 'an answer of the server in REDIS_URL')
  } catch (error) {
    connection.disconnect()
    throw error
  }
  const queue = new Queue<WakeUpData>(QUEUE, { ...queueOptions(connection), prefix: 'gridcall' })
  const makeWorker: MakeWorker = (process, concurrency) =>
    new Worker<WakeUpData>(QUEUE, process, {
      connection,
      prefix: 'gridcall',
      ...workerOptions(concurrency),
    })
  return backendOf(queue, makeWorker, options, async () => connection.disconnect())
}

/** A server that evicts would drop wake-ups and locks just when it is busy. */
async function requireNoEviction(connection: Redis): Promise<void> {
  const memory = await connection.info('memory')
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'unknown'
  if (policy !== 'noeviction') {
    throw new Error(
      `The Redis in REDIS_URL has maxmemory-policy ${policy} and may throw wake-ups away: set ` +
        'maxmemory-policy to noeviction, or leave REDIS_URL out to use PostgreSQL alone.',
    )
  }
}

function queueOptions<C>(connection: C) {
  return {
    connection,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
    streams: { events: { maxLen: STREAM_EVENTS_MAX } },
  }
}

function workerOptions(concurrency: number) {
  return {
    concurrency,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_MS,
    maxStalledCount: STALLED_MAX,
    runRetryDelay: RETRY_MS,
  }
}

async function backendOf(
  queue: AnyQueue,
  makeWorker: MakeWorker,
  { timer, log }: Options,
  closeConnection: () => Promise<void>,
): Promise<Backend> {
  const logErrors = (source: WithErrors, name: string) =>
    source.on('error', (error) => log.warn(`${name} error`, { error: error.message }))
  logErrors(queue, 'queue')
  await timer.deadline(queue.waitUntilReady(), DEADLINE_MS, 'the queue')
  return {
    async add(data, options) {
      await timer.deadline(queue.add('wake', data, options), DEADLINE_MS, 'the queue')
    },
    work(concurrency, process) {
      const make = () => {
        const worker = makeWorker(async (job) => process(job.data), concurrency)
        logErrors(worker, 'worker')
        return worker
      }
      return keepWorking(make, { timer, log })
    },
    async count() {
      const counts = await queue.getJobCounts('waiting', 'delayed', 'active')
      return Object.values(counts).reduce((sum, each) => sum + each, 0)
    },
    async close() {
      await timer.deadline(queue.close(), CLOSE_DEADLINE_MS, 'the queue to close')
      await closeConnection()
    },
  }
}

/**
 * A worker of BullMQ whose first connection fails stays dead for ever, because it keeps the
 * failure: such a one is thrown away and another one is made.
 */
function keepWorking(make: () => AnyWorker, { timer, log }: Options): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const start = async (): Promise<AnyWorker | null> => {
    while (!stopping.signal.aborted) {
      const worker = make()
      try {
        await timer.deadline(worker.waitUntilReady(), DEADLINE_MS, 'the worker')
        return worker
      } catch (error) {
        log.warn('the worker could not start and tries again', { error: String(error) })
      }
      await timer
        .deadline(worker.close(true), CLOSE_DEADLINE_MS, 'the worker')
        .catch(() => undefined) // dead already
      await timer.sleep(RETRY_MS, stopping.signal).catch(() => undefined) // woken up to stop
    }
    return null
  }
  const started = start()
  return {
    async stop() {
      stopping.abort()
      const worker = await started
      if (worker !== null) await closeWithin(worker, timer)
    },
  }
}

/** Lets running jobs end; what hangs is left to the next worker, as after a crash. */
async function closeWithin(worker: AnyWorker, timer: Timer): Promise<void> {
  try {
    await timer.deadline(worker.close(), CLOSE_DEADLINE_MS, 'the worker to close')
  } catch {
    await timer.deadline(worker.close(true), CLOSE_DEADLINE_MS, 'the worker to end')
  }
}
