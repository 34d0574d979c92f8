import type { Payout } from '../api.ts'
import { formatCents, forReader } from '../format.ts'
import { zone } from '../shared/business-time.ts'

/** Where the owner's money goes, what is kept and why, and what the bank sent back. */
export function PayoutNow({ payout }: { payout: Payout }) {
  const { announced, accountFrom, payments, sentence } = payout
  const from = announced?.from ?? accountFrom
  const to = announced?.payout.kind === 'wallet' ? 'another wallet' : 'another bank account'
  const returned = payments.filter(({ state }) => state === 'returned')
  return (
    <>
      <p>{sentence}</p>
      {from !== null && (
        <p class="warning">
          {forReader(`From ${from} on`, zone.value)} your money goes to {to}. If that was not you,
          tell your aggregator now.
        </p>
      )}
      {returned.map(({ epoch, cents, reason }) => (
        <p key={epoch}>
          {formatCents(cents)} of payout {epoch} came back
          {reason === 'erased' ? '' : ' from the bank'}.
        </p>
      ))}
    </>
  )
}
