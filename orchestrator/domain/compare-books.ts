import {
  type BalancesByEvents,
  type ChainBooks,
  balancesByEvents,
  eventsOf,
  flows,
  inChainOrder,
  standingPosts,
} from './chain-books.ts'
import type { ChainEvent } from './chain.ts'
import type { Hex } from './ids.ts'
import { putOffAccount } from './put-off.ts'

type Compare = (what: string, a: bigint, b: bigint) => void
type Say = (sentence: string) => void

/**
 * Compares the pool's counters, its events, the token's transfers, our ledger and our epochs: one
 * sentence per difference, none when all agree. Nothing is guessed and nothing is repaired here.
 */
export function compareBooks(books: ChainBooks): string[] {
  const differences: string[] = []
  const say: Say = (sentence) => differences.push(sentence)
  const compare: Compare = (what, a, b) => {
    if (a !== b) say(`${what}: ${a} against ${b}`)
  }
  const byEvents = balancesByEvents(books)
  comparePool(books, byEvents, compare, say)
  compareTransfers(books, compare, say)
  compareSplits(books.events, compare)
  compareEpochs(books, byEvents, compare, say)
  compareLeaves(books, byEvents, say)
  compareLedger(books, byEvents, compare, say)
  return differences
}

/** The pool's counters are what its events add up to, and the token's balance covers them. */
function comparePool(
  { pool }: ChainBooks,
  byEvents: BalancesByEvents,
  compare: Compare,
  say: Say,
): void {
  const unclaimed = pool.totalAllocated - pool.totalClaimed
  const owed = pool.locked + pool.allocatable + unclaimed + pool.credits + pool.bonds
  // Anybody can send tokens to the pool; they are nobody's, and no reason to stop.
  const { gifts } = byEvents
  compare('token balance of the pool against what it owes', pool.tokenBalance - gifts, owed)
  compare('locked by the pool against its events', pool.locked, byEvents.locked)
  compare('allocatable by the pool against its events', pool.allocatable, byEvents.allocatable)
  compare('allocated by the pool against its events', pool.totalAllocated, byEvents.allocated)
  compare('claimed by the pool against its events', pool.totalClaimed, byEvents.claimed)
  compare('credits of the pool against its events', pool.credits, byEvents.credits)
  compare('bonds of the pool against its events', pool.bonds, byEvents.bonds)
  compare('transfers in and out against the balance', byEvents.tokenBalance, pool.tokenBalance)
  const [live, byEvent] = [BigInt(pool.currentEpoch), BigInt(byEvents.liveEpoch)]
  compare('live epoch of the pool against its events', live, byEvent)
  const { liveRoot } = byEvents
  if (liveRoot !== null && pool.liveRoot !== liveRoot) {
    say(`live root of the pool against its events: ${pool.liveRoot} against ${liveRoot}`)
  }
}

/** Transaction by transaction, the token moved what the pool says, and never less. */
function compareTransfers({ events, identity }: ChainBooks, compare: Compare, say: Say): void {
  for (const [hash, logs] of Map.groupBy(events, ({ transactionHash }) => transactionHash)) {
    const { into, out } = flows(logs, identity.pool)
    const staked = eventsOf(logs, 'SettlementChallenged').map(({ bond: amount }) => ({ amount }))
    const opened = sum([...eventsOf(logs, 'RequestOpened'), ...staked])
    const paid = sum([...eventsOf(logs, 'Paid'), ...eventsOf(logs, 'CreditWithdrawn')])
    if (opened > 0n) compare(`funded in ${hash} against the token's transfers`, opened, into)
    compare(`paid out in ${hash} against the token's transfers`, paid, out)
    const [first] = logs
    for (const log of logs) {
      if (log.block === first?.block && log.blockHash === first.blockHash) continue
      compare(`blocks of ${hash}`, BigInt(log.block), BigInt(first?.block ?? 0))
      if (log.blockHash === first?.blockHash) continue
      // As text: in a file that was touched it need be no number.
      say(`block hashes of ${hash}: ${log.blockHash} against ${first?.blockHash}`)
    }
  }
}

function sum(events: readonly { readonly amount: bigint }[]): bigint {
  return events.reduce((total, { amount }) => total + amount, 0n)
}

/** Every escrow was split as proposed, to the last micro-EUR, and went back whole or not at all. */
function compareSplits(all: readonly ChainEvent[], compare: Compare): void {
  const events = inChainOrder(all)
  const amounts = new Map<Hex, bigint>()
  for (const { requestId, amount } of eventsOf(events, 'RequestOpened')) {
    amounts.set(requestId, amount)
  }
  const rests = eventsOf(events, 'RestHeld')
  for (const { restId, amount } of rests) amounts.set(restId, amount)
  for (const final of eventsOf(events, 'RequestFinalized')) {
    const { requestId: id, payout, fee, held, refund } = final
    compare(
      `split of ${id} against its escrow`,
      payout + fee + held + refund,
      amounts.get(id) ?? 0n,
    )
    const proposals = eventsOf(events, 'SettlementProposed').filter((each) => each.requestId === id)
    const last = proposals.at(-1)
    if (!last) continue
    const isChallenged = eventsOf(events, 'SettlementChallenged').some((c) => c.requestId === id)
    const [paid, feePaid] = isChallenged ? [0n, 0n] : [last.payoutTotal, last.feeTotal]
    const all = last.payoutTotal + last.feeTotal + last.heldTotal
    compare(`payout of ${id} against what was proposed`, payout, paid)
    compare(`fee of ${id} against what was proposed`, fee, feePaid)
    compare(`held of ${id} against what was proposed`, held, all - paid - feePaid)
    const kept = sum(rests.filter((rest) => rest.requestId === id))
    compare(`rest of ${id} against what is held`, kept, held)
  }
  const back = [...eventsOf(events, 'RequestCancelled'), ...eventsOf(events, 'RequestRefunded')]
  for (const { requestId, amount } of back) {
    compare(`given back of ${requestId} against its escrow`, amount, amounts.get(requestId) ?? 0n)
  }
}

/** What was posted is what was activated, and what this database has made. */
function compareEpochs(
  { events, epochs }: ChainBooks,
  { liveEpoch, liveRoot }: BalancesByEvents,
  compare: Compare,
  say: Say,
): void {
  const posted = eventsOf(inChainOrder(events), 'EpochPosted')
  for (const { epoch, root, total } of eventsOf(events, 'EpochActivated')) {
    const post = posted.findLast((each) => each.epoch === epoch)
    compare(`total of epoch ${epoch} against what was posted`, total, post?.newTotal ?? 0n)
    if (post?.root !== root)
      say(`root of epoch ${epoch}: ${root} is live, ${post?.root} was posted`)
    const own = epochs.find((each) => each.epoch === epoch)
    if (own === undefined) say(`epoch ${epoch} is on the chain and not in the database`)
    else if (own.root !== root) {
      say(`epoch ${epoch} on the chain has the root ${root}, in the database ${own.root}`)
    } else compare(`total of epoch ${epoch} against the database`, total, own.newTotal)
  }
  for (const { epoch, root } of standingPosts(events)) {
    const own = epochs.find((each) => each.epoch === epoch)
    if (epoch <= liveEpoch || own?.root === root) continue
    const what =
      own === undefined ? 'and is not in the database' : `in the database it has ${own.root}`
    say(`epoch ${epoch} was posted with the root ${root}, ${what}`)
  }
  for (const { epoch, root, state } of epochs) {
    if (state !== 'active' && state !== 'paid') continue
    if (epoch <= liveEpoch && (epoch !== liveEpoch || root === liveRoot)) continue
    say(`epoch ${epoch} is ${state} in the database, and the chain is at epoch ${liveEpoch}`)
  }
}

/** Nobody had more than his leaf; who had less is still being paid, or the ledger has the rest. */
function compareLeaves(
  { epochs, balances }: ChainBooks,
  { liveEpoch, paid }: BalancesByEvents,
  say: Say,
): void {
  const live = epochs.find(({ epoch }) => epoch === liveEpoch)
  if (live === undefined) return // told by the comparison of the epochs
  const leaves = new Map(live.accounts.map(({ index, cumulative }) => [index, cumulative]))
  for (const [index, amount] of paid) {
    const leaf: bigint = leaves.get(index) ?? 0n
    if (amount > leaf)
      say(`leaf ${index} was paid ${amount}, and has ${leaf} in epoch ${liveEpoch}`)
  }
  if (live.state !== 'paid') return
  const booked = new Map(balances.map(({ account, balance }) => [account, balance]))
  for (const [index, leaf] of leaves) {
    const amount = paid.get(index) ?? 0n
    const putOff = booked.get(putOffAccount(index)) ?? 0n
    if (amount > leaf || leaf - amount === putOff) continue
    const rest = putOff === 0n ? '' : `, and the ledger has ${putOff} of it as put off`
    say(`leaf ${index} was paid ${amount} of ${leaf}, and epoch ${liveEpoch} counts as paid${rest}`)
  }
}

function compareLedger(
  { balances, requestIds, epochs }: ChainBooks,
  { escrows }: BalancesByEvents,
  compare: Compare,
  say: Say,
): void {
  const of = (accounts: RegExp) =>
    balances.reduce(
      (total, each) => (accounts.test(each.account) ? total + each.balance : total),
      0n,
    )
  compare('sum of all ledger accounts', of(/./), 0n)
  const known = new Set(requestIds)
  const ours = [...escrows.values()].filter(({ isStrange }) => !isStrange)
  for (const { id, amount } of ours) {
    if (!known.has(id))
      say(`request ${id} holds or held ${amount}, and no call of the database has it`)
  }
  const locked = ours.filter(({ end }) => end === null)
  compare('escrows in the ledger against the events', of(/^(escrow|held):/), sum(locked))
  // Booked when every leaf of an epoch is paid or put off; what is put off stays in the pool.
  const booked = epochs.filter(({ state }) => state === 'paid')
  const last = booked.reduce<bigint>(
    (most, { newTotal }) => (newTotal > most ? newTotal : most),
    0n,
  )
  compare('paid out in the ledger against the epochs', of(/^(agent$|wallets?(:|$)|put-off:)/), last)
}
