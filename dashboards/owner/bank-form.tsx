import { useRef, useState } from 'preact/hooks'
import type { Payout } from '../api.ts'
import { announce } from '../shared/announcer.tsx'
import { Field } from '../shared/field.tsx'
import { problemOf } from '../shared/problem-of.ts'
import { Refusal } from '../shared/refusal.tsx'
import { useSending } from '../shared/sending.ts'
import type { OwnerModel } from './model.ts'
import { ibanProblem, whenItCounts } from './payout-words.ts'

/** An account number, checked before it is sent, and forgotten by the page as soon as it is. */
export function BankForm({ model, payout }: { model: OwnerModel; payout: Payout }) {
  const iban = useRef<HTMLInputElement>(null)
  const name = useRef<HTMLInputElement>(null)
  const [wrongIban, setWrongIban] = useState<string | null>(null)
  const [wrongName, setWrongName] = useState<string | null>(null)
  const [isSaved, setIsSaved] = useState(false)
  const { isSending, refused, send } = useSending()

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const number = iban.current?.value ?? ''
    const holder = name.current?.value.trim() ?? ''
    const wrong = ibanProblem(number)
    setIsSaved(false)
    setWrongIban(wrong)
    setWrongName(null)
    if (wrong !== null) return iban.current?.focus()
    const said = holder === '' ? { iban: number } : { iban: number, name: holder }
    const no = await send(async () => {
      const json = { kind: 'agent' as const, ...said }
      model.payout.value = await (await model.client.v1.owner.payout.$put({ json })).json()
    })
    if (no !== null) {
      const [badIban, badName] = [problemOf(no.problems, 'iban'), problemOf(no.problems, 'name')]
      setWrongIban(badIban)
      setWrongName(badName)
      if (badIban !== null) iban.current?.focus()
      else if (badName !== null) name.current?.focus()
      return
    }
    form.reset()
    setIsSaved(true)
    announce('Your bank account is saved.')
  }
  const isTold = wrongIban !== null || wrongName !== null
  return (
    <form class="form" noValidate onSubmit={(event) => void submit(event)}>
      <p class="quiet">{whenItCounts(payout)}</p>
      <Field
        id="iban"
        label="Account number (IBAN)"
        help="As on your bank card. It is sealed, used for payments only, and not shown again."
        problem={wrongIban}
        inputRef={iban}
        type="text"
        autocomplete="off"
        autocapitalize="characters"
        maxLength={60}
        required
      />
      <Field
        id="holder"
        label="Name on the account (may be left empty)"
        problem={wrongName}
        inputRef={name}
        type="text"
        autocomplete="name"
        maxLength={70}
      />
      <Refusal refused={isTold ? null : refused} />
      <p class="buttons">
        <button type="submit" class="primary" disabled={isSending}>
          {isSending ? 'Saving …' : 'Save bank account'}
        </button>
        {isSaved && <span>✓ Saved. The number is not shown again.</span>}
      </p>
    </form>
  )
}
