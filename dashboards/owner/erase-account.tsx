import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { announce } from '../shared/announcer.tsx'
import { Refusal } from '../shared/refusal.tsx'
import { useSending } from '../shared/sending.ts'
import type { OwnerModel } from './model.ts'

/** Erases the account number in two steps: nobody can read it again. */
export function EraseAccount({ model }: { model: OwnerModel }) {
  const [isAsking, setIsAsking] = useState(false)
  const opener = useRef<HTMLButtonElement>(null)
  const close = () => {
    setIsAsking(false)
    opener.current?.focus()
  }
  return (
    <>
      <p>
        <button
          type="button"
          ref={opener}
          aria-expanded={isAsking}
          onClick={() => (isAsking ? close() : setIsAsking(true))}
        >
          Erase my account number …
        </button>
      </p>
      {isAsking && <Question model={model} close={close} />}
    </>
  )
}

function Question({ model, close }: { model: OwnerModel; close: () => void }) {
  const keep = useRef<HTMLButtonElement>(null)
  const { isSending, refused, send } = useSending()
  useLayoutEffect(() => keep.current?.focus(), [])
  const erase = async () => {
    const { owner } = model.client.v1
    const no = await send(async () => {
      await owner['payout-account'].$delete()
      model.payout.value = await (await owner.payout.$get()).json()
    })
    if (no !== null) return
    close()
    announce('Your account number was erased.')
  }
  return (
    <section class="card ask" aria-label="Erase your account number?">
      <p>
        <strong>Erase your account number?</strong> Nobody can read it again, we neither. What you
        earn stays yours: it is kept until you name an account. A payment that the bank has already
        still arrives.
      </p>
      <Refusal refused={refused} />
      <p class="buttons">
        <button type="button" ref={keep} onClick={close}>
          Keep it
        </button>
        <button type="button" class="danger" disabled={isSending} onClick={() => void erase()}>
          {isSending ? 'Erasing …' : 'Yes, erase it'}
        </button>
      </p>
    </section>
  )
}
