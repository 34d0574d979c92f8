import type { Address, CallId, Hex } from '#domain/ids.ts'
import { microEur, sumMoney } from '#domain/money.ts'
import { addShares, epochVersion, type PayoutEpoch, sharesOf } from '#domain/payout.ts'
import { moveAccounts, movesOf, recipientsAt } from '#domain/payout-recipients.ts'
import { buildPayoutTree } from '#domain/payout-tree.ts'
import { payoutChoiceAt } from '#domain/resource.ts'
import type { SettlementLine } from '#domain/settlement.ts'
import { type Instant, instant, nextStep } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { returnedPayouts } from './book-returned.ts'

const NO_ROOT: Hex = `0x${'0'.repeat(64)}`

/** Opens the next epoch over what is settled, once its boundary has come. Returns when that is. */
export async function openEpoch(
  ports: Ports,
  tx: StoreTransaction,
  previous: PayoutEpoch | null,
): Promise<Instant | null> {
  const payables = await payablesOf(tx)
  const [first] = payables
  if (!first) return null
  const now = ports.clock.now()
  const oldest = instant(Math.min(...payables.map(({ settledAt }) => settledAt)))
  const boundary = nextStep(oldest, first.epochSeconds)
  if (now < boundary) return boundary
  const epoch = await newEpoch(tx, payables, previous, now)
  await tx.payouts.save(epoch)
  return null
}

/** Whether the pool gave back a payout that the epoch holds: it refuses that epoch for good. */
export async function holdsReturned(
  tx: StoreTransaction,
  { requestIds }: PayoutEpoch,
): Promise<boolean> {
  const returned = await returnedPayouts(tx)
  return requestIds.some((requestId) => returned.has(requestId))
}

/**
 * Makes an epoch that the pool does not take anew over what can be paid now, for verifiers to sign
 * as its next version. Where nothing else can be, it waits for the next settlement. Safe to run
 * twice.
 */
export async function remakeEpoch(
  { clock }: Pick<Ports, 'clock'>,
  tx: StoreTransaction,
  epoch: PayoutEpoch,
): Promise<void> {
  const payables = await payablesOf(tx, epoch.epoch)
  if (payables.length === 0) return
  const previous = await tx.payouts.find(epoch.epoch - 1)
  const made = await newEpoch(tx, payables, previous, clock.now())
  const isSame = made.requestIds.join() === epoch.requestIds.join() && made.root === epoch.root
  if (isSame) return
  await tx.payouts.save({ ...made, version: epochVersion(epoch) + 1 })
}

/** A settlement whose payout no epoch holds yet: a call's own, or one of what it had on hold. */
export type Payable = {
  readonly callId: CallId
  readonly requestId: Hex
  readonly lines: readonly SettlementLine[]
  readonly settledAt: Instant
  readonly epochSeconds: number
}

/** All of them in the order of an epoch; `but`: an epoch whose requests count as in none. */
export async function payablesOf(tx: StoreTransaction, but?: number): Promise<Payable[]> {
  const calls = await tx.calls.list({ states: ['settled'] })
  const rests = await tx.rests.list({ states: ['settled'] })
  if (calls.length + rests.length === 0) return []
  // A call whose epoch is paid says so only when it is next looked at; it is in an epoch already.
  const others = (await tx.payouts.list()).filter(({ epoch }) => epoch !== but)
  const taken = new Set(others.flatMap(({ requestIds }) => requestIds))
  // What the pool gave back it refuses in every epoch.
  for (const requestId of (await returnedPayouts(tx)).keys()) taken.add(requestId)
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

/** The epoch over these settlements as it is made at an instant: the same inputs, the same root. */
export async function newEpoch(
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
