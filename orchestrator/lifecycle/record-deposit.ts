import { checkAddress } from '#domain/enrolment.ts'
import { fieldError } from '#domain/errors.ts'
import type { Address } from '#domain/ids.ts'
import { BANK, type PoolTransfer, availableOf, walletOf } from '#domain/pool-books.ts'
import type { Ports } from '#ports.ts'

/** What the bank's statement of the escrow account says. */
export type BankMovement = {
  /** 'in': a party paid into the escrow account; 'out': it was paid out of it. */
  readonly direction: 'in' | 'out'
  readonly account: Address
  /** Micro-EUR. */
  readonly amount: bigint
  /** The bank's reference: the same one is booked once. */
  readonly reference: string
}

/** Banks know whole cents. */
const CENT = 10_000n

/**
 * Books a line of the bank's statement on the ledger without a chain and returns what the party
 * has at its disposal. The same line again changes nothing.
 * @throws DomainError wrong-state where money is on a chain, duplicate for another line under a
 * known reference, malformed for parts of a cent, for money from nobody that is registered, and
 * for more than there is
 */
export async function recordBankMovement(
  { store, clock }: Ports,
  { direction, account, amount, reference }: BankMovement,
): Promise<{ balance: bigint }> {
  const wallet = walletOf(checkAddress('account', account))
  if (amount % CENT !== 0n) {
    throw fieldError('malformed', 'amountMinor', 'whole cents, a multiple of 10000', amount)
  }
  const between =
    direction === 'in' ? { debit: BANK, credit: wallet } : { debit: wallet, credit: BANK }
  const at = Math.floor(clock.now() / 1000)
  const transfer: PoolTransfer = {
    id: `bank:${reference}`,
    kind: 'posted',
    pendingId: null,
    ...between,
    amount,
    at,
  }
  return store.transaction(async ({ pool, organisations }) => {
    if ((await pool.setup()) === null) {
      throw fieldError('wrong-state', 'rail', 'the ledger without a chain', 'a chain')
    }
    await pool.lock()
    const known = await pool.transfer(transfer.id)
    const available = availableOf(await pool.account(wallet))
    if (known !== null) {
      const { debit, credit } = known
      const isSame = debit === between.debit && credit === between.credit
      if (isSame && known.amount === amount) return { balance: available }
      const line = `${debit} to ${credit}, ${known.amount}`
      throw fieldError('duplicate', 'reference', `the line that it stands for (${line})`, reference)
    }
    const isParty = (await organisations.list()).some(
      ({ address }) => address !== null && walletOf(address as Address) === wallet,
    )
    if (direction === 'in' && !isParty) {
      throw fieldError('malformed', 'account', 'the address of a registered party', account)
    }
    if (direction === 'out' && amount > available) {
      throw fieldError('malformed', 'amountMinor', `at most ${available}`, amount)
    }
    await pool.book([transfer])
    return { balance: direction === 'in' ? available + amount : available - amount }
  })
}
