import { useRef, useState } from 'preact/hooks'
import type { Resource } from '../api.ts'
import { ChoiceField, Field } from '../shared/field.tsx'
import { problemOf } from '../shared/problem-of.ts'
import { Refusal } from '../shared/refusal.tsx'
import { useSending } from '../shared/sending.ts'
import type { AggregatorModel } from './model.ts'
import {
  conditionWords,
  FIGURE_NAMES,
  type FigureName,
  FIGURES,
  readConditions,
  shownAs,
} from './offer-words.ts'

type Props = { readonly model: AggregatorModel; readonly resource: Resource }

/** What the standing offer of a resource is tied to; an empty field binds to nothing. */
export function OfferForm({ model, resource }: Props) {
  const { id, offer } = resource
  const { conditions = {}, ...rest } = offer
  const inputs = useRef<Partial<Record<FigureName, HTMLInputElement | null>>>({})
  const whole = useRef<HTMLSelectElement>(null)
  const less = useRef<HTMLSelectElement>(null)
  const [wrong, setWrong] = useState<Readonly<Partial<Record<FigureName, string>>>>({})
  const [isSaved, setIsSaved] = useState(false)
  const { isSending, refused, send } = useSending()

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    setIsSaved(false)
    const typed = FIGURE_NAMES.map((name) => [name, inputs.current[name]?.value ?? ''] as const)
    const read = readConditions(
      Object.fromEntries(typed) as Record<FigureName, string>,
      whole.current?.value === 'all',
      less.current?.value === 'less',
    )
    setWrong(read.wrong)
    const first = FIGURE_NAMES.find((name) => read.wrong[name] !== undefined)
    if (first !== undefined) return inputs.current[first]?.focus()
    const no = await send(async () => {
      const json = { ...rest, conditions: read.conditions }
      await model.changeOffer(id, json)
    })
    setIsSaved(no === null)
    const named = FIGURE_NAMES.find((name) => problemOf(no?.problems ?? [], name) !== null)
    if (named !== undefined) inputs.current[named]?.focus()
  }
  return (
    <details class="choose">
      <summary aria-label={`Conditions of the offer, ${id}`}>Conditions of the offer</summary>
      <p class="quiet">Now: {conditionWords(conditions)}.</p>
      <form class="form" noValidate onSubmit={(event) => void submit(event)}>
        {FIGURE_NAMES.map((name) => (
          <Field
            key={name}
            id={`${name}-${id}`}
            label={FIGURES[name].label}
            help={FIGURES[name].help}
            problem={wrong[name] ?? problemOf(refused?.problems ?? [], name)}
            inputRef={(input) => {
              inputs.current[name] = input
            }}
            type="text"
            inputMode="decimal"
            autocomplete="off"
            defaultValue={shownAs(name, conditions)}
          />
        ))}
        <ChoiceField
          id={`whole-${id}`}
          label="How much of it may be asked for"
          problem={null}
          selectRef={whole}
          defaultValue={conditions.allOrNothing === true ? 'all' : 'part'}
        >
          <option value="part">Any part of what it can give</option>
          <option value="all">All that it can give, or nothing</option>
        </ChoiceField>
        <ChoiceField
          id={`less-${id}`}
          label="Where it is called in for others"
          problem={null}
          selectRef={less}
          defaultValue={conditions.onLessAsStandIn === true ? 'less' : 'whole'}
        >
          <option value="whole">Only where its least time is left</option>
          <option value="less">Also for less, until the end</option>
        </ChoiceField>
        <Refusal refused={refused} />
        <p>
          <button type="submit" disabled={isSending}>
            {isSending ? 'Saving …' : 'Save'}
          </button>
        </p>
        <p role="status">
          {isSaved && '✓ Saved. It holds for calls whose gate closes from now on.'}
        </p>
      </form>
    </details>
  )
}
