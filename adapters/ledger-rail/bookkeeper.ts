import { hashOf } from '#domain/canonical.ts'
import type { ChainIntent, IntentRow } from '#domain/chain.ts'
import type { Hex } from '#domain/ids.ts'
import { makesRoom } from '#domain/intent-order.ts'
import type { PoolSetup } from '#domain/pool-books.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { effectOf } from './effects.ts'
import { activateEpoch, postEpoch } from './epochs.ts'
import { nextPlace, writeEntry } from './journal.ts'
import { payChunk, withdrawCredit } from './payments.ts'
import type { Pool, PoolEvent } from './pool.ts'
import { Refusal } from './refusal.ts'
import { cancel, finalize, open, propose, refundExpired } from './requests.ts'

export type Outcome =
  | { readonly kind: 'done'; readonly newEvents: number; readonly entry: Hex }
  | { readonly kind: 'refused'; readonly reason: string }
  /** `from`: Unix seconds before which the answer stays the same. */
  | { readonly kind: 'waits'; readonly reason: string; readonly from: number | null }
  /** Somebody else had carried it out. */
  | { readonly kind: 'closed' }

/**
 * Carries one intent out inside the caller's transaction: what it does to the books, what is told
 * of it in the journal and that it is done stand or fall together.
 */
export async function carryOut(
  tx: StoreTransaction,
  setup: PoolSetup,
  businessKey: string,
  now: number,
): Promise<Outcome> {
  await tx.pool.lock()
  const row = await tx.chain.intent(businessKey)
  if (row === null || row.state === 'mined' || row.state === 'reverted') return { kind: 'closed' }
  const place = await nextPlace(tx, setup)
  const { block } = place
  try {
    const events = await perform({ setup, books: tx.pool, now, block }, row.intent)
    const transactionHash = hashOf({ pool: setup.pool, block, at: now, intent: row.intent })
    await tx.chain.mined(businessKey, transactionHash, 'mined')
    if (events.length > 0) await writeEntry(tx, place, { transactionHash, events })
    return { kind: 'done', newEvents: events.length, entry: transactionHash }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return decide(tx, setup, row, error)
  }
}

function perform(pool: Pool, intent: ChainIntent): Promise<PoolEvent[]> {
  switch (intent.kind) {
    case 'openRequest':
      return open(pool, intent)
    case 'cancel':
      return cancel(pool, intent)
    case 'proposeSettlement':
      return propose(pool, intent)
    case 'finalize':
      return finalize(pool, intent.requestId)
    case 'refundExpired':
      return refundExpired(pool, intent.requestId)
    case 'postEpoch':
      return postEpoch(pool, intent)
    case 'activateEpoch':
      return activateEpoch(pool, intent.epoch)
    case 'payChunk':
      return payChunk(pool, intent)
    case 'withdrawCredit':
      return withdrawCredit(pool, intent.account)
  }
}

/** A refused intent: done already, not yet, or never. */
async function decide(
  tx: StoreTransaction,
  setup: PoolSetup,
  row: IntentRow,
  refusal: Refusal,
): Promise<Outcome> {
  const effect = await effectOf(tx, setup, row.intent)
  if (effect !== null) {
    await tx.chain.mined(row.businessKey, effect, 'mined')
    return { kind: 'done', newEvents: 0, entry: effect }
  }
  const { message: reason, notBefore: from } = refusal
  if (from !== null || refusal.name === 'EpochPending' || (await mayPass(tx, setup, row))) {
    return { kind: 'waits', reason, from }
  }
  await tx.chain.mined(row.businessKey, NO_ENTRY, 'reverted', reason)
  return { kind: 'refused', reason }
}

/** What stands where an entry is asked for and none was made. */
const NO_ENTRY: Hex = `0x${'00'.repeat(32)}`

/** Whether an intent that was asked for earlier and waits can change the answer. */
async function mayPass(tx: StoreTransaction, setup: PoolSetup, row: IntentRow): Promise<boolean> {
  const open = await tx.chain.open()
  const position = open.findIndex(({ businessKey }) => businessKey === row.businessKey)
  return open.slice(0, position).some(({ intent }) => makesRoom(intent, row.intent, setup))
}
