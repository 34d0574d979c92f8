import { getAddress } from 'viem'
import type { ChainIntent } from '#domain/chain.ts'
import { roundIdOf } from '#domain/escrow.ts'
import type { SettlementStatement } from '#domain/evidence.ts'
import type { Hex } from '#domain/ids.ts'
import {
  ALLOCATABLE,
  ESCROW,
  type PoolRequest,
  availableOf,
  creditOf,
  walletOf,
} from '#domain/pool-books.ts'
import {
  authorisationTypedData,
  cancellationTypedData,
  requestIdOf,
  settlementTypedData,
  termsStruct,
} from '#domain/pool-messages.ts'
import { type BondDecision, decideBond } from './challenges.ts'
import { demandNotPaused, proposeUntil } from './guard.ts'
import {
  type Pool,
  type PoolEvent,
  demandRoom,
  ended,
  held,
  isRest,
  owedBack,
  posted,
} from './pool.ts'
import { Refusal, demand, demandFrom, demandState, demandUntil, wrongState } from './refusal.ts'
import { demandQuorum, isSignedBy, moneyDomain } from './signatures.ts'
import { newestSet, verifierSet } from './verifiers.ts'

// Every check of a function stands before its first write: what is refused has done nothing.

type Intent<K extends ChainIntent['kind']> = Extract<ChainIntent, { kind: K }>

/** No escrow may wait longer than this, in seconds: every request ends. */
const HORIZON_MAX = 730 * 86_400

const UNSETTLED = { round: 0, windowEnd: 0, payout: 0n, fee: 0n, held: 0n } as const
const FRESH = { ...UNSETTLED, state: 'funded', accounted: false, proposals: [] } as const

/** Opens a request with money of the payer's deposit, on the payer's signed order. */
export async function open(pool: Pool, intent: Intent<'openRequest'>): Promise<PoolEvent[]> {
  const { setup, books, now } = pool
  const terms = termsStruct(intent.terms)
  const { payer, amount, deliverStart, deliverEnd, settleBy, verifierSetId } = terms
  const id = requestIdOf(setup, intent.terms)
  const known = await books.request(id)
  if (known !== null) throw wrongState(id, known, 'None')
  await demandNotPaused(pool)
  await demandRoom(pool, amount)
  const isInOrder = now < deliverStart && deliverStart < deliverEnd && deliverEnd <= settleBy
  const times = { deliverStart, deliverEnd, settleBy, nowAt: now }
  demand(isInOrder && settleBy <= now + HORIZON_MAX, 'BadSchedule', times)
  const { setId: current } = await newestSet(books)
  demand(verifierSetId === current, 'VerifierSetNotCurrent', { given: verifierSetId, current })
  await demandOrder(pool, intent)
  const available = availableOf(await books.account(walletOf(payer)))
  demand(available >= amount, 'DepositTooSmall', { payer, available, needed: amount })

  const escrow = `open:${id}`
  const request = { payer, amount, deliverStart, deliverEnd, settleBy, verifierSetId, escrow }
  await books.saveRequest(id, { ...FRESH, ...request })
  await books.book([held(pool, escrow, payer, amount)])
  return [
    { kind: 'RequestOpened', requestId: id, payer: getAddress(payer), amount },
    { kind: 'Transfer', from: getAddress(payer), to: setup.pool, amount },
  ]
}

/** The payer's order must be valid now: after one instant, before another, both excluded. */
async function demandOrder(
  { setup, now }: Pool,
  { terms, authorisation }: Intent<'openRequest'>,
): Promise<void> {
  const { validAfter, validBefore, signature } = authorisation
  if (now <= validAfter || now >= validBefore) {
    const notBefore = now <= validAfter ? validAfter + 1 : null
    throw new Refusal('AuthorisationTime', { validAfter, validBefore, nowAt: now }, notBefore)
  }
  const validity = { validAfter, validBefore }
  const order = authorisationTypedData(moneyDomain(setup), setup, terms, validity)
  const { payer } = terms
  demand(await isSignedBy(payer, order, signature), 'NotSignedByPayer', { payer })
}

/** Takes a request back before its delivery begins, on the payer's signature. */
export async function cancel(
  pool: Pool,
  { requestId, signature }: Intent<'cancel'>,
): Promise<PoolEvent[]> {
  const request = await pool.books.request(requestId)
  const payer = request?.payer ?? `0x${'0'.repeat(40)}`
  const word = cancellationTypedData(pool.setup, requestId)
  demand(await isSignedBy(payer as Hex, word, signature), 'NotSignedByPayer', { payer })
  demandState(requestId, request, 'funded')
  demandUntil(pool.now, request.deliverStart - 1)
  await giveBack(pool, requestId, request, 'cancelled')
  return [{ kind: 'RequestCancelled', requestId, amount: request.amount }]
}

/** Gives everything back once nobody may settle the request any more. Anyone can ask for it. */
export async function refundExpired(pool: Pool, requestId: Hex): Promise<PoolEvent[]> {
  const request = await pool.books.request(requestId)
  demandState(requestId, request, 'funded')
  demandFrom(pool.now, request.settleBy + pool.setup.refundGraceSeconds + 1)
  await giveBack(pool, requestId, request, 'refunded')
  const bond = decideBond(pool, requestId, request, 0n, false)
  await pool.books.book(bond.transfers)
  return [...bond.events, { kind: 'RequestRefunded', requestId, amount: request.amount }]
}

async function giveBack(
  pool: Pool,
  id: Hex,
  request: PoolRequest,
  state: 'cancelled' | 'refunded',
): Promise<void> {
  await pool.books.saveRequest(id, { ...request, state })
  const transfers = [...ended(pool, request, 0n), ...owedBack(pool, id, request, request.amount)]
  await pool.books.book(transfers)
}

/** Takes a settlement that a quorum signed; its dispute window begins. */
export async function propose(
  pool: Pool,
  { statement, signatures }: Intent<'proposeSettlement'>,
): Promise<PoolEvent[]> {
  const { requestId, round, evidenceRoot, payoutTotal, feeTotal, heldTotal } = statement
  const request = await pool.books.request(requestId)
  const last = request?.round ?? 0
  demand(round > last, 'WrongRound', { given: round, last })
  const windowEnd = await windowFor(pool, request, statement)
  const known = request as PoolRequest // windowFor refuses what is not there
  await demandSigned(pool, known, statement, signatures)

  await pool.books.saveRequest(requestId, {
    ...known,
    state: 'proposed',
    round,
    windowEnd,
    payout: payoutTotal,
    fee: feeTotal,
    held: heldTotal,
    proposals: [...known.proposals, statement],
  })
  const totals = { payoutTotal, feeTotal, heldTotal, windowEnd }
  return [{ kind: 'SettlementProposed', requestId, round, evidenceRoot, ...totals }]
}

/** A round that replaces another has no window of its own: it gives nobody more, it only holds. */
async function windowFor(
  pool: Pool,
  request: PoolRequest | null,
  { requestId, payoutTotal, feeTotal, heldTotal }: SettlementStatement,
): Promise<number> {
  const { setup, now } = pool
  const asked = payoutTotal + feeTotal + heldTotal
  let windowEnd = now + setup.disputeWindowSeconds
  if (request?.state === 'proposed') {
    windowEnd = request.windowEnd
    demandUntil(now, windowEnd - 1)
    const before = request.payout + request.fee + request.held
    const givesMore = payoutTotal > request.payout || feeTotal > request.fee
    demand(!givesMore && asked >= before, 'MayOnlyHold', { id: requestId })
  } else {
    demandState(requestId, request, 'funded')
    await demandNotPaused(pool)
    demandFrom(now, request.deliverEnd)
    demandUntil(now, await proposeUntil(pool, request.settleBy))
  }
  const { amount } = request
  demand(asked <= amount, 'ExceedsEscrow', { asked, amount })
  return windowEnd
}

/** The verifiers who held a rest are not enough to end it; the arbiter alone is. */
async function demandSigned(
  { setup, books }: Pool,
  request: PoolRequest,
  statement: SettlementStatement,
  signatures: readonly Hex[],
): Promise<void> {
  const data = settlementTypedData(setup, statement)
  const [first] = signatures
  const { arbiter } = setup
  if (isRest(request) && signatures.length === 1 && first !== undefined && arbiter !== null) {
    if (await isSignedBy(arbiter, data, first)) return
  }
  const set = await verifierSet(books, request.verifierSetId)
  await demandQuorum(set, data, signatures, isRest(request))
}

/** Splits an escrow as proposed: paid parts are posted, the rest is voided, what is held waits on. */
export async function finalize(pool: Pool, requestId: Hex): Promise<PoolEvent[]> {
  const { books, setup, now } = pool
  const request = await books.request(requestId)
  demandState(requestId, request, 'proposed')
  demandFrom(now, request.windowEnd)
  const { payout, fee, held: kept, amount } = request
  const refund = amount - payout - fee - kept

  const bond = decideBond(pool, requestId, request, payout + fee, kept > 0n)
  const state = kept > 0n ? 'partly-final' : 'final'
  await books.saveRequest(requestId, { ...request, state })
  await books.book([
    ...ended(pool, request, payout + fee),
    ...posted(pool, `payout:${requestId}`, ESCROW, ALLOCATABLE, payout),
    ...posted(pool, `fee:${requestId}`, ESCROW, creditOf(setup.feeReceiver), fee),
    ...owedBack(pool, requestId, request, refund),
    ...bond.transfers,
  ])
  const final = { kind: 'RequestFinalized', requestId, payout, fee, held: kept, refund } as const
  const rest = kept > 0n ? [await hold(pool, requestId, request, bond.carried)] : []
  return [final, ...rest, ...bond.events]
}

/** However many rounds hold again, the first one's deadline stays: nothing is held for ever. */
async function hold(
  pool: Pool,
  requestId: Hex,
  request: PoolRequest,
  doubt: BondDecision['carried'],
): Promise<PoolEvent> {
  const { payer, deliverEnd, held: amount, verifierSetId } = request
  const round = request.round + 1
  const restId = roundIdOf(requestId, round)
  const settleBy = isRest(request) ? request.settleBy : pool.now + pool.setup.heldWindowSeconds
  const escrow = `held:${restId}`
  const times = { deliverStart: deliverEnd, deliverEnd, settleBy }
  const carried = doubt === null ? {} : { challenge: doubt }
  const rest = { payer, amount, ...times, verifierSetId, escrow, ...carried }
  await pool.books.saveRequest(restId, { ...FRESH, ...rest, round: request.round })
  await pool.books.book([held(pool, escrow, payer, amount)])
  return { kind: 'RestHeld', requestId, restId, round, amount, settleBy }
}
