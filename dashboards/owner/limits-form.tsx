import { useRef, useState } from 'preact/hooks'
import type { Limits, Resource } from '../api.ts'
import { Field } from '../shared/field.tsx'
import { Refusal } from '../shared/refusal.tsx'
import { useSending } from '../shared/sending.ts'
import { clockOf, minuteOf, thousandthsOf } from './limits-words.ts'
import type { OwnerModel } from './model.ts'

type Props = {
  readonly model: OwnerModel
  readonly resource: Resource
  readonly limits: Limits
}
type Wrong = { readonly keep?: string; readonly ready?: string; readonly energy?: string }

/** What stays in a battery, and when a car is ready; an empty field says nothing. */
export function LimitsForm({ model, resource, limits }: Props) {
  const { id, kind, rating } = resource
  const keep = useRef<HTMLInputElement>(null)
  const ready = useRef<HTMLInputElement>(null)
  const energy = useRef<HTMLInputElement>(null)
  const [wrong, setWrong] = useState<Wrong>({})
  const [isSaved, setIsSaved] = useState(false)
  const { isSending, refused, send } = useSending()

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    setIsSaved(false)
    const read = { keep: keep.current?.value, ready: ready.current?.value }
    const said = saidBy({ ...read, energy: energy.current?.value }, limits)
    setWrong(said.wrong)
    if (said.wrong.keep !== undefined) return keep.current?.focus()
    if (said.wrong.ready !== undefined) return ready.current?.focus()
    if (said.wrong.energy !== undefined) return energy.current?.focus()
    const no = await send(async () => {
      const one = model.client.v1.resources[':id'].limits
      const answer = await one.$put({ param: { id }, json: said.json })
      model.learnLimits(id, await answer.json())
    })
    setIsSaved(no === null)
  }
  const { leastSocBp, readyBy } = limits
  return (
    <form class="form" noValidate onSubmit={(event) => void submit(event)}>
      {rating.exportMaxW > 0 && (
        <Field
          id={`keep-${id}`}
          label="Keep at least, in percent"
          help="It is never emptied below this for the grid. Empty: as it was enrolled."
          problem={wrong.keep ?? null}
          inputRef={keep}
          type="text"
          inputMode="numeric"
          autocomplete="off"
          defaultValue={leastSocBp === null ? '' : String(leastSocBp / 100)}
        />
      )}
      {kind === 'charger' && (
        <>
          <Field
            id={`ready-${id}`}
            label="The car is ready each day at"
            help="Such as 06:30. Empty: when the car itself says so."
            problem={wrong.ready ?? null}
            inputRef={ready}
            type="text"
            autocomplete="off"
            defaultValue={readyBy === null ? '' : clockOf(readyBy.minuteOfDay)}
          />
          <Field
            id={`energy-${id}`}
            label="With so many kWh since it was plugged in"
            problem={wrong.energy ?? null}
            inputRef={energy}
            type="text"
            inputMode="decimal"
            autocomplete="off"
            defaultValue={readyBy === null ? '' : String(readyBy.energyWh / 1000)}
          />
        </>
      )}
      <Refusal refused={refused} />
      <p>
        <button type="submit" disabled={isSending}>
          {isSending ? 'Saving …' : 'Save'}
        </button>
      </p>
      <p role="status">{isSaved && '✓ Saved. It holds from now on.'}</p>
    </form>
  )
}

type Read = {
  readonly keep: string | undefined
  readonly ready: string | undefined
  readonly energy: string | undefined
}

/** A field that is not there leaves what was said before. */
function saidBy({ keep, ready, energy }: Read, limits: Limits) {
  const thousandths = keep === undefined || keep.trim() === '' ? null : thousandthsOf(keep)
  const minuteOfDay = minuteOf(ready ?? '')
  const energyWh = thousandthsOf(energy ?? '')
  const isEmpty = (ready ?? '').trim() === '' && (energy ?? '').trim() === ''
  const isShare = thousandths !== null && thousandths <= 100_000
  const isKeepWrong = keep !== undefined && keep.trim() !== '' && !isShare
  const wrong: Wrong = {
    ...(isKeepWrong ? { keep: 'A figure from 0 to 100.' } : {}),
    ...(isEmpty || minuteOfDay !== null ? {} : { ready: 'A time of the day such as 06:30.' }),
    ...(isEmpty || energyWh !== null ? {} : { energy: 'kWh such as 12 or 12.5.' }),
  }
  const leastSocBp = thousandths === null ? null : Math.round(thousandths / 10)
  const readyBy =
    isEmpty || minuteOfDay === null || energyWh === null ? null : { minuteOfDay, energyWh }
  return {
    wrong,
    json: {
      leastSocBp: keep === undefined ? limits.leastSocBp : leastSocBp,
      readyBy: ready === undefined ? limits.readyBy : readyBy,
    },
  }
}
