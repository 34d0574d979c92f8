import type { ChainEvent } from '#domain/chain.ts'
import type { Address } from '#domain/ids.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

export type Reconciliation = {
  readonly reconciled: boolean
  /** One sentence per difference; empty when database, events and token balances agree. */
  readonly differences: readonly string[]
}

/** Compares three books: our ledger, the pool's events, and what pool and token say themselves. */
export async function reconcileChain(ports: Ports): Promise<Reconciliation> {
  const pool = await ports.rail.poolState()
  return ports.store.transaction(async (tx) => {
    const events = await tx.chain.events()
    const byEvents = balancesOf(events, ports.rail.parties.pool)
    const differences: string[] = []
    const compare = (what: string, a: bigint, b: bigint) => {
      if (a !== b) differences.push(`${what}: ${a} against ${b}`)
    }
    const owed =
      pool.locked + pool.allocatable + pool.totalAllocated - pool.totalClaimed + pool.credits
    compare('token balance of the pool against what it owes', pool.tokenBalance, owed)
    compare('locked by the pool against its events', pool.locked, byEvents.locked)
    compare('claimed by the pool against its events', pool.totalClaimed, byEvents.paid)
    compare('credits of the pool against its events', pool.credits, byEvents.credits)
    compare('transfers in and out against the balance', byEvents.transfers, pool.tokenBalance)
    await compareLedger(tx, byEvents, compare)
    return { reconciled: differences.length === 0, differences }
  })
}

function balancesOf(events: readonly ChainEvent[], pool: Address) {
  let locked = 0n
  let credits = 0n
  let paid = 0n
  let transfers = 0n
  let finalised = 0n
  const open = new Map<string, bigint>()
  for (const event of events) {
    if (event.kind === 'RequestOpened') open.set(event.requestId, event.amount)
    if (event.kind === 'RequestFinalized') {
      credits += event.fee + event.refund
      finalised += event.payout
      open.delete(event.requestId)
    }
    if (event.kind === 'RestHeld') open.set(event.restId, event.amount)
    if (event.kind === 'RequestCancelled' || event.kind === 'RequestRefunded') {
      credits += event.amount
      open.delete(event.requestId)
    }
    if (event.kind === 'PayoutReturned') credits += event.amount
    if (event.kind === 'CreditWithdrawn') credits -= event.amount
    if (event.kind === 'Paid') paid += event.amount
    if (event.kind === 'Transfer') {
      const isIn = event.to.toLowerCase() === pool.toLowerCase()
      transfers += isIn ? event.amount : -event.amount
    }
  }
  for (const amount of open.values()) locked += amount
  return { locked, credits, paid, transfers, finalised, open }
}

async function compareLedger(
  tx: StoreTransaction,
  byEvents: ReturnType<typeof balancesOf>,
  compare: (what: string, a: bigint, b: bigint) => void,
): Promise<void> {
  const balances = await tx.ledger.balances()
  const total = balances.reduce((sum, { balance }) => sum + balance, 0n)
  compare('sum of all ledger accounts', total, 0n)
  const escrows = balances.filter(({ account }) => /^(escrow|held):/.test(account))
  const inEscrow = escrows.reduce((sum, { balance }) => sum + balance, 0n)
  compare('escrows in the ledger against the events', inEscrow, byEvents.locked)
  const paidOut = balances
    .filter(({ account }) => account === 'agent' || account.startsWith('wallet:'))
    .reduce((sum, { balance }) => sum + balance, 0n)
  compare('paid out in the ledger against the events', paidOut, byEvents.paid)
}
