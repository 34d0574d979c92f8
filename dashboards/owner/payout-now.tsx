import type { Payout } from '../api.ts'
import { formatCents, forReader } from '../format.ts'
import { zone } from '../shared/business-time.ts'

/** Where the owner's money goes, what is kept and why, and what the bank sent back. */
export function PayoutNow({ payout }: { payout: Payout }) {
  const { account, announced, accountFrom, minimumPayoutCents, payments, sentence } = payout
  // With a known account and no minimum the last payout has told what is kept, and why.
  const isTold = account === 'named' && minimumPayoutCents === '1'
  const from = announced?.from ?? accountFrom
  const to = announced?.payout.kind === 'wallet' ? 'another wallet' : 'another bank account'
  const returned = payments.filter(({ state }) => state === 'returned')
  return (
    <>
      {!isTold && <p>{sentence}</p>}
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
