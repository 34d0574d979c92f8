import { standingPosts } from '#domain/chain-books.ts'
import type { ChainEvent } from '#domain/chain.ts'
import { epochVersion, type PayoutEpoch } from '#domain/payout.ts'
import { isMember, signaturesOf } from '#domain/settling-set.ts'
import { type Instant, instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { adoptEpoch, unknownPost } from './adopt-epoch.ts'
import { bookReturned } from './book-returned.ts'
import { standingDifferences } from './check-books.ts'
import { epochData, epochStatement } from './epoch-data.ts'
import { finishEpoch } from './finish-epoch.ts'
import { holdsReturned, openEpoch, remakeEpoch } from './open-epoch.ts'
import { bookLatePayments, payAgain } from './pay-again.ts'
import { payLeaves } from './pay-leaves.ts'

/**
 * Moves payouts on: opens an epoch over settled calls at an epoch boundary, posts it once
 * verifiers signed it, activates it after its window and has its leaves paid. One epoch at a time.
 * Safe to run twice. Returns when to look again; null: only when something happens.
 */
export async function advancePayouts(ports: Ports): Promise<Instant | null> {
  await adoptEpoch(ports)
  const { next, changed, latest } = await ports.store.transaction(async (tx) => {
    await tx.payouts.lock()
    await bookReturned(ports, tx)
    await bookLatePayments(ports, tx)
    const [before] = await tx.payouts.list()
    const due = await step(ports, tx, before ?? null)
    const [after] = await tx.payouts.list()
    const isNews = after?.epoch !== before?.epoch || after?.state !== before?.state
    return { next: due, changed: isNews, latest: after ?? null }
  })
  if (changed) {
    await ports.wakeUps.notify('chain')
    await ports.wakeUps.notify('events')
    const paid = latest?.state === 'paid' ? latest.callIds : []
    for (const callId of paid) await ports.wakeUps.wakeCall(callId, ports.clock.now())
  }
  return next
}

function step(
  ports: Ports,
  tx: StoreTransaction,
  latest: PayoutEpoch | null,
): Promise<Instant | null> {
  if (!latest || latest.state === 'paid') return betweenEpochs(ports, tx, latest)
  if (latest.state === 'proposed') return postEpoch(ports, tx, latest)
  if (latest.state === 'posted') return activateEpoch(ports, tx, latest)
  return finishEpoch(ports, tx, latest)
}

/** The next epoch, and meanwhile what the last one could not pay. */
async function betweenEpochs(
  ports: Ports,
  tx: StoreTransaction,
  latest: PayoutEpoch | null,
): Promise<Instant | null> {
  // What stands posted in its place and is not ours first has to be understood.
  const opens = (await unknownPost(tx)) === null ? await openEpoch(ports, tx, latest) : null
  const again = latest === null ? null : await payAgain(ports, tx, latest)
  return opens !== null && again !== null ? instant(Math.min(opens, again)) : (opens ?? again)
}

async function postEpoch(ports: Ports, tx: StoreTransaction, epoch: PayoutEpoch): Promise<null> {
  const posted = await tx.chain.events({ kind: 'EpochPosted' })
  const rejected = await tx.chain.events({ kind: 'EpochRejected' })
  const last = standingPosts([...posted, ...rejected]).find((post) => post.epoch === epoch.epoch)
  if (last?.root === epoch.root) {
    await tx.payouts.save({ ...epoch, state: 'posted' })
    return null
  }
  // Another root under this number is not ours: the reconciliation names it, and nobody guesses.
  if (last !== undefined) return null
  if (isRejected(epoch, posted, last) || (await holdsReturned(tx, epoch))) {
    await remakeEpoch(ports, tx, epoch)
    return null
  }
  if ((await standingDifferences(tx)).length > 0) return null // until the books agree again
  const { parties } = ports.rail
  const all = await tx.attestations.of('epoch', String(epoch.epoch))
  const wanted = epochVersion(epoch)
  const mine = all.filter(
    ({ verifier, version }) => version === wanted && isMember(parties, verifier),
  )
  if (mine.length < parties.quorum) return null
  const signatures = signaturesOf(mine)
  const statement = epochStatement(epoch, await epochData(tx, epoch))
  const { requestIds } = epoch
  const intent = { kind: 'postEpoch', statement, requestIds, signatures } as const
  const first = `post-epoch:${epoch.epoch}`
  const key = wanted === 1 ? first : `${first}:version-${wanted}`
  // What one set signed is refused once a newer one is there, which then signs it too.
  const isRefused = (await tx.chain.intent(key))?.state === 'reverted'
  await tx.chain.intend(isRefused ? `${key}:set-${parties.verifierSetId}` : key, intent)
  return null
}

/** Somebody proved it wrong to the pool, which takes the very same never again. */
function isRejected(
  { epoch, root }: PayoutEpoch,
  posted: readonly ChainEvent[],
  standing: ChainEvent | undefined,
): boolean {
  if (standing !== undefined) return false
  return posted.some((e) => e.kind === 'EpochPosted' && e.epoch === epoch && e.root === root)
}

async function activateEpoch(
  ports: Ports,
  tx: StoreTransaction,
  epoch: PayoutEpoch,
): Promise<Instant | null> {
  const activated = await tx.chain.events({ kind: 'EpochActivated' })
  if (activated.some((e) => e.kind === 'EpochActivated' && e.epoch === epoch.epoch)) {
    await payLeaves(tx, epoch)
    await tx.payouts.save({ ...epoch, state: 'active' })
    return null
  }
  const posted = await tx.chain.events({ kind: 'EpochPosted' })
  const rejected = await tx.chain.events({ kind: 'EpochRejected' })
  const mine = standingPosts([...posted, ...rejected]).find((post) => post.epoch === epoch.epoch)
  if (isRejected(epoch, posted, mine)) await remakeEpoch(ports, tx, epoch)
  if (mine === undefined) return null
  const from = instant((mine.activeFrom + 1) * 1000)
  if (ports.clock.now() < from) return from
  await tx.chain.intend(`activate-epoch:${epoch.epoch}`, {
    kind: 'activateEpoch',
    epoch: epoch.epoch,
  })
  return null
}
