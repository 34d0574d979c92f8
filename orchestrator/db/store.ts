import { ExponentialBackoff, handleWhen, retry } from 'cockatiel'
import { DomainError } from '#domain/errors.ts'
import type { Log, Store, StoreTransaction } from '#ports.ts'
import { apiKeyRepository } from './api-key-repository.ts'
import { attestationRepository } from './attestation-repository.ts'
import { callRepository } from './call-repository.ts'
import { chainJournalRepository } from './chain-journal-repository.ts'
import { connect, type Database, DEADLINES, openDatabase, type Transaction } from './connection.ts'
import { fromDatabase, isRetryable } from './database-error.ts'
import { type BufferedEvents, eventsRepository } from './events-repository.ts'
import { evidenceRepository } from './evidence-repository.ts'
import { idempotencyRepository } from './idempotency-repository.ts'
import { ledgerRepository } from './ledger-repository.ts'
import { organisationRepository } from './organisation-repository.ts'
import { payoutRepository } from './payout-repository.ts'
import { promiseRepository } from './promise-repository.ts'
import { readingRepository } from './reading-repository.ts'
import { resourceRepository } from './resource-repository.ts'
import { sessionRepository } from './session-repository.ts'
import { setpointRepository } from './setpoint-repository.ts'

const POOL_SIZE = 8
/** Attempts after the first, when the server undid a transaction because of another one. */
const RETRIES = 4

/**
 * The Store port on PostgreSQL; the database must be migrated (migrate.ts). A transaction that the
 * server undid because of another one is run again, so its work must have no effect outside it.
 * @throws DomainError 'unavailable' if the database cannot be reached, is full or too busy
 */
export function createPostgresStore({ url, log }: { url: string; log: Log }): Store {
  const client = connect({ url, log, poolSize: POOL_SIZE, name: 'gridcall store' })
  const database = openDatabase(client)
  const retrying = retry(handleWhen(isRetryable), {
    maxAttempts: RETRIES,
    backoff: new ExponentialBackoff({ initialDelay: 20, maxDelay: 500 }),
  })
  retrying.onRetry(({ attempt }) => log.warn('transaction is run again', { attempt }))
  return {
    async transaction(work) {
      try {
        return await retrying.execute(() => runOnce(database, work))
      } catch (error) {
        throw fromDatabase(error)
      }
    },
    close: () => client.end({ timeout: 5 }),
  }
}

/** postgres.js queues without an end for a free connection: here the wait has one. */
async function runOnce<T>(
  database: Database,
  work: (tx: StoreTransaction) => Promise<T>,
): Promise<T> {
  let state: 'waiting' | 'begun' | 'given up' = 'waiting'
  let giveUp: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    giveUp = setTimeout(() => {
      if (state !== 'waiting') return
      state = 'given up'
      const seconds = DEADLINES.connectionMs / 1000
      reject(new DomainError('unavailable', `no database connection was free within ${seconds} s`))
    }, DEADLINES.connectionMs)
  })
  const done = database.transaction(async (tx) => {
    if (state === 'given up') throw new Error('nobody waits for this transaction any more')
    state = 'begun'
    const events = eventsRepository(tx)
    const result = await work(repositories(tx, events))
    await events.flush()
    return result
  })
  try {
    return await Promise.race([done, late])
  } finally {
    clearTimeout(giveUp)
    done.catch(() => undefined) // given up: its end was reported by the deadline
    late.catch(() => undefined)
  }
}

function repositories(tx: Transaction, events: BufferedEvents): StoreTransaction {
  return {
    organisations: organisationRepository(tx),
    resources: resourceRepository(tx),
    calls: callRepository(tx),
    promises: promiseRepository(tx),
    setpoints: setpointRepository(tx),
    readings: readingRepository(tx),
    sessions: sessionRepository(tx),
    evidence: evidenceRepository(tx),
    attestations: attestationRepository(tx),
    payouts: payoutRepository(tx),
    ledger: ledgerRepository(tx),
    chain: chainJournalRepository(tx),
    events,
    requests: idempotencyRepository(tx),
    keys: apiKeyRepository(tx),
  }
}
