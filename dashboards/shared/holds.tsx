import type { Dispute, HeldRest } from '../api.ts'
import { formatDuration, formatEuros, formatMoment } from '../format.ts'
import { businessNow, zone } from './business-time.ts'
import { isOpen, outcome, REASON } from './dispute-words.ts'

type Props = { readonly disputes: readonly Dispute[]; readonly held: readonly HeldRest[] }

/** What is on hold until when, and who objected to which line and why. */
export function Holds({ disputes, held }: Props) {
  return (
    <ul class="plain">
      {held.map((rest) => (
        <li key={rest.id}>
          <p class="line">
            <strong>{formatEuros(rest.amountMinor)}</strong>
            <span class="tag">{STATE[rest.state]}</span>
          </p>
          {rest.challenged && <p>The settlement was challenged at the pool.</p>}
          <p class="quiet">{deadlineOf(rest)}</p>
        </li>
      ))}
      {disputes.map((dispute) => (
        <li key={dispute.resourceId}>
          <p>
            <strong>{dispute.resourceId}</strong>: {WHO[dispute.raisedBy]} objected on{' '}
            {formatMoment(dispute.raisedAt, zone.value)}. {REASON[dispute.reason]}.
          </p>
          <p class="told">“{dispute.text}”</p>
          {dispute.state === 'open' && <p>Waits for the verifiers to sign that it is held.</p>}
          {outcome(dispute, zone.value) !== null && <p>{outcome(dispute, zone.value)}</p>}
          {dispute.note !== null && <p>The arbiter wrote: “{dispute.note}”</p>}
        </li>
      ))}
    </ul>
  )
}

const WHO: Readonly<Record<Dispute['raisedBy'], string>> = {
  owner: 'its owner',
  aggregator: 'its aggregator',
  dso: 'the grid operator',
}

const STATE: Readonly<Record<HeldRest['state'], string>> = {
  held: 'On hold',
  measured: 'Measured again, waits for signatures',
  proposed: 'Proposed to the pool',
  settled: 'Settled',
  paid: 'Settled and paid',
  refunded: 'Went back to the grid operator',
}

/** Who ends it until when; nothing where it has come to its end. */
function deadlineOf(held: HeldRest): string {
  if (!isOpen(held)) return ''
  const { settleBy } = held
  const now = businessNow.value
  const left = now === null ? 0 : Date.parse(settleBy) - now
  const rest = left > 0 ? ` (${formatDuration(left)} to go)` : ''
  return (
    `More verifiers or the arbiter decide until ${formatMoment(settleBy, zone.value)}${rest}; ` +
    'then it goes back to the grid operator.'
  )
}
