import { type AccountHolder, aggregatorAccount, ownerAccount } from './bank-account.ts'
import type { Address, CallId, Hex, OrganisationId, OwnerId } from './ids.ts'
import { type MicroEur, microEur, sumMoney } from './money.ts'
import type { AccountMovement } from './payment-order.ts'
import type { RecipientMove } from './payout-recipients.ts'
import type { PayoutChoice } from './resource.ts'
import type { SettlementLine } from './settlement.ts'
import type { Instant } from './time.ts'

export type Payee =
  | { readonly kind: 'owner'; readonly ownerId: OwnerId }
  | { readonly kind: 'aggregator'; readonly aggregatorId: OrganisationId }

/** Money that one payee earned in one call. */
export type PayoutShare = {
  readonly payee: Payee
  readonly callId: CallId
  readonly amount: MicroEur
  /** null: through the payout agent's leaf. */
  readonly wallet: Address | null
}

/** A place in the pool's payout tree: an index, once given, keeps its account. */
export type PayoutAccount = {
  readonly index: number
  readonly account: Address
  readonly cumulative: MicroEur
}

export type PayoutEpoch = {
  readonly epoch: number
  readonly callIds: readonly CallId[]
  readonly requestIds: readonly Hex[]
  readonly prevRoot: Hex
  readonly topHash: Hex
  readonly root: Hex
  readonly newTotal: MicroEur
  readonly accounts: readonly PayoutAccount[]
  readonly shares: readonly PayoutShare[]
  /** Indices that go to another address, as their accounts wanted; absent where none does. */
  readonly moves?: readonly RecipientMove[]
  readonly state: 'proposed' | 'posted' | 'active' | 'paid'
  readonly createdAt: Instant
  /** Which making of it verifiers sign; absent: the first. */
  readonly version?: number
}

/** As which version verifiers sign an epoch. */
export function epochVersion({ version = 1 }: Pick<PayoutEpoch, 'version'>): number {
  return version
}

/** What an owner reads: one line per call; over an agent's owners the sums are the leaf. */
export type PayoutReceipt = {
  readonly epoch: number
  readonly ownerId: OwnerId
  readonly lines: readonly { readonly callId: CallId; readonly amount: MicroEur }[]
  readonly amount: MicroEur
  /** Whole cents paid by SEPA now; the rest, or all below the minimum, stays on the owner's account. */
  readonly paidCents: bigint
  readonly carried: MicroEur
  readonly route: 'agent' | 'wallet'
}

/** What each payee earned in one call: owners first, then aggregators, each by id. */
export function sharesOf(
  callId: CallId,
  lines: readonly SettlementLine[],
  payoutChoice: (ownerId: OwnerId) => PayoutChoice,
): PayoutShare[] {
  const owners = sumBy(lines, (line) => [line.ownerId, line.ownerAmount])
  const aggregators = sumBy(lines, (line) => [line.aggregatorId, line.aggregatorAmount])
  return [
    ...owners.map(([ownerId, amount]): PayoutShare => {
      const choice = payoutChoice(ownerId)
      const wallet = choice.kind === 'wallet' ? choice.address : null
      return { payee: { kind: 'owner', ownerId }, callId, amount, wallet }
    }),
    ...aggregators.map(
      ([aggregatorId, amount]): PayoutShare => ({
        payee: { kind: 'aggregator', aggregatorId },
        callId,
        amount,
        wallet: null,
      }),
    ),
  ].filter((share) => share.amount > 0n)
}

function sumBy<K extends string>(
  lines: readonly SettlementLine[],
  part: (line: SettlementLine) => [K, MicroEur],
): [K, MicroEur][] {
  const sums = new Map<K, bigint>()
  for (const line of lines) {
    const [key, amount] = part(line)
    sums.set(key, (sums.get(key) ?? 0n) + amount)
  }
  return [...sums]
    .map(([key, amount]): [K, MicroEur] => [key, microEur(amount)])
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

/**
 * The cumulative accounts after an epoch. The payout agent has index 0; a wallet gets the next
 * free index when it is first paid. Accounts never shrink; they change their address by a
 * `RecipientMove` only, after which two indices may bear one address: the lower one earns.
 */
export function addShares(
  previous: readonly PayoutAccount[],
  shares: readonly PayoutShare[],
  agent: Address,
): PayoutAccount[] {
  const none = microEur(0n)
  const start = previous.length > 0 ? previous : [{ index: 0, account: agent, cumulative: none }]
  const accounts = [...start].sort((a, b) => a.index - b.index)
  const places = new Map<string, number>()
  for (const [place, { account }] of accounts.entries()) {
    if (!places.has(account.toLowerCase())) places.set(account.toLowerCase(), place)
  }
  for (const share of shares) {
    const account = share.wallet ?? agent
    const place = places.get(account.toLowerCase()) ?? accounts.length
    places.set(account.toLowerCase(), place)
    const known = accounts[place] ?? { index: place, account, cumulative: none }
    accounts[place] = { ...known, cumulative: microEur(known.cumulative + share.amount) }
  }
  return accounts
}

/** Under which name a payee stands in the ledger and in payments. */
export function payeeKey(payee: Payee): AccountHolder {
  return payee.kind === 'owner'
    ? ownerAccount(payee.ownerId)
    : aggregatorAccount(payee.aggregatorId)
}

/**
 * One receipt per owner who earned or was paid. SEPA pays whole cents of what an owner earned and
 * had on account; what is left stays there.
 */
export function receiptsOf(
  epoch: number,
  shares: readonly PayoutShare[],
  movements: readonly AccountMovement[],
): PayoutReceipt[] {
  const moved = new Map(movements.map((movement) => [movement.payee, movement]))
  const earners = shares.flatMap(({ payee }) => (payee.kind === 'owner' ? [payee.ownerId] : []))
  const paid = movements.flatMap(({ payee, cents }) =>
    cents > 0n && payee.startsWith('owner:') ? [payee.slice('owner:'.length) as OwnerId] : [],
  )
  return [...new Set([...earners, ...paid])].sort().map((ownerId) => {
    const mine = shares.filter((s) => s.payee.kind === 'owner' && s.payee.ownerId === ownerId)
    const movement = moved.get(ownerAccount(ownerId))
    return {
      epoch,
      ownerId,
      lines: mine.map(({ callId, amount: part }) => ({ callId, amount: part })),
      amount: sumMoney(mine.map((s) => s.amount)),
      paidCents: movement?.cents ?? 0n,
      carried: movement?.after ?? microEur(0n),
      route: mine.some((s) => s.wallet !== null) ? 'wallet' : 'agent',
    }
  })
}
