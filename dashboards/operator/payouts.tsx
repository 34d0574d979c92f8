import { useState } from 'preact/hooks'
import type { Client, Epoch, Payment } from '../api.ts'
import { formatCents, formatMoment } from '../format.ts'
import { Amount } from '../shared/amount.tsx'
import { zone } from '../shared/business-time.ts'
import { Refusal } from '../shared/refusal.tsx'
import { useSending } from '../shared/sending.ts'
import { AgentKey, PaymentFile } from './payment-file.tsx'

type Props = { readonly client: Client; readonly epochs: readonly Epoch[] }

const STATE: Readonly<Record<Epoch['state'], string>> = {
  proposed: 'Waits for signatures',
  posted: 'Posted, not active yet',
  active: 'Being paid',
  paid: 'Paid',
}
const SHOWN = 12

/** The newest payouts, their payments through the bank, and the file for it. */
export function Payouts({ client, epochs }: Props) {
  const [agent, setAgent] = useState<Client | null>(null)
  if (epochs.length === 0) return <p class="quiet">Nothing has been paid out yet.</p>
  return (
    <>
      <AgentKey agent={agent} onAgent={setAgent} />
      <ul class="plain earned">
        {epochs.slice(0, SHOWN).map((epoch) => (
          <li key={epoch.epoch}>
            <p class="line">
              <span>
                <strong>Payout {epoch.epoch}</strong>{' '}
                <span class="quiet">
                  {formatMoment(epoch.createdAt, zone.value)}, {callsOf(epoch)}
                </span>
              </span>
              <span>
                <Amount minor={epoch.totalMinor} /> <span class="quiet">in all</span>{' '}
                <span class="tag">{STATE[epoch.state]}</span>
              </span>
            </p>
            <div class="buttons">
              <Payments client={client} epoch={epoch.epoch} />
              {agent !== null && <PaymentFile agent={agent} epoch={epoch.epoch} />}
            </div>
          </li>
        ))}
      </ul>
      {epochs.length > SHOWN && <p class="quiet">and {epochs.length - SHOWN} before</p>}
    </>
  )
}

function callsOf({ callIds }: Epoch): string {
  return callIds.length === 1 ? '1 call' : `${callIds.length} calls`
}

/** Read when they are asked for; without account numbers. */
function Payments({ client, epoch }: { readonly client: Client; readonly epoch: number }) {
  const [payments, setPayments] = useState<readonly Payment[] | null>(null)
  const { refused, send } = useSending()
  const read = () =>
    send(async () => {
      const one = client.v1.payouts.epochs[':epoch'].payments
      setPayments(await (await one.$get({ param: { epoch: String(epoch) } })).json())
    })
  return (
    <details class="choose" onToggle={(event) => event.currentTarget.open && void read()}>
      <summary>Payments through the bank, payout {epoch}</summary>
      {payments?.length === 0 && <p class="quiet">None: nobody is paid through the bank.</p>}
      <ul class="plain">
        {payments?.map(({ endToEndId, payee, cents, state, reason }) => (
          <li key={endToEndId} class="line">
            <span>
              {payee} <span class="quiet id">{endToEndId}</span>
            </span>
            <span>
              {formatCents(cents)}{' '}
              <span class={state === 'returned' ? 'tag tag-notice' : 'tag'}>
                {state === 'returned' ? `Came back (${reason})` : 'Ordered'}
              </span>
            </span>
          </li>
        ))}
      </ul>
      <Refusal refused={refused} />
    </details>
  )
}
