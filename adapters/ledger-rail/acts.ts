import { hashOf } from '#domain/canonical.ts'
import type { Hex } from '#domain/ids.ts'
import type { PoolAct } from '#domain/pool-acts.ts'
import { ALLOCATABLE, type PoolSetup, creditOf } from '#domain/pool-books.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { challenge, challengeEquivocation } from './challenges.ts'
import { pause, rearmPause } from './guard.ts'
import { nextPlace, writeEntry } from './journal.ts'
import { withdrawCredit } from './payments.ts'
import { type Pool, type PoolEvent, posted } from './pool.ts'
import { demand, demandFrom, demandState } from './refusal.ts'
import { addVerifierSet, proveEquivocation } from './verifiers.ts'

/** How long a final payout waits for an epoch before it can go back to the payer, in seconds. */
const UNALLOCATED_MAX = 365 * 86_400

/**
 * Does what somebody else than the service asks of the pool, inside the caller's transaction.
 * @throws Refusal, and then nothing was done
 */
export async function enterAct(
  tx: StoreTransaction,
  setup: PoolSetup,
  act: PoolAct,
  now: number,
): Promise<{ readonly entry: Hex; readonly newEvents: number }> {
  await tx.pool.lock()
  const place = await nextPlace(tx, setup)
  const { block } = place
  const events = await perform({ setup, books: tx.pool, now, block }, act)
  const transactionHash = hashOf({ pool: setup.pool, block, at: now, act })
  await writeEntry(tx, place, { transactionHash, events })
  return { entry: transactionHash, newEvents: events.length }
}

function perform(pool: Pool, act: PoolAct): Promise<PoolEvent[]> {
  switch (act.kind) {
    case 'challenge':
      return challenge(pool, act)
    case 'challengeEquivocation':
      return challengeEquivocation(pool, act)
    case 'proveEquivocation':
      return proveEquivocation(pool, act)
    case 'returnUnallocated':
      return returnUnallocated(pool, act.requestId)
    case 'withdrawCredit':
      return withdrawCredit(pool, act.account)
    case 'addVerifierSet':
      return addVerifierSet(pool, act)
    case 'pause':
      return pause(pool, act.until)
    case 'rearmPause':
      return rearmPause(pool)
  }
}

/** Verifiers who fall silent for good cannot freeze money. */
async function returnUnallocated(pool: Pool, requestId: Hex): Promise<PoolEvent[]> {
  const { books, now } = pool
  const request = await books.request(requestId)
  if (request?.state !== 'partly-final') demandState(requestId, request, 'final')
  demand(!request.accounted, 'AlreadyAccounted', { id: requestId })
  demandFrom(now, request.windowEnd + UNALLOCATED_MAX)
  const { payer, payout: amount } = request
  await books.saveRequest(requestId, { ...request, state: 'refunded' })
  await books.book(posted(pool, `returned:${requestId}`, ALLOCATABLE, creditOf(payer), amount))
  return [{ kind: 'PayoutReturned', requestId, amount }]
}
