import { standingPosts } from '#domain/chain-books.ts'
import { hashOf } from '#domain/canonical.ts'
import type { ChainEvent } from '#domain/chain.ts'
import { addSeconds, type Instant, instant } from '#domain/time.ts'
import type { PayoutEpoch } from '#domain/payout.ts'
import type { Ports, PostedEpoch } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { epochData, epochStatement } from './epoch-data.ts'
import { newEpoch, payablesOf } from './open-epoch.ts'

type Posted = Extract<ChainEvent, { kind: 'EpochPosted' }>

/**
 * The first epoch that stands posted at the pool and that this database does not have: it was
 * restored from a time before. null: there is none, which is the rule.
 */
export async function unknownPost(tx: StoreTransaction): Promise<Posted | null> {
  const posted = await tx.chain.events({ kind: 'EpochPosted' })
  if (posted.length === 0) return null
  const standing = standingPosts([...posted, ...(await tx.chain.events({ kind: 'EpochRejected' }))])
  const last = standing.at(-1)
  if (last === undefined || (await isKnown(tx, last))) return null
  for (const post of standing) if (!(await isKnown(tx, post))) return post
  return null
}

async function isKnown(tx: StoreTransaction, { epoch, root }: Posted): Promise<boolean> {
  return (await tx.payouts.find(epoch))?.root === root
}

/**
 * Takes over an epoch that the chain has and this database has not, if the database's own calls,
 * owners and accounts make the very same one: same root, same requests, same hash of all shares,
 * as the verifiers signed them. Otherwise nothing is changed: the reconciliation names it, and no
 * other epoch is opened in its place. Safe to run twice.
 */
export async function adoptEpoch(ports: Ports): Promise<void> {
  const { store, rail, log } = ports
  const post = await store.transaction(unknownPost)
  if (post === null) return
  const told = (await rail.postedEpoch?.(post)) ?? null
  const isTaken = await store.transaction(async (tx) => {
    await tx.payouts.lock()
    if ((await unknownPost(tx))?.transactionHash !== post.transactionHash) return null
    const epoch = told === null ? null : await rebuilt(ports, tx, post, told)
    if (epoch === null) return false
    await tx.payouts.save({ ...epoch, state: 'posted' })
    await tx.events.append([
      {
        kind: 'payout-posted',
        at: ports.clock.now(),
        callId: null,
        resourceId: null,
        organisationIds: [],
        ownerId: null,
        notice: false,
        message: `payout epoch ${post.epoch} was read back from the chain`,
        data: { epoch: post.epoch, root: post.root },
      },
    ])
    return true
  })
  if (isTaken === true) log.warn('an epoch was read back from the chain', { epoch: post.epoch })
}

/** The epoch as it must have been made; null if these books do not make the same. */
async function rebuilt(
  { clock, rail }: Ports,
  tx: StoreTransaction,
  post: Posted,
  { statement, requestIds }: PostedEpoch,
): Promise<PayoutEpoch | null> {
  const own = await tx.payouts.find(post.epoch)
  if (own !== null && own.state !== 'proposed') return null // it has gone its own way
  const previous = await tx.payouts.find(post.epoch - 1)
  if ((previous?.root ?? statement.prevRoot) !== statement.prevRoot) return null
  // One at a time: the one before first has to be booked, with its receipts and payments.
  if (previous !== null && previous.state !== 'paid') return null
  const all = await payablesOf(tx, post.epoch)
  const payables = all.filter(({ requestId }) => requestIds.includes(requestId))
  if (payables.length !== requestIds.length) return null
  for (const at of momentsOf(post, rail.parties.epochWindowSeconds, clock.now())) {
    const epoch = await newEpoch(tx, payables, previous, at)
    const made = epochStatement(epoch, await epochData(tx, epoch))
    if (hashOf(made) === hashOf(statement)) return epoch
  }
  return null
}

/** When it was made is not known: right before it was posted, or any time at which it is the same. */
function momentsOf({ activeFrom }: Posted, windowSeconds: number, now: Instant): Instant[] {
  return [addSeconds(instant(activeFrom * 1000), -windowSeconds), now]
}
