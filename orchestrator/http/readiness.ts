import { hashOf } from '#domain/canonical.ts'
import type { IntentRow } from '#domain/chain.ts'
import { organisationId } from '#domain/ids.ts'
import { formatInstant, type Instant, secondsBetween } from '#domain/time.ts'
import { lastComparison, standingDifferences } from '#lifecycle/check-books.ts'
import type { Stock } from '#observability/metrics.ts'
import type { Ports } from '#ports.ts'
import type { ApiContext } from './context.ts'
import type { OutboxWatch } from './outbox-watch.ts'

export type Readiness = {
  readonly ready: boolean
  readonly database: { readonly ready: boolean; readonly detail: string }
  readonly chain: { readonly ready: boolean; readonly headAgeSeconds: number | null }
  /** By the last comparison; while they differ the service works, and posts no new epoch. */
  readonly books: {
    readonly agree: boolean
    readonly differences: number
    /** null: they have not been compared yet. */
    readonly comparedAt: string | null
  }
  /** How many wait is told to the operator alone: it could tell of a call before its window. */
  readonly sender: { readonly stuck: boolean }
}

const OWN_ROW = organisationId('gridcall')
const KEY = 'readyz'
const DEADLINE_MS = 2_000

/** Can the service do its work: does the database take a write, and does the chain go on? */
export async function readiness(context: ApiContext, outbox: OutboxWatch): Promise<Readiness> {
  const [written, chain] = await Promise.all([databaseReady(context), chainReady(context)])
  const money = written.ready ? await moneyNow(context) : null
  const database = written.ready && money === null ? NO_ANSWER : written
  const { differences, comparedAt, open } = money ?? UNKNOWN
  const compared = comparedAt === null ? null : formatInstant(comparedAt)
  const books = { agree: differences === 0, differences, comparedAt: compared }
  const sender = { stuck: outbox.see(open).isStuck }
  return { ready: database.ready && chain.ready, database, chain, books, sender }
}

async function databaseReady({ ports }: ApiContext): Promise<Readiness['database']> {
  const { store, timer, log } = ports
  const write = store.transaction(async (tx) => {
    await tx.requests.begin(OWN_ROW, KEY, hashOf(KEY))
    await tx.requests.finish(OWN_ROW, KEY, 200, String(ports.clock.now()))
  })
  try {
    await timer.deadline(write, DEADLINE_MS, 'a write to the database')
    return { ready: true, detail: 'took a write' }
  } catch (error) {
    log.error('the database took no write', { error })
    return { ready: false, detail: `took no write within ${DEADLINE_MS} ms` }
  }
}

type Money = {
  readonly differences: number
  readonly comparedAt: Instant | null
  readonly open: readonly IntentRow[] | null
}

const UNKNOWN: Money = { differences: 0, comparedAt: null, open: null }
const NO_ANSWER = { ready: false, detail: `answered no question within ${DEADLINE_MS} ms` }

async function moneyNow({ ports: { store, timer, log } }: ApiContext): Promise<Money | null> {
  const asked = store.transaction(async (tx) => ({
    differences: (await standingDifferences(tx)).length,
    comparedAt: await lastComparison(tx),
    open: await tx.chain.open(),
  }))
  try {
    return await timer.deadline(asked, DEADLINE_MS, 'the last comparison of the books')
  } catch (error) {
    log.error('the database does not answer', { error })
    return null
  }
}

async function chainReady(context: ApiContext): Promise<Readiness['chain']> {
  const { ports, chainHeadAt, chainHeadAgeMaxSeconds } = context
  try {
    const head = await ports.timer.deadline(chainHeadAt(), DEADLINE_MS, "the chain's head")
    if (head === null) return { ready: false, headAgeSeconds: null }
    const headAgeSeconds = Math.max(0, Math.round((ports.clock.now() - head) / 1000))
    return { ready: headAgeSeconds <= chainHeadAgeMaxSeconds, headAgeSeconds }
  } catch (error) {
    ports.log.error('the chain does not answer', { error })
    return { ready: false, headAgeSeconds: null }
  }
}

/** What stands in the store now, for metrics. */
export async function countNow({ store, clock }: Ports, outbox: OutboxWatch): Promise<Stock> {
  return store.transaction(async (tx) => {
    const calls: Record<string, number> = {}
    for (const { state } of await tx.calls.list()) calls[state] = (calls[state] ?? 0) + 1
    const resources = await tx.resources.list()
    const healths = await tx.resources.health(resources.map(({ id }) => id))
    const connected = healths.filter((health) => health.connected).length
    const backlog = outbox.see(await tx.chain.open())
    const comparedAt = await lastComparison(tx)
    const comparedSeconds = comparedAt === null ? null : secondsBetween(comparedAt, clock.now())
    const differences = (await standingDifferences(tx)).length
    const disconnected = resources.length - connected
    return { calls, connected, disconnected, backlog, differences, comparedSeconds }
  })
}
