import type { Escrow, WholeCall } from '../api.ts'
import { formatPrice, perMille } from '../format.ts'
import { Amount } from '../shared/amount.tsx'

type Part = { readonly name: string; readonly minor: string; readonly look: string }

/** Where the escrow is: still held, or split to the last minor unit. */
export function EscrowSplit({ call }: { call: WholeCall }) {
  return (
    <>
      {call.escrow === null ? (
        <p class="quiet">There is no escrow before an offer.</p>
      ) : (
        <Split escrow={call.escrow} />
      )}
      <dl class="rows">
        <div>
          <dt>Price cap</dt>
          <dd>{formatPrice(call.priceCapMinorPerKwh)}</dd>
        </div>
        <div>
          <dt>Penalty</dt>
          <dd>{call.penalty.kind === 'none' ? 'None' : formatPrice(call.penalty.minorPerKwh)}</dd>
        </div>
      </dl>
    </>
  )
}

function Split({ escrow }: { escrow: Escrow }) {
  const { amountMinor, fundedMinor, paidMinor, feeMinor, refundMinor, heldMinor } = escrow
  if (fundedMinor === '0') {
    return (
      <p>
        <Amount minor={amountMinor} /> to be locked;{' '}
        {escrow.authorised ? 'you have signed, the chain has not answered yet.' : 'not signed yet.'}
      </p>
    )
  }
  const parts: Part[] = [
    { name: 'Owners and aggregators', minor: paidMinor, look: 'paid' },
    { name: 'Fee', minor: feeMinor, look: 'fee' },
    { name: 'Back to you', minor: refundMinor, look: 'refund' },
    { name: 'Held', minor: heldMinor, look: 'held' },
  ]
  return (
    <>
      <div class="bar" aria-hidden="true">
        {parts.map(({ name, minor, look }) => (
          <span
            key={name}
            class={`part-${look}`}
            style={{ flexGrow: perMille(minor, fundedMinor) }}
          />
        ))}
      </div>
      <dl class="rows">
        {parts.map(({ name, minor, look }) => (
          <div key={name}>
            <dt>
              <span class={`chip part-${look}`} aria-hidden="true" /> {name}
            </dt>
            <dd>
              <Amount minor={minor} />
            </dd>
          </div>
        ))}
        <div class="total">
          <dt>Escrow</dt>
          <dd>
            <Amount minor={fundedMinor} />
          </dd>
        </div>
      </dl>
    </>
  )
}
