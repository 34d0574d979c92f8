import { useRef, useState } from 'preact/hooks'
import type { Payout } from '../api.ts'
import { announce } from '../shared/announcer.tsx'
import { Field } from '../shared/field.tsx'
import { problemOf } from '../shared/problem-of.ts'
import { Refusal } from '../shared/refusal.tsx'
import { useSending } from '../shared/sending.ts'
import type { OwnerModel } from './model.ts'
import { walletProblem } from './payout-words.ts'

/** For those who keep digital euros themselves; nobody needs it to be paid. */
export function WalletForm({ model, payout }: { model: OwnerModel; payout: Payout }) {
  const address = useRef<HTMLInputElement>(null)
  const [wrong, setWrong] = useState<string | null>(null)
  const { isSending, refused, send } = useSending()

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const text = address.current?.value.trim() ?? ''
    const found = walletProblem(text)
    setWrong(found)
    if (found !== null) return address.current?.focus()
    const no = await send(async () => {
      const json = { kind: 'wallet' as const, address: text }
      model.payout.value = await (await model.client.v1.owner.payout.$put({ json })).json()
    })
    if (no !== null) {
      setWrong(problemOf(no.problems, 'address'))
      return address.current?.focus()
    }
    form.reset()
    announce('Your wallet is saved. It counts after 48 hours.')
  }
  return (
    <form class="form" noValidate onSubmit={(event) => void submit(event)}>
      <p>
        You do not need this to be paid. If you keep digital euros yourself, your money can go
        straight to your wallet. Money sent to a wrong address is lost, and a wallet that has been
        used stays readable for everybody. Ask first whether this service pays digital euros: where
        it does not, the money lies at its bank under this address until its operator pays it out.
      </p>
      <p class="quiet">
        It counts after 48 hours, for payouts that begin then
        {payout.onAccountMinor !== '0' && '; what is kept for you still goes to your bank'}.
      </p>
      <Field
        id="wallet"
        label="Address of your wallet"
        help="0x and 40 more characters."
        problem={wrong}
        inputRef={address}
        type="text"
        autocomplete="off"
        maxLength={100}
        required
      />
      <Refusal refused={wrong === null ? refused : null} />
      <p>
        <button type="submit" disabled={isSending}>
          {isSending ? 'Saving …' : 'Use this wallet'}
        </button>
      </p>
    </form>
  )
}
