import pg from 'pg'
import type { Log, SoleRight } from '#ports.ts'
import { fromDatabase } from './database-error.ts'

export type SoleRightOptions = {
  readonly url: string
  readonly log: Log
  /** All of them are held, or none. */
  readonly names: readonly string[]
}

/** Wall time: a server that says nothing for so long is taken for gone. */
const ANSWER_MS = 5000
/** Of a host that vanished the server hears nothing; so it asks, and frees the lock within 25 s. */
const KEEPALIVES =
  '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3'

/**
 * Advisory locks of PostgreSQL, held by the session of one connection of its own: they end with
 * the process that has them, however it ends. A pooler in between must keep sessions.
 */
export function createSoleRight(options: SoleRightOptions): SoleRight {
  const { url, log, names } = options
  let client: pg.Client | null = null
  let isHeld = false

  function drop(): void {
    const broken = client
    client = null
    isHeld = false
    broken?.end().catch(() => undefined) // it is broken: nothing is left to be told
  }

  async function connected(): Promise<pg.Client> {
    if (client !== null) return client
    const fresh = new pg.Client({
      connectionString: url,
      application_name: 'gridcall sole right',
      keepAlive: true,
      connectionTimeoutMillis: ANSWER_MS,
      statement_timeout: ANSWER_MS,
      query_timeout: ANSWER_MS,
      options: KEEPALIVES,
    })
    fresh.on('error', (error) => {
      log.warn('the connection that holds a sole right broke', { error: error.message })
      if (client === fresh) drop()
    })
    client = fresh
    await fresh.connect()
    return fresh
  }

  async function take(session: pg.Client): Promise<boolean> {
    const { rows } = await session.query<{ taken: boolean }>(
      `SELECT pg_try_advisory_lock(hashtextextended(name, 0)) AS taken
       FROM unnest($1::text[]) AS name`,
      [names],
    )
    const isAll = rows.every(({ taken }) => taken)
    if (!isAll) await session.query('SELECT pg_advisory_unlock_all()')
    return isAll
  }

  async function hold(): Promise<boolean> {
    try {
      const session = await connected()
      if (isHeld)
        await session.query('SELECT 1') // as long as the session answers, it holds them
      else isHeld = await take(session)
      return isHeld
    } catch (error) {
      drop()
      throw fromDatabase(error)
    }
  }

  let asking: Promise<boolean> | null = null
  return {
    hold() {
      asking ??= hold().finally(() => {
        asking = null
      })
      return asking
    },
    async release() {
      const held = client
      client = null
      isHeld = false
      await held?.end()
    },
  }
}
