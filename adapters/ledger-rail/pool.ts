import type { ChainEvent } from '#domain/chain.ts'
import { POOL_MONEY_MAX } from '#domain/escrow.ts'
import type { Address, Hex } from '#domain/ids.ts'
import {
  ESCROW,
  type PoolRequest,
  type PoolSetup,
  type PoolTransfer,
  creditOf,
  poolStateOf,
  walletOf,
} from '#domain/pool-books.ts'
import type { PoolBooks } from '#rail-store-ports.ts'
import { demand } from './refusal.ts'

type Body<E> = E extends unknown
  ? Omit<E, 'transactionHash' | 'logIndex' | 'block' | 'blockHash'>
  : never

/** What happened, before it has a place in the journal. */
export type PoolEvent = Body<ChainEvent>

/** One look at the pool inside a transaction that holds its lock. */
export type Pool = {
  readonly setup: PoolSetup
  readonly books: PoolBooks
  /** Unix seconds. */
  readonly now: number
  /** The number that what is done now will have in the journal. */
  readonly block: number
}

/** What was held for a doubt starts and ends at one instant, as in the contract. */
export function isRest({ deliverStart, deliverEnd }: PoolRequest): boolean {
  return deliverStart === deliverEnd
}

/**
 * What comes in must be counted in 64 bits together with all that is there, as on chain.
 * @throws Refusal 'AmountOutOfRange'
 */
export async function demandRoom({ books }: Pool, amount: bigint): Promise<void> {
  const state = poolStateOf(await books.accounts(), await books.epochs())
  const all = state.locked + state.allocatable + state.credits + state.bonds + amount
  demand(amount > 0n && all <= POOL_MONEY_MAX, 'AmountOutOfRange', { amount })
}

/** A transfer that is its own. Nothing moves where there is nothing to move. */
export function posted(
  { now }: Pool,
  id: string,
  debit: string,
  credit: string,
  amount: bigint,
): PoolTransfer[] {
  if (amount === 0n) return []
  return [{ id, kind: 'posted', pendingId: null, debit, credit, amount, at: now }]
}

/** Money of a payer that waits in an escrow. */
export function held({ now }: Pool, id: string, payer: Address, amount: bigint): PoolTransfer {
  const debit = walletOf(payer)
  return { id, kind: 'pending', pendingId: null, debit, credit: ESCROW, amount, at: now }
}

/**
 * Ends an escrow: so much is spent and lies in the escrow account until it is posted on, the rest
 * is the payer's own again.
 */
export function ended(
  { now }: Pool,
  { escrow, payer, amount }: PoolRequest,
  spent: bigint,
): PoolTransfer[] {
  const one = (kind: 'post' | 'void', part: bigint): PoolTransfer[] => {
    const between = { debit: walletOf(payer), credit: ESCROW, amount: part, at: now }
    return part === 0n ? [] : [{ id: `${kind}:${escrow}`, kind, pendingId: escrow, ...between }]
  }
  return [...one('post', spent), ...one('void', amount - spent)]
}

/** What a payer gets back is set aside until it is withdrawn: the pool owes it, as on chain. */
export function owedBack(
  pool: Pool,
  id: Hex,
  { payer }: PoolRequest,
  amount: bigint,
): PoolTransfer[] {
  return posted(pool, `back:${id}`, walletOf(payer), creditOf(payer), amount)
}
