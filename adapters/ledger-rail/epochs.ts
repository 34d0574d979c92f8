import type { ChainIntent } from '#domain/chain.ts'
import type { Hex } from '#domain/ids.ts'
import { ALLOCATABLE, ALLOCATED, type PoolRequest, poolStateOf } from '#domain/pool-books.ts'
import { epochTypedData } from '#domain/pool-messages.ts'
import { POOL_MONEY_MAX } from '#domain/escrow.ts'
import { payoutRoot, requestIdsHash } from '#domain/payout-tree.ts'
import { type Pool, type PoolEvent, posted } from './pool.ts'
import { demand, demandFrom, demandState } from './refusal.ts'
import { demandNotPaused } from './guard.ts'
import { demandQuorum } from './signatures.ts'
import { newestSet } from './verifiers.ts'

type PostEpoch = Extract<ChainIntent, { kind: 'postEpoch' }>

/** Takes a root over everything ever earned; its total must be what final requests add up to. */
export async function postEpoch(pool: Pool, intent: PostEpoch): Promise<PoolEvent[]> {
  const { books, setup, now } = pool
  const { statement, requestIds, signatures } = intent
  const { epoch, prevRoot, topHash, newTotal } = statement
  await demandNotPaused(pool)
  const epochs = await books.epochs()
  const pendingEpoch = epochs.pending?.epoch ?? 0
  demand(epochs.pending === null, 'EpochPending', { epoch: pendingEpoch })
  const expected = epochs.currentEpoch + 1
  demand(epoch === expected, 'WrongEpoch', { given: epoch, expected })
  const live = epochs.liveRoot
  demand(prevRoot === live, 'WrongPrevRoot', { given: prevRoot, live })
  const given = requestIdsHash(requestIds)
  const signed = statement.requestIdsHash
  demand(given === signed, 'WrongRequestIds', { given, signed })
  const set = await newestSet(books)
  await demandQuorum(set, epochTypedData(setup, statement), signatures, false)
  const requests = await unaccounted(pool, requestIds)
  const { totalAllocated } = poolStateOf(await books.accounts(), epochs)
  const total = requests.reduce((sum, { request }) => sum + request.payout, totalAllocated)
  demand(newTotal === total, 'WrongTotal', { given: newTotal, expected: total })
  demand(newTotal <= POOL_MONEY_MAX, 'AmountOutOfRange', { amount: newTotal })

  for (const { id, request } of requests) {
    await books.saveRequest(id, { ...request, accounted: true })
  }
  const root = payoutRoot(topHash, newTotal)
  const activeFrom = now + setup.epochWindowSeconds
  await books.saveEpochs({ ...epochs, pending: { epoch, root, newTotal, activeFrom } })
  return [{ kind: 'EpochPosted', epoch, root, newTotal, activeFrom }]
}

/** Final payouts that no epoch counts, each once. @throws Refusal */
async function unaccounted(
  { books }: Pool,
  ids: readonly Hex[],
): Promise<{ id: Hex; request: PoolRequest }[]> {
  const found = new Map<Hex, PoolRequest>()
  for (const id of ids) {
    const request = await books.request(id)
    if (request?.state !== 'partly-final') demandState(id, request, 'final')
    demand(!request.accounted && !found.has(id), 'AlreadyAccounted', { id })
    found.set(id, request)
  }
  return [...found].map(([id, request]) => ({ id, request }))
}

/** Makes the posted root the one that is paid by, once its window has passed. */
export async function activateEpoch(pool: Pool, asked: number): Promise<PoolEvent[]> {
  const { books, now } = pool
  const epochs = await books.epochs()
  const { pending } = epochs
  demand(pending !== null && pending.epoch === asked, 'NoEpochPending')
  demandFrom(now, pending.activeFrom)
  const { epoch, root, newTotal: total } = pending
  const { totalAllocated } = poolStateOf(await books.accounts(), epochs)

  await books.saveEpochs({ liveRoot: root, currentEpoch: epoch, pending: null })
  const grown = total - totalAllocated
  await books.book(posted(pool, `activate:${epoch}`, ALLOCATABLE, ALLOCATED, grown))
  return [{ kind: 'EpochActivated', epoch, root, total }]
}
