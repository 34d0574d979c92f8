import pg from 'pg'
import type { Log, Timer, Topic } from '#ports.ts'
import { coalesce } from './coalesce.ts'

const TOPICS: readonly Topic[] = ['setpoints', 'resources', 'events', 'chain']
const CONNECT_DEADLINE_MS = 5000
const STATEMENT_DEADLINE_MS = 5000
const RECONNECT_FIRST_MS = 100
const RECONNECT_MAX_MS = 2000

export type Notifications = {
  /** Never rejects: a hint that cannot be sent is logged and lost. */
  notify(topic: Topic): Promise<void>
  subscribe(topic: Topic, handler: () => void): { stop(): void }
  close(): Promise<void>
}

type Options = { readonly url: string; readonly timer: Timer; readonly log: Log }

/**
 * LISTEN and NOTIFY over one connection of its own. It is made again for ever when it breaks, and
 * then every handler is called, because something may have been told meanwhile. (The LISTEN of
 * postgres.js gives a channel up when its first attempt to come back fails.) NOTIFY takes a lock of
 * the whole server at commit, so a burst on one topic becomes two of them at most.
 */
export async function openNotifications({ url, timer, log }: Options): Promise<Notifications> {
  const handlers = new Map(TOPICS.map((topic) => [topic, new Set<() => void>()]))
  const call = (topic: Topic) => {
    for (const handler of handlers.get(topic) ?? []) {
      try {
        handler()
      } catch (error) {
        log.error('a handler of notifications failed', { topic, error: String(error) })
      }
    }
  }
  const connection = keepConnected({ url, timer, log }, call)
  await connection.first
  const senders = new Map(
    TOPICS.map((topic) => [topic, coalesce(() => connection.send(channelOf(topic)))]),
  )
  return {
    async notify(topic) {
      try {
        await senders.get(topic)?.()
      } catch (error) {
        log.warn('a notification was lost', { topic, error: String(error) })
      }
    },
    subscribe(topic, handler) {
      // A function of its own: the same handler may be subscribed twice.
      const mine = () => handler()
      handlers.get(topic)?.add(mine)
      return { stop: () => handlers.get(topic)?.delete(mine) }
    },
    close: () => connection.close(),
  }
}

function channelOf(topic: Topic): string {
  return `gridcall_${topic}`
}

type Connection = {
  /** Settles with the first attempt: a wrong address is told at once. */
  readonly first: Promise<void>
  send(channel: string): Promise<void>
  close(): Promise<void>
}

function keepConnected({ url, timer, log }: Options, call: (topic: Topic) => void): Connection {
  const closing = new AbortController()
  let client: pg.Client | null = null
  const connect = async (onBroken: () => void): Promise<void> => {
    const fresh = await openClient(url, onBroken)
    fresh.on('notification', ({ channel }) => {
      const topic = TOPICS.find((each) => channelOf(each) === channel)
      if (topic !== undefined) call(topic)
    })
    await fresh.query(TOPICS.map((topic) => `LISTEN ${channelOf(topic)}`).join('; '))
    client = fresh
  }
  const first = Promise.withResolvers<void>()
  const loop = async (): Promise<void> => {
    for (let pause = RECONNECT_FIRST_MS, made = 0; !closing.signal.aborted; ) {
      const broken = Promise.withResolvers<void>()
      try {
        await connect(broken.resolve)
        if (made++ > 0) log.info('notifications are back')
        first.resolve()
        if (made > 1) for (const topic of TOPICS) call(topic)
        pause = RECONNECT_FIRST_MS
        await Promise.race([broken.promise, aborted(closing.signal)])
        if (!closing.signal.aborted) log.warn('the connection for notifications was lost')
      } catch (error) {
        if (made === 0) return first.reject(error)
      }
      await endQuietly(client, timer)
      client = null
      await timer.sleep(pause, closing.signal).catch(() => undefined) // woken up to close
      pause = Math.min(pause * 2, RECONNECT_MAX_MS)
    }
  }
  const running = loop()
  return {
    first: first.promise,
    async send(channel) {
      if (client === null) throw new Error('the database is not connected')
      await client.query("SELECT pg_notify($1, '')", [channel])
    },
    async close() {
      closing.abort()
      await running
    },
  }
}

async function openClient(url: string, onBroken: () => void): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'gridcall notifications',
    connectionTimeoutMillis: CONNECT_DEADLINE_MS,
    statement_timeout: STATEMENT_DEADLINE_MS,
    query_timeout: STATEMENT_DEADLINE_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  })
  client.on('error', onBroken)
  client.on('end', onBroken)
  await client.connect()
  return client
}

/** What is broken already may fail to end, and nobody can do anything about it. */
async function endQuietly(client: pg.Client | null, timer: Timer): Promise<void> {
  if (client === null) return
  await timer.deadline(client.end(), 2000, 'end of a connection').catch(() => undefined)
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
