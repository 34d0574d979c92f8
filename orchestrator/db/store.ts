import { ExponentialBackoff, handleWhen, retry } from 'cockatiel'
import type { Log } from '#ports.ts'
import type { Store, StoreTransaction } from '#store-ports.ts'
import { apiKeyRepository } from './api-key-repository.ts'
import { armingRepository } from './arming-repository.ts'
import { attestationRepository } from './attestation-repository.ts'
import { callRepository } from './call-repository.ts'
import { disputeRepository, heldRestRepository } from './dispute-repository.ts'
import { chainJournalRepository } from './chain-journal-repository.ts'
import {
  connect,
  DEADLINES,
  type Deadlines,
  inTransaction,
  type Transaction,
} from './connection.ts'
import { controlRepository } from './control-repository.ts'
import { fromDatabase, isRetryable } from './database-error.ts'
import { type BufferedEvents, eventsRepository } from './events-repository.ts'
import { evidenceRepository } from './evidence-repository.ts'
import { gatewayRepository } from './gateway-repository.ts'
import { idempotencyRepository } from './idempotency-repository.ts'
import { ledgerRepository } from './ledger-repository.ts'
import { organisationRepository } from './organisation-repository.ts'
import { bankAccountRepository, paymentRepository } from './payment-repository.ts'
import { payoutRepository } from './payout-repository.ts'
import { poolRepository } from './pool-repository.ts'
import { promiseRepository } from './promise-repository.ts'
import { readingRepository } from './reading-repository.ts'
import { resourceRepository } from './resource-repository.ts'
import { sessionRepository } from './session-repository.ts'
import { setpointRepository } from './setpoint-repository.ts'
import { signedRecordRepository } from './signed-record-repository.ts'

const POOL_SIZE = 8
/** Attempts after the first, when the server undid a transaction because of another one. */
const RETRIES = 4

export type PostgresStoreOptions = {
  readonly url: string
  readonly log: Log
  readonly poolSize?: number
  readonly deadlines?: Deadlines
}

/**
 * The Store port on PostgreSQL; the database must be migrated (migrate.ts). A transaction that the
 * server undid because of another one is run again, so its work must have no effect outside it.
 * @throws DomainError 'unavailable' if the database cannot be reached, is full or too busy
 */
export function createPostgresStore(options: PostgresStoreOptions): Store {
  const { url, log, poolSize = POOL_SIZE, deadlines = DEADLINES } = options
  const pool = connect({ url, log, poolSize, name: 'gridcall store', deadlines })
  const retrying = retry(handleWhen(isRetryable), {
    maxAttempts: RETRIES,
    backoff: new ExponentialBackoff({ initialDelay: 20, maxDelay: 500 }),
  })
  retrying.onRetry(({ attempt }) => log.warn('transaction is run again', { attempt }))
  let closing: Promise<void> | undefined
  return {
    async transaction(work) {
      try {
        return await retrying.execute(() =>
          inTransaction(pool, async (tx) => {
            const events = eventsRepository(tx)
            const result = await work(repositories(tx, events))
            await events.flush()
            return result
          }),
        )
      } catch (error) {
        throw fromDatabase(error)
      }
    },
    close() {
      closing ??= pool.end()
      return closing
    },
  }
}

function repositories(tx: Transaction, events: BufferedEvents): StoreTransaction {
  return {
    organisations: organisationRepository(tx),
    resources: resourceRepository(tx),
    calls: callRepository(tx),
    promises: promiseRepository(tx),
    control: controlRepository(tx),
    setpoints: setpointRepository(tx),
    armings: armingRepository(tx),
    readings: readingRepository(tx),
    signedRecords: signedRecordRepository(tx),
    sessions: sessionRepository(tx),
    evidence: evidenceRepository(tx),
    attestations: attestationRepository(tx),
    disputes: disputeRepository(tx),
    rests: heldRestRepository(tx),
    payouts: payoutRepository(tx),
    accounts: bankAccountRepository(tx),
    payments: paymentRepository(tx),
    ledger: ledgerRepository(tx),
    chain: chainJournalRepository(tx),
    pool: poolRepository(tx),
    events,
    requests: idempotencyRepository(tx),
    keys: apiKeyRepository(tx),
    gateways: gatewayRepository(tx),
  }
}
