import { useRef, useState } from 'preact/hooks'
import { announce } from './announcer.tsx'
import { ChoiceField, Field } from './field.tsx'
import type { Live } from './live.ts'
import { problemOf } from './problem-of.ts'
import { Refusal } from './refusal.tsx'
import { useSending } from './sending.ts'
import type { Stops } from './stops.ts'

type Props = {
  readonly stops: Stops
  readonly live: Live
  /** Only the operator stops everywhere. */
  readonly mayEverywhere: boolean
}
type Wrong = { readonly place?: string; readonly reason?: string }
const EVERYWHERE = '*'

/** Ends all control at once. A reason is asked for, so that no slip of the hand does it. */
export function StopControl({ stops, live, mayEverywhere }: Props) {
  const place = useRef<HTMLSelectElement>(null)
  const reason = useRef<HTMLInputElement>(null)
  const [wrong, setWrong] = useState<Wrong>({})
  const { isSending, refused, send } = useSending()
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const said = reason.current?.value.trim() ?? ''
    const chosen = place.current?.value ?? ''
    setWrong({
      ...(chosen === '' ? { place: 'Choose where.' } : {}),
      ...(said === '' ? { reason: 'Say why: everybody concerned reads it.' } : {}),
    })
    if (chosen === '') return place.current?.focus()
    if (said === '') return reason.current?.focus()
    const json = { congestionPointId: chosen === EVERYWHERE ? null : chosen, reason: said }
    const no = await send(async () => {
      await stops.client.v1['emergency-stops'].$post({ json })
      await stops.refresh()
    })
    if (no !== null) {
      const unfit = problemOf(no.problems, 'reason')
      return setWrong(unfit === null ? {} : { reason: unfit })
    }
    form.reset()
    announce('All control is stopped.')
    live.refreshSoon()
  }
  return (
    <section class="card" aria-labelledby="stop">
      <h2 id="stop">Emergency stop</h2>
      <details class="choose">
        <summary>Stop all control of devices</summary>
        <form class="form" noValidate onSubmit={(event) => void submit(event)}>
          <p>
            Every device goes back to its own default at once, and none is told anything until the
            stop is lifted. Calls inside their window end; what was delivered until then is paid.
          </p>
          <ChoiceField
            id="stop-place"
            label="Where"
            problem={wrong.place ?? null}
            selectRef={place}
          >
            <option value="">Choose …</option>
            {stops.places.value.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
            {mayEverywhere && <option value={EVERYWHERE}>Everywhere</option>}
          </ChoiceField>
          <Field
            id="stop-reason"
            label="Why"
            problem={wrong.reason ?? null}
            inputRef={reason}
            type="text"
            autocomplete="off"
            maxLength={200}
          />
          <Refusal refused={wrong.reason === undefined ? refused : null} />
          <p>
            <button type="submit" class="danger" disabled={isSending}>
              {isSending ? 'Stopping …' : 'Stop all control now'}
            </button>
          </p>
        </form>
      </details>
    </section>
  )
}
