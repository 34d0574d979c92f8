import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { WholeCall } from '../api.ts'
import { formatPower, formatPrice, formatTime } from '../format.ts'
import { announce } from '../shared/announcer.tsx'
import { businessNow, zone } from '../shared/business-time.ts'
import { Field } from '../shared/field.tsx'
import { Refusal } from '../shared/refusal.tsx'
import { useSending } from '../shared/sending.ts'
import { instantShown, type Usable, usableNow } from './activation-times.ts'
import type { DsoModel } from './model.ts'

type Props = {
  readonly model: DsoModel
  readonly call: WholeCall
  readonly program: {
    readonly meteringIntervalSeconds: number
    readonly activationNoticeSeconds?: number | undefined
  }
}
/** What is asked for; a start of null is the soonest. */
type Wanted = {
  readonly from: number | null
  readonly until: number
  readonly powerW: number | null
}
type Wrong = { readonly from?: string; readonly until?: string; readonly watts?: string }

/** Uses what stands by in two steps: what and when, and then the question whether it is meant. */
export function ActivateReserve({ model, call, program }: Props) {
  const [wanted, setWanted] = useState<Wanted | null>(null)
  const [wrong, setWrong] = useState<Wrong>({})
  const from = useRef<HTMLInputElement>(null)
  const until = useRef<HTMLInputElement>(null)
  const watts = useRef<HTMLInputElement>(null)
  const opener = useRef<HTMLButtonElement>(null)
  const usable = usableOf(call, program)
  if (usable === null || call.reserve === null) return null
  const { heldW } = call.reserve

  const ask = (event: SubmitEvent) => {
    event.preventDefault()
    const read = readForm(from.current, until.current, watts.current, usable)
    setWrong(read.wrong)
    if (read.wanted !== null) return setWanted(read.wanted)
    const first = [from, until, watts][read.first]
    first?.current?.focus()
  }
  const close = (isDone = false) => {
    setWanted(null)
    if (isDone) from.current?.form?.reset()
    opener.current?.focus()
  }
  return (
    <details class="choose">
      <summary>Activate now</summary>
      <form class="form" noValidate onSubmit={ask}>
        <Field
          id="activate-from"
          label="From"
          help={`As soon as possible if left empty: ${formatTime(usable.from, zone.value)}.`}
          problem={wrong.from ?? null}
          inputRef={from}
          type="time"
          step={usable.stepMs / 1000}
        />
        <Field
          id="activate-until"
          label="Until"
          help={`To the window’s end if left empty: ${formatTime(usable.until, zone.value)}.`}
          problem={wrong.until ?? null}
          inputRef={until}
          type="time"
          step={usable.stepMs / 1000}
        />
        <Field
          id="activate-watts"
          label="Watts"
          help={`All that is held if left empty: ${formatPower(heldW)}. Whole hundreds of W.`}
          problem={wrong.watts ?? null}
          inputRef={watts}
          type="text"
          inputMode="numeric"
          autocomplete="off"
        />
        <p>
          <button type="submit" ref={opener}>
            Activate …
          </button>
        </p>
      </form>
      {wanted !== null && (
        <Question model={model} call={call} program={program} wanted={wanted} close={close} />
      )}
    </details>
  )
}

function Question({
  model,
  call,
  program,
  wanted,
  close,
}: Props & { readonly wanted: Wanted; readonly close: (isDone?: boolean) => void }) {
  const keep = useRef<HTMLButtonElement>(null)
  const { isSending, refused, send } = useSending()
  useLayoutEffect(() => keep.current?.focus(), [])
  const usable = usableOf(call, program)
  const { reserve } = call
  if (usable === null || reserve === null) return null
  const start = wanted.from ?? usable.from
  const { until: end, powerW } = wanted
  const what = powerW === null ? `all ${formatPower(reserve.heldW)}` : formatPower(powerW)
  const submit = async () => {
    const json = {
      start: new Date(start).toISOString(),
      end: new Date(end).toISOString(),
      ...(powerW === null ? {} : { powerW }),
    }
    const { activations } = model.client.v1['flexibility-calls'][':id']
    const no = await send(() => activations.$post({ param: { id: call.id }, json }))
    if (no !== null) return
    close(true)
    announce(`${what} activated.`)
    model.live.refreshSoon()
  }
  return (
    <section class="card ask" aria-label="Activate it?">
      <p>
        <strong>
          Activate {what} from {formatTime(start, zone.value)} to {formatTime(end, zone.value)}?
        </strong>{' '}
        Devices give it in that time, the cheapest first, and you pay what they deliver: at most{' '}
        {formatPrice(reserve.mostMinorPerKwh)} at the congestion point. An activation cannot be
        taken back.
      </p>
      <Refusal refused={refused} />
      <p class="buttons">
        <button type="button" ref={keep} onClick={() => close()}>
          Leave it standing by
        </button>
        <button type="button" class="danger" disabled={isSending} onClick={() => void submit()}>
          {isSending ? 'Activating …' : 'Yes, activate it'}
        </button>
      </p>
    </section>
  )
}

function usableOf({ reserve }: WholeCall, program: Props['program']): Usable | null {
  const { usableFrom, usableUntil } = reserve ?? {}
  if (usableFrom == null || usableUntil === undefined) return null
  return usableNow({ usableFrom, usableUntil }, businessNow.value, program)
}

/** What was entered, or what is wrong with which field and which of them is the first. */
function readForm(
  from: HTMLInputElement | null,
  until: HTMLInputElement | null,
  watts: HTMLInputElement | null,
  usable: Usable,
): { readonly wanted: Wanted | null; readonly wrong: Wrong; readonly first: number } {
  const clockOf = (input: HTMLInputElement | null) => input?.value ?? ''
  const start = clockOf(from) === '' ? null : instantShown(clockOf(from), usable, zone.value)
  const end =
    clockOf(until) === '' ? usable.until : instantShown(clockOf(until), usable, zone.value)
  const text = watts?.value.replaceAll(/[\s,]/g, '') ?? ''
  const powerW = text === '' ? null : Number(text)
  const between = `between ${formatTime(usable.from, zone.value)} and ${formatTime(usable.until, zone.value)}, in steps of ${usable.stepMs / 1000} s`
  const wrong: Wrong = {
    ...(clockOf(from) !== '' && start === null ? { from: `Choose a time ${between}.` } : {}),
    ...(end === null || end <= (start ?? usable.from)
      ? { until: `Choose a time after the start, ${between}.` }
      : {}),
    ...(powerW !== null && !(Number.isSafeInteger(powerW) && powerW > 0)
      ? { watts: 'Enter whole watts, or nothing for all that is held.' }
      : {}),
  }
  const first = ['from', 'until', 'watts'].findIndex((name) => name in wrong)
  if (first !== -1 || end === null) return { wanted: null, wrong, first }
  return { wanted: { from: start, until: end, powerW }, wrong, first }
}
