import { useState } from 'preact/hooks'
import type { Client, Money } from '../api.ts'
import { formatMoment } from '../format.ts'
import { businessNow, zone } from '../shared/business-time.ts'
import { Refusal } from '../shared/refusal.tsx'
import { useSending } from '../shared/sending.ts'

/** Do pool, events, ledger and balance agree? Where they do not, this is the alarm. */
export function Books({ client, books }: { client: Client; books: Money['books'] }) {
  const { agree, comparedAt, differences, since } = books
  const at = comparedAt === null ? null : formatMoment(comparedAt, zone.value)
  return (
    <section class={agree ? 'card' : 'card abnormal'} aria-labelledby="books">
      <h2 id="books">The books</h2>
      {agree ? (
        <p>
          {at === null
            ? 'They have not been compared yet'
            : `✓ At the last comparison, ${at}, everything agreed`}
          {since !== null && `, again since ${formatMoment(since, zone.value)}`}.
        </p>
      ) : (
        <>
          <p class="problem">
            <strong>
              ▲ The books differ
              {since !== null && ` since ${formatMoment(since, zone.value)}`}.
            </strong>{' '}
            {at !== null && `Compared last on ${at}. `}No new payout is posted until they agree.
            Payouts under way, claims and refunds go on.
          </p>
          <Differences differences={differences} label="Differences that stand" />
        </>
      )}
      <CompareNow client={client} />
    </section>
  )
}

type Found = {
  readonly at: number | null
  readonly reconciled: boolean
  readonly differences: readonly string[]
}

function CompareNow({ client }: { client: Client }) {
  const [found, setFound] = useState<Found | null>(null)
  const { isSending, refused, send } = useSending()
  const compare = async () => {
    await send(async () => {
      const answer = await client.v1.operator.reconciliation.$get()
      setFound({ at: businessNow.peek(), ...(await answer.json()) })
    })
  }
  const at = found?.at == null ? '' : ` at ${formatMoment(found.at, zone.value)}`
  return (
    <>
      <p>
        <button type="button" disabled={isSending} onClick={() => void compare()}>
          {isSending ? 'Comparing …' : 'Compare now'}
        </button>
      </p>
      <div role="status">
        {found?.reconciled === true && <p>✓ Compared{at}: no difference.</p>}
        {found?.reconciled === false && (
          <p class="warning">
            ▲ Compared{at}: {found.differences.length} to look at. What is only on its way is gone
            at the next comparison.
          </p>
        )}
      </div>
      {found !== null && <Differences differences={found.differences} label="Differences found" />}
      <Refusal refused={refused} />
    </>
  )
}

function Differences(props: { readonly differences: readonly string[]; readonly label: string }) {
  if (props.differences.length === 0) return null
  return (
    <ul class="plain findings" aria-label={props.label}>
      {props.differences.map((difference) => (
        <li key={difference}>{difference}</li>
      ))}
    </ul>
  )
}
