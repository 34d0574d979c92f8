import { getAddress, isAddressEqual } from 'viem'
import type { Address, Hex } from '#domain/ids.ts'
import type { ActOf } from '#domain/pool-acts.ts'
import {
  BONDS,
  type PoolRequest,
  type PoolTransfer,
  availableOf,
  creditOf,
  walletOf,
} from '#domain/pool-books.ts'
import { challengeTypedData, settlementTypedData } from '#domain/pool-messages.ts'
import { type Pool, type PoolEvent, demandRoom, isRest, posted } from './pool.ts'
import { demand, demandState, demandUntil } from './refusal.ts'
import { demandQuorum, isSignedBy, moneyDomain } from './signatures.ts'
import { demandContradiction, verifierSet } from './verifiers.ts'

const NOBODY: Address = `0x${'0'.repeat(40)}`

/** Holds payout and fee of a proposal for a stake, inside its dispute window and once. */
export async function challenge(
  pool: Pool,
  { requestId, challenger, signature }: ActOf<'challenge'>,
): Promise<PoolEvent[]> {
  const { books, setup } = pool
  const bond = setup.challengeBond ?? 0n
  const word = challengeTypedData(moneyDomain(setup), { requestId, challenger, bond })
  demand(await isSignedBy(challenger, word, signature), 'NotSignedByChallenger', { challenger })
  const request = await books.request(requestId)
  const isPayer = request !== null && isAddressEqual(challenger, request.payer)
  demand(!isPayer, 'PayerMayNotChallenge', { payer: challenger })
  await demandRoom(pool, bond)
  const { asked, held } = heldAll(pool, requestId, request, bond)
  const available = availableOf(await books.account(walletOf(challenger)))
  demand(available >= bond, 'DepositTooSmall', { payer: challenger, available, needed: bond })

  await books.saveRequest(requestId, { ...held, challenge: { challenger, asked, bond } })
  await books.book(posted(pool, `bond:${requestId}`, walletOf(challenger), BONDS, bond))
  const who = getAddress(challenger)
  return [
    { kind: 'SettlementChallenged', requestId, challenger: who, amount: asked, bond },
    { kind: 'Transfer', from: who, to: setup.pool, amount: bond },
  ]
}

/** The same on proof, of a rest too: who signs two results cannot be believed in either. */
export async function challengeEquivocation(
  pool: Pool,
  { one, signaturesOne, other, signaturesOther }: ActOf<'challengeEquivocation'>,
): Promise<PoolEvent[]> {
  const { books, setup } = pool
  const { requestId } = one
  const request = await books.request(requestId)
  const { asked, held } = heldAll(pool, requestId, request, 0n)
  demandContradiction(setup, one, other)
  const set = await verifierSet(books, held.verifierSetId)
  const both = [
    [one, signaturesOne],
    [other, signaturesOther],
  ] as const
  for (const [statement, signatures] of both) {
    await demandQuorum(set, settlementTypedData(setup, statement), signatures, isRest(held))
  }

  await books.saveRequest(requestId, held)
  const amount = asked
  // The proof stands for itself: who brought it stakes nothing and gets nothing.
  return [{ kind: 'SettlementChallenged', requestId, challenger: NOBODY, amount, bond: 0n }]
}

/** A rest came out of a doubt, and its verifiers are more than a quorum: only proof holds it again. */
function heldAll(
  pool: Pool,
  id: Hex,
  request: PoolRequest | null,
  bond: bigint,
): { readonly asked: bigint; readonly held: PoolRequest } {
  demandState(id, request, 'proposed')
  demandUntil(pool.now, request.windowEnd - 1)
  const asked = request.payout + request.fee
  demand(asked > 0n && (bond === 0n || !isRest(request)), 'NothingToChallenge', { id })
  return { asked, held: { ...request, payout: 0n, fee: 0n, held: request.held + asked } }
}

export type BondDecision = {
  readonly events: readonly PoolEvent[]
  readonly transfers: readonly PoolTransfer[]
  /** What the rest carries on; null: the stake is decided. */
  readonly carried: NonNullable<PoolRequest['challenge']> | null
}

/**
 * What a request came to decides the stake on it, unless some of what was doubted is held again:
 * then the rest carries it on. `settled`: payout and fee that became final.
 */
export function decideBond(
  pool: Pool,
  requestId: Hex,
  { challenge: doubt }: PoolRequest,
  settled: bigint,
  isHeld: boolean,
): BondDecision {
  if (doubt === undefined) return { events: [], transfers: [], carried: null }
  const { asked, bond } = doubt
  const wasRight = settled < asked
  if (wasRight && isHeld) {
    return { events: [], transfers: [], carried: { ...doubt, asked: asked - settled } }
  }
  const challenger = getAddress(doubt.challenger)
  const to = creditOf(wasRight ? challenger : pool.setup.feeReceiver)
  const kind = wasRight ? 'BondReturned' : 'BondForfeited'
  return {
    events: [{ kind, requestId, challenger, bond }],
    transfers: posted(pool, `bond-end:${requestId}`, BONDS, to, bond),
    carried: null,
  }
}
