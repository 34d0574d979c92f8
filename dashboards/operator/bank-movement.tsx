import { useRef, useState } from 'preact/hooks'
import { formatEuros } from '../format.ts'
import { ChoiceField, Field } from '../shared/field.tsx'
import { problemOf } from '../shared/problem-of.ts'
import { Refusal } from '../shared/refusal.tsx'
import { useSending } from '../shared/sending.ts'
import { minorOf, type Party } from './bank-words.ts'
import type { OperatorModel } from './model.ts'

type Props = { readonly model: OperatorModel; readonly parties: readonly Party[] }
type Wrong = { readonly party?: string; readonly amount?: string; readonly reference?: string }

/** Books one line of the bank's statement; the same reference is booked once. */
export function BankMovement({ model, parties }: Props) {
  const direction = useRef<HTMLSelectElement>(null)
  const party = useRef<HTMLSelectElement>(null)
  const amount = useRef<HTMLInputElement>(null)
  const reference = useRef<HTMLInputElement>(null)
  const [wrong, setWrong] = useState<Wrong>({})
  const [booked, setBooked] = useState<string | null>(null)
  const { isSending, refused, send } = useSending()

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const account = party.current?.value ?? ''
    const amountMinor = minorOf(amount.current?.value ?? '')
    const told = reference.current?.value.trim() ?? ''
    setBooked(null)
    const found: Wrong = {
      ...(account === '' ? { party: 'Choose whose money it is.' } : {}),
      ...(amountMinor === null ? { amount: 'Euros and cents, such as 1250.00.' } : {}),
      ...(told === '' ? { reference: 'The bank’s reference of this line.' } : {}),
    }
    setWrong(found)
    if (account === '') return party.current?.focus()
    if (amountMinor === null) return amount.current?.focus()
    if (told === '') return reference.current?.focus()
    const way = direction.current?.value === 'out' ? ('out' as const) : ('in' as const)
    const json = { direction: way, account, amountMinor, reference: told }
    let left = '0'
    const no = await send(async () => {
      const answer = await model.client.v1.operator.ledger['bank-movements'].$post({ json })
      left = (await answer.json()).balanceMinor
    })
    if (no !== null) return setWrong(refusedFields(no.problems))
    form.reset()
    setBooked(`Booked. ${nameOf(parties, account)} has ${formatEuros(left)} free to use now.`)
    model.live.refreshSoon()
  }
  const isTold = Object.keys(wrong).length > 0
  return (
    <form class="form" noValidate onSubmit={(event) => void submit(event)}>
      <p>
        <strong>Book a line of the bank’s statement</strong>
      </p>
      <ChoiceField id="movement" label="The money" problem={null} selectRef={direction}>
        <option value="in">came into the escrow account</option>
        <option value="out">left the escrow account</option>
      </ChoiceField>
      <ChoiceField
        id="movement-party"
        label="Whose money"
        problem={wrong.party ?? null}
        selectRef={party}
      >
        <option value="">Choose …</option>
        {parties.map(({ name, address }) => (
          <option key={address} value={address}>
            {name}
          </option>
        ))}
      </ChoiceField>
      <Field
        id="movement-amount"
        label="Amount in euros"
        problem={wrong.amount ?? null}
        inputRef={amount}
        type="text"
        inputMode="decimal"
        autocomplete="off"
      />
      <Field
        id="movement-reference"
        label="The bank’s reference"
        help="The same reference is booked once, however often it is sent."
        problem={wrong.reference ?? null}
        inputRef={reference}
        type="text"
        autocomplete="off"
        maxLength={70}
      />
      <Refusal refused={isTold ? null : refused} />
      <p>
        <button type="submit" disabled={isSending}>
          {isSending ? 'Booking …' : 'Book it'}
        </button>
      </p>
      <p role="status">{booked !== null && `✓ ${booked}`}</p>
    </form>
  )
}

function refusedFields(problems: Parameters<typeof problemOf>[0]): Wrong {
  const party = problemOf(problems, 'account')
  const amount = problemOf(problems, 'amountMinor')
  const reference = problemOf(problems, 'reference')
  return {
    ...(party === null ? {} : { party }),
    ...(amount === null ? {} : { amount }),
    ...(reference === null ? {} : { reference }),
  }
}

function nameOf(parties: readonly Party[], account: string): string {
  return parties.find(({ address }) => address === account)?.name ?? account
}
