import { hashOf, hashOfIds } from '#domain/canonical.ts'
import type { EpochData, EpochStatement } from '#domain/evidence.ts'
import type { Address, CallId, Hex } from '#domain/ids.ts'
import { microEur, sumMoney } from '#domain/money.ts'
import { addShares, type PayoutEpoch, sharesOf } from '#domain/payout.ts'
import { moveAccounts, movesOf, recipientsAt } from '#domain/payout-recipients.ts'
import { buildPayoutTree } from '#domain/payout-tree.ts'
import { payoutChoiceAt } from '#domain/resource.ts'
import type { SettlementLine } from '#domain/settlement.ts'
import { addSeconds, floorToStep, type Instant, instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { standingDifferences } from './check-books.ts'
import { finishEpoch } from './finish-epoch.ts'
import { bookLatePayments, payAgain } from './pay-again.ts'
import { payLeaves } from './pay-leaves.ts'

const NO_ROOT: Hex = `0x${'0'.repeat(64)}`

/**
 * Moves payouts on: opens an epoch over settled calls at an epoch boundary, posts it once
 * verifiers signed it, activates it after its window and has its leaves paid. One epoch at a time.
 * Safe to run twice. Returns when to look again; null: only when something happens.
 */
export async function advancePayouts(ports: Ports): Promise<Instant | null> {
  const { next, changed, latest } = await ports.store.transaction(async (tx) => {
    await tx.payouts.lock()
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
  const opens = await openEpoch(ports, tx, latest)
  const again = latest === null ? null : await payAgain(ports, tx, latest)
  return opens !== null && again !== null ? instant(Math.min(opens, again)) : (opens ?? again)
}

async function openEpoch(
  ports: Ports,
  tx: StoreTransaction,
  previous: PayoutEpoch | null,
): Promise<Instant | null> {
  const payables = await payablesOf(tx)
  const [first] = payables
  if (!first) return null
  const now = ports.clock.now()
  const oldest = instant(Math.min(...payables.map(({ settledAt }) => settledAt)))
  const boundary = addSeconds(floorToStep(oldest, first.epochSeconds), first.epochSeconds)
  if (now < boundary) return boundary
  const epoch = await newEpoch(tx, payables, previous, now)
  await tx.payouts.save(epoch)
  return null
}

/** A settlement whose payout no epoch holds yet: a call's own, or one of what it had on hold. */
type Payable = {
  readonly callId: CallId
  readonly requestId: Hex
  readonly lines: readonly SettlementLine[]
  readonly settledAt: Instant
  readonly epochSeconds: number
}

async function payablesOf(tx: StoreTransaction): Promise<Payable[]> {
  const calls = await tx.calls.list({ states: ['settled'] })
  const rests = await tx.rests.list({ states: ['settled'] })
  if (calls.length + rests.length === 0) return []
  // A call whose epoch is paid says so only when it is next looked at; it is in an epoch already.
  const taken = new Set((await tx.payouts.list()).flatMap(({ requestIds }) => requestIds))
  const payables: Payable[] = []
  for (const { id: callId, escrow, settlement, program } of calls) {
    const requestId = escrow?.requestId
    if (!requestId || taken.has(requestId)) continue
    const { epochSeconds } = program
    const settledAt = await callSettledAt(tx, callId)
    payables.push({ callId, requestId, lines: settlement?.lines ?? [], settledAt, epochSeconds })
  }
  for (const { id: requestId, callId, settlement, settledAt } of rests) {
    if (taken.has(requestId) || settledAt === null) continue
    const call = await tx.calls.find(callId)
    const epochSeconds = call?.program.epochSeconds ?? 0
    payables.push({ callId, requestId, lines: settlement?.lines ?? [], settledAt, epochSeconds })
  }
  return payables.sort((a, b) => (a.callId < b.callId ? -1 : a.callId > b.callId ? 1 : 0))
}

async function callSettledAt(tx: StoreTransaction, callId: CallId): Promise<Instant> {
  const events = await tx.events.ofCall(callId)
  const found = events.find((event) => event.kind === 'call-settled')
  if (!found) throw new Error(`${callId} is settled without an event`)
  return found.at
}

async function newEpoch(
  tx: StoreTransaction,
  payables: readonly Payable[],
  previous: PayoutEpoch | null,
  now: Instant,
): Promise<PayoutEpoch> {
  const [agent] = await tx.organisations.list('agent')
  if (!agent?.address) throw new Error('no payout agent with an address is registered')
  const owners = new Map(
    (await tx.resources.owners()).map((owner) => [owner.id, payoutChoiceAt(owner, now)]),
  )
  const recipients = await recipientsNow(tx, now)
  const shares = payables.flatMap(({ callId, lines }) =>
    sharesOf(callId, lines, (id) => {
      const choice = owners.get(id)
      if (!choice) throw new Error(`no owner ${id}`)
      const to = choice.kind === 'wallet' && recipients.get(choice.address.toLowerCase())
      return to ? { ...choice, address: to } : choice
    }),
  )
  const before = previous?.accounts ?? []
  const moves = movesOf(before, recipients)
  const moved = moveAccounts(before, moves)
  const first = moved.find(({ index }) => index === 0)
  const accounts = addShares(moved, shares, first?.account ?? (agent.address as Address))
  const tree = buildPayoutTree(accounts)
  return {
    epoch: (previous?.epoch ?? 0) + 1,
    callIds: payables.map(({ callId }) => callId),
    requestIds: payables.map(({ requestId }) => requestId),
    prevRoot: previous?.root ?? NO_ROOT,
    topHash: tree.topHash,
    root: tree.root,
    newTotal: microEur(sumMoney(accounts.map((account) => account.cumulative))),
    accounts,
    shares,
    ...(moves.length > 0 ? { moves } : {}),
    state: 'proposed',
    createdAt: now,
  }
}

/** Who named another payout address, and has not taken it back in time. */
async function recipientsNow(tx: StoreTransaction, now: Instant) {
  const announced = await tx.chain.events({ kind: 'RecipientAnnounced' })
  const cancelled = await tx.chain.events({ kind: 'RecipientCancelled' })
  const inOrder = [...announced, ...cancelled].sort(
    (a, b) => a.block - b.block || a.logIndex - b.logIndex,
  )
  return recipientsAt(inOrder, now)
}

/** From what a verifier recomputes the epoch. */
export async function epochData(tx: StoreTransaction, epoch: PayoutEpoch): Promise<EpochData> {
  const previous = await tx.payouts.find(epoch.epoch - 1)
  const calls: EpochData['calls'][number][] = []
  for (const [i, callId] of epoch.callIds.entries()) {
    const call = await tx.calls.find(callId)
    const requestId = epoch.requestIds[i] as Hex
    const isOwn = call?.escrow?.requestId === requestId
    const evidence = isOwn ? call.evidence : (await tx.rests.find(requestId))?.evidence
    const known = { callId, version: evidence?.version ?? 0, requestId }
    const [challenge] = await tx.chain.events({ kind: 'SettlementChallenged', requestId })
    calls.push(challenge ? { ...known, challenged: true } : known)
  }
  return {
    previous: previous?.accounts ?? [],
    accounts: epoch.accounts,
    shares: epoch.shares,
    ...(epoch.moves ? { moves: epoch.moves } : {}),
    calls,
  }
}

export function epochStatement(epoch: PayoutEpoch, data: EpochData): EpochStatement {
  return {
    epoch: epoch.epoch,
    prevRoot: epoch.prevRoot,
    topHash: epoch.topHash,
    newTotal: epoch.newTotal,
    requestIdsHash: hashOfIds(epoch.requestIds),
    dataHash: hashOf(data),
  }
}

async function postEpoch(ports: Ports, tx: StoreTransaction, epoch: PayoutEpoch): Promise<null> {
  const posted = await tx.chain.events({ kind: 'EpochPosted' })
  const last = posted.findLast(
    (event) => event.kind === 'EpochPosted' && event.epoch === epoch.epoch,
  )
  // Another root under this number is not ours: the reconciliation names it, and nobody guesses.
  if (last?.kind === 'EpochPosted' && last.root === epoch.root) {
    await tx.payouts.save({ ...epoch, state: 'posted' })
    return null
  }
  if ((await standingDifferences(tx)).length > 0) return null // until the books agree again
  const all = await tx.attestations.of('epoch', String(epoch.epoch))
  if (all.length < ports.rail.parties.quorum) return null
  const signatures = [...all]
    .sort((a, b) => (a.verifier.toLowerCase() < b.verifier.toLowerCase() ? -1 : 1))
    .map((attestation) => attestation.signature)
  const statement = epochStatement(epoch, await epochData(tx, epoch))
  const { requestIds } = epoch
  const intent = { kind: 'postEpoch', statement, requestIds, signatures } as const
  await tx.chain.intend(`post-epoch:${epoch.epoch}`, intent)
  return null
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
  const mine = posted.find((e) => e.kind === 'EpochPosted' && e.epoch === epoch.epoch)
  if (mine?.kind !== 'EpochPosted') return null
  const from = instant((mine.activeFrom + 1) * 1000)
  if (ports.clock.now() < from) return from
  await tx.chain.intend(`activate-epoch:${epoch.epoch}`, {
    kind: 'activateEpoch',
    epoch: epoch.epoch,
  })
  return null
}
