import type { Money } from '../api.ts'
import { Amount } from '../shared/amount.tsx'

/** Kinds of account in the order in which money passes them. */
const KINDS: Readonly<Record<string, string>> = {
  dso: 'Grid operators, refunds less what they put in',
  escrow: 'In escrow',
  held: 'On hold',
  owner: 'Earned by owners, not in a payout yet',
  aggregator: 'Earned by aggregators, not in a payout yet',
  fee: 'Fees',
  wallet: 'Paid to wallets',
  agent: 'Handed to the payout agent',
  'agent-duty': 'What the agent has to pass on, with a minus',
  'on-account': 'Kept for payees by the agent',
  sepa: 'Ordered at the bank',
}

/** The ledger by kind of account: double entry, so it adds up to nothing. */
export function Balances({ balances }: { balances: Money['balances'] }) {
  const order = Object.keys(KINDS)
  const place = (kind: string) => (order.includes(kind) ? order.indexOf(kind) : order.length)
  const rows = [...balances].sort((a, b) => place(a.kind) - place(b.kind))
  if (rows.length === 0) return <p class="quiet">Nothing has been booked yet.</p>
  const sum = rows.reduce((all, { minor }) => all + BigInt(minor), 0n)
  return (
    <dl class="rows">
      {rows.map(({ kind, minor }) => (
        <div key={kind}>
          <dt>{KINDS[kind] ?? kind}</dt>
          <dd>
            <Amount minor={minor} />
          </dd>
        </div>
      ))}
      <div class="total">
        <dt>Sum, which has to be 0</dt>
        <dd>
          <Amount minor={sum.toString()} />
        </dd>
      </div>
    </dl>
  )
}
