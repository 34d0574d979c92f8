import { useRef, useState } from 'preact/hooks'
import type { Dispute, Disputes, EarningsLine, Refused } from '../api.ts'
import { formatMoment } from '../format.ts'
import { announce } from '../shared/announcer.tsx'
import { businessNow, zone } from '../shared/business-time.ts'
import { holdStory, openRest, outcome, REASON } from '../shared/dispute-words.ts'
import { ChoiceField, TextField } from '../shared/field.tsx'
import { useSending } from '../shared/sending.ts'
import type { OwnerModel } from './model.ts'

type Props = { readonly model: OwnerModel; readonly line: EarningsLine }

/** Who objected to a line and what became of it; or, while that is possible, how to object. */
export function DisputeLine({ model, line }: Props) {
  const disputes = model.disputes.value.get(line.callId)
  const now = businessNow.value
  if (disputes === undefined || now === null) return null
  const raised = disputes.disputes.find(({ resourceId }) => resourceId === line.resourceId)
  if (raised !== undefined) return <Raised dispute={raised} disputes={disputes} />
  const rest = openRest(disputes, line.resourceId)
  if (rest !== null) return <p>{holdStory(rest, line.resourceId, zone.value)}</p>
  const until = disputes.disputableUntil
  if (until === null || Date.parse(until) <= now) return null
  return (
    <details class="choose">
      <summary>Is something wrong with this?</summary>
      <ObjectionForm model={model} line={line} until={until} />
    </details>
  )
}

const WHO: Readonly<Record<Dispute['raisedBy'], string>> = {
  owner: 'You',
  aggregator: 'Your aggregator',
  dso: 'The grid operator',
}

function Raised({ dispute, disputes }: { dispute: Dispute; disputes: Disputes }) {
  const { raisedBy, raisedAt, reason, resourceId, note } = dispute
  const rest = openRest(disputes, resourceId)
  return (
    <div class="told">
      <p>
        {WHO[raisedBy]} objected on {formatMoment(raisedAt, zone.value)}: “{REASON[reason]}”.
      </p>
      <p>
        {outcome(dispute, zone.value) ??
          (rest === null
            ? 'The money for this device is being put on hold; everything else is paid as usual.'
            : holdStory(rest, resourceId, zone.value))}
      </p>
      {note !== null && <p>The arbiter wrote: “{note}”</p>}
    </div>
  )
}

function ObjectionForm({ model, line, until }: Props & { readonly until: string }) {
  const reason = useRef<HTMLSelectElement>(null)
  const words = useRef<HTMLTextAreaElement>(null)
  const [noReason, setNoReason] = useState<string | null>(null)
  const [noWords, setNoWords] = useState<string | null>(null)
  const { isSending, refused, send } = useSending()
  const id = `${line.callId}-${line.resourceId}`

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const chosen = REASONS.find((one) => one === reason.current?.value)
    const text = words.current?.value.trim() ?? ''
    setNoReason(chosen === undefined ? 'Choose what is wrong.' : null)
    setNoWords(text === '' ? 'Say in your own words what happened.' : null)
    if (chosen === undefined) return reason.current?.focus()
    if (text === '') return words.current?.focus()
    const json = { resourceId: line.resourceId, reason: chosen, text }
    const { disputes } = model.client.v1['flexibility-calls'][':id']
    const no = await send(() => disputes.$post({ param: { id: line.callId }, json }))
    if (no === null) announce('Your objection was sent. The money is put on hold.')
    model.live.refreshSoon()
  }
  return (
    <form class="form" noValidate onSubmit={(event) => void submit(event)}>
      <p>
        You can object until <strong>{formatMoment(until, zone.value)}</strong>, once. The money for
        this device is then put on hold, and everything else is paid as usual. More verifiers than
        the first time measure it again, or an arbiter decides. You read here what came of it. If
        nobody decides in time, what is on hold goes back to the grid operator.
      </p>
      <ChoiceField
        id={`reason-${id}`}
        label="What is wrong?"
        problem={noReason}
        selectRef={reason}
        required
      >
        <option value="">Choose …</option>
        {REASONS.map((one) => (
          <option key={one} value={one}>
            {REASON[one]}
          </option>
        ))}
      </ChoiceField>
      <TextField
        id={`words-${id}`}
        label="What happened?"
        help="Up to 500 characters. The grid operator, your aggregator, the arbiter and whoever runs this service read it."
        problem={noWords}
        areaRef={words}
        maxLength={500}
        required
      />
      {refused !== null && (
        <p class="problem" role="alert">
          {why(refused)}
        </p>
      )}
      <p>
        <button type="submit" class="primary" disabled={isSending}>
          {isSending ? 'Sending …' : 'Send objection'}
        </button>
      </p>
    </form>
  )
}

const REASONS = Object.keys(REASON) as Dispute['reason'][]

function why({ code, message }: Refused): string {
  switch (code) {
    case 'wrong-state':
      return 'This can no longer be objected to: the time is over, or no money of it can be held.'
    case 'duplicate':
      return 'Somebody has objected to this already.'
    case 'unavailable':
      return 'The result is being written down at this moment. Try again in a minute.'
    default:
      return message
  }
}
