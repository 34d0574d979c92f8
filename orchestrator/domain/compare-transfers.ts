/** Whether a ledger's double entry holds: transfers, accounts and the journal say the same. */
import { eventsOf } from './chain-books.ts'
import type { ChainEvent } from './chain.ts'
import { roundIdOf } from './escrow.ts'
import {
  type PoolAccount,
  type PoolTransfer,
  emptyAccount,
  isSound,
  totalChanges,
} from './pool-books.ts'

/** What a ledger without a chain keeps beside its journal. */
export type TransferBooks = {
  readonly transfers: readonly PoolTransfer[]
  readonly accounts: readonly PoolAccount[]
}

const SIDES = ['debitsPending', 'debitsPosted', 'creditsPending', 'creditsPosted'] as const

/** One sentence per difference; none where all agree. Nothing is guessed and nothing repaired. */
export function compareTransfers(
  { transfers, accounts }: TransferBooks,
  events: readonly ChainEvent[],
): string[] {
  return [
    ...compareSides(accounts),
    ...compareSums(transfers, accounts),
    ...comparePending(transfers),
    ...compareEntries(transfers, events),
  ]
}

/** Every debit is somebody's credit, so that all accounts together are nothing. */
function compareSides(accounts: readonly PoolAccount[]): string[] {
  const sum = (side: (typeof SIDES)[number]) =>
    accounts.reduce((total, account) => total + account[side], 0n)
  return [
    ...differing('posted debits against posted credits', sum('debitsPosted'), sum('creditsPosted')),
    ...differing(
      'pending debits against pending credits',
      sum('debitsPending'),
      sum('creditsPending'),
    ),
    ...accounts
      .filter((account) => !isSound(account))
      .map(({ account }) => `account ${account} of the ledger is overdrawn`),
  ]
}

function compareSums(
  transfers: readonly PoolTransfer[],
  accounts: readonly PoolAccount[],
): string[] {
  const summed = new Map(totalChanges(transfers).map((each) => [each.account, each]))
  const kept = new Map(accounts.map((each) => [each.account, each]))
  return [...new Set([...summed.keys(), ...kept.keys()])].flatMap((name) => {
    const [sum, balance] = [summed.get(name), kept.get(name)]
    return SIDES.flatMap((side) =>
      differing(
        `${side} of ${name} against its transfers`,
        (balance ?? emptyAccount(name))[side],
        (sum ?? emptyAccount(name))[side],
      ),
    )
  })
}

/** What was pending is pending still, or all of it was posted and voided. */
function comparePending(transfers: readonly PoolTransfer[]): string[] {
  const ended = Map.groupBy(
    transfers.filter(({ pendingId }) => pendingId !== null),
    ({ pendingId }) => pendingId as string,
  )
  const pending = new Map(
    transfers.filter(({ kind }) => kind === 'pending').map((each) => [each.id, each.amount]),
  )
  return [...ended].flatMap(([id, ends]) =>
    differing(`what ended ${id} against what was pending`, sumOf(ends), pending.get(id) ?? 0n),
  )
}

/** The journal tells of every transfer, but for what the bank said, and nothing else moved. */
function compareEntries(
  transfers: readonly PoolTransfer[],
  events: readonly ChainEvent[],
): string[] {
  const told = toldBy(events)
  const moved = new Map<string, bigint>()
  for (const { id, kind, amount, pendingId } of transfers) {
    if (kind === 'post' || kind === 'void' || pendingId !== null || !isTold(id)) continue
    moved.set(nameOf(id), (moved.get(nameOf(id)) ?? 0n) + amount)
  }
  return [...new Set([...told.keys(), ...moved.keys()])].flatMap((name) =>
    differing(`transfer ${name} against the journal`, moved.get(name) ?? 0n, told.get(name) ?? 0n),
  )
}

/** A withdrawal's id ends with the number of its entry; all of an account are compared as one. */
function nameOf(id: string): string {
  return id.replace(/^(withdraw:credit:.*):\d+$/, '$1')
}

function isTold(id: string): boolean {
  return /^(open|held|payout|fee|back|pay|activate|withdraw|bond|bond-end|returned):/.test(id)
}

/** The transfers that the events tell of, with their amounts. */
function toldBy(events: readonly ChainEvent[]): Map<string, bigint> {
  const told = new Map<string, bigint>()
  const tell = (name: string, amount: bigint) => {
    if (amount > 0n) told.set(name, (told.get(name) ?? 0n) + amount)
  }
  let allocated = 0n
  for (const event of events) {
    switch (event.kind) {
      case 'RequestOpened':
        tell(`open:${event.requestId}`, event.amount)
        break
      case 'RestHeld':
        tell(`held:${roundIdOf(event.requestId, event.round)}`, event.amount)
        break
      case 'RequestFinalized':
        tell(`payout:${event.requestId}`, event.payout)
        tell(`fee:${event.requestId}`, event.fee)
        tell(`back:${event.requestId}`, event.refund)
        break
      case 'RequestCancelled':
      case 'RequestRefunded':
        tell(`back:${event.requestId}`, event.amount)
        break
      case 'PayoutReturned':
        tell(`returned:${event.requestId}`, event.amount)
        break
      case 'SettlementChallenged':
        tell(`bond:${event.requestId}`, event.bond)
        break
      case 'BondReturned':
      case 'BondForfeited':
        tell(`bond-end:${event.requestId}`, event.bond)
        break
      case 'Paid':
        tell(`pay:${event.epoch}:${event.index}`, event.amount)
        break
      case 'CreditWithdrawn':
        tell(`withdraw:credit:${event.account.toLowerCase()}`, event.amount)
        break
      default:
        break
    }
  }
  for (const { epoch, total } of eventsOf(events, 'EpochActivated')) {
    tell(`activate:${epoch}`, total - allocated)
    allocated = total
  }
  return told
}

function sumOf(transfers: readonly PoolTransfer[]): bigint {
  return transfers.reduce((sum, { amount }) => sum + amount, 0n)
}

function differing(what: string, a: bigint, b: bigint): string[] {
  return a === b ? [] : [`${what}: ${a} against ${b}`]
}
