import type { Payout } from '../api.ts'
import { formatCents } from '../format.ts'

/** What is kept for the owner and why, and what the bank sent back. */
export function PayoutNow({ payout }: { payout: Payout }) {
  const { account, minimumPayoutCents, payments, putOffMinor, sentence } = payout
  // With a known account and no minimum the last payout has told what is kept, and why.
  const isTold = account === 'named' && minimumPayoutCents === '1' && putOffMinor === '0'
  const returned = payments.filter(({ state }) => state === 'returned')
  return (
    <>
      {!isTold && <p>{sentence}</p>}
      {returned.map(({ epoch, cents, reason }) => (
        <p key={epoch}>
          {formatCents(cents)} of payout {epoch} came back
          {reason === 'erased' ? '' : ' from the bank'}.
        </p>
      ))}
    </>
  )
}
