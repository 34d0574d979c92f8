import type { ChainEvent } from './chain.ts'
import type { Address } from './ids.ts'
import type { PayoutAccount } from './payout.ts'
import { type Instant, addSeconds, instant } from './time.ts'

/** In this epoch the account's index goes to the address that the account named. */
export type RecipientMove = {
  readonly index: number
  readonly account: Address
  readonly to: Address
}

/** How long an account can take a new address back: the contract's DELAY. */
const RECIPIENT_DELAY_SECONDS = 48 * 3600
/** A chain's clock may lag behind ours: what takes effect there is certain after this. */
const MARGIN_SECONDS = 900

type Named = { current: Address | null; next: { to: Address; from: Instant } | null }

/**
 * Where accounts want to be paid that named another address long enough ago, by account in lower
 * case. A later announcement replaces one that still waits; a cancellation drops it.
 */
export function recipientsAt(
  events: readonly ChainEvent[],
  now: Instant,
): ReadonlyMap<string, Address> {
  const named = new Map<string, Named>()
  for (const event of events) {
    if (event.kind !== 'RecipientAnnounced' && event.kind !== 'RecipientCancelled') continue
    const account = event.account.toLowerCase()
    const known = named.get(account) ?? { current: null, next: null }
    if (event.kind === 'RecipientCancelled') named.set(account, { ...known, next: null })
    else {
      const from = instant(event.from * 1000)
      const current = effective(known, addSeconds(from, -RECIPIENT_DELAY_SECONDS))
      named.set(account, { current, next: { to: event.to, from } })
    }
  }
  const recipients = new Map<string, Address>()
  for (const [account, each] of named) {
    const to = effective(each, addSeconds(now, -MARGIN_SECONDS))
    if (to !== null) recipients.set(account, to)
  }
  return recipients
}

function effective({ current, next }: Named, at: Instant): Address | null {
  return next !== null && next.from <= at ? next.to : current
}

/** Which indices of the tree go to another address now. One step each: the next epoch may go on. */
export function movesOf(
  accounts: readonly PayoutAccount[],
  recipients: ReadonlyMap<string, Address>,
): RecipientMove[] {
  return accounts.flatMap(({ index, account }) => {
    const to = recipients.get(account.toLowerCase())
    return to === undefined || isSame(to, account) ? [] : [{ index, account, to }]
  })
}

/** The accounts after the moves: an index keeps all it ever earned. */
export function moveAccounts(
  accounts: readonly PayoutAccount[],
  moves: readonly RecipientMove[],
): PayoutAccount[] {
  return accounts.map((each) => {
    const move = moves.find(({ index }) => index === each.index)
    return move && isSame(move.account, each.account) ? { ...each, account: move.to } : each
  })
}

function isSame(a: Address, b: Address): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
