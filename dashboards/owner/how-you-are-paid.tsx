import { useState } from 'preact/hooks'
import type { Payout } from '../api.ts'
import { announce } from '../shared/announcer.tsx'
import { zone } from '../shared/business-time.ts'
import { Hex } from '../shared/hex.tsx'
import { Refusal } from '../shared/refusal.tsx'
import { useSending } from '../shared/sending.ts'
import { BankForm } from './bank-form.tsx'
import { EraseAccount } from './erase-account.tsx'
import type { OwnerModel } from './model.ts'
import { announcedChange, canStay, leastAtOnce, whereItGoes } from './payout-words.ts'
import { WalletForm } from './wallet-form.tsx'

type Props = { readonly model: OwnerModel; readonly payout: Payout }

/** Where the owner's money goes, and how to change that. An account number is never shown again. */
export function HowYouArePaid({ model, payout }: Props) {
  const isMissing = payout.payout.kind === 'agent' && payout.account !== 'named'
  const [isOpen] = useState(isMissing) // as it was: saving does not fold the form away
  const isErasable = payout.account !== 'none' && payout.account !== 'erased'
  return (
    <section class="card" aria-labelledby="paid-how">
      <h2 id="paid-how">How you are paid</h2>
      <p>
        {whereItGoes(payout)}{' '}
        {payout.payout.kind === 'wallet' && <Hex hex={payout.payout.address} />}
      </p>
      <p class="quiet">{leastAtOnce(payout)}</p>
      <Announced model={model} payout={payout} />
      <details class="choose" open={isOpen}>
        <summary>{isMissing ? 'Name your bank account' : 'Name another bank account'}</summary>
        <BankForm model={model} payout={payout} />
      </details>
      {isErasable && <EraseAccount model={model} />}
      <details class="choose">
        <summary>Advanced: a wallet of your own</summary>
        <WalletForm model={model} payout={payout} />
      </details>
    </section>
  )
}

/** A change that does not count yet: whoever did not ask for it can stop it here. */
function Announced({ model, payout }: Props) {
  const { isSending, refused, send } = useSending()
  const change = announcedChange(payout, zone.value)
  if (change === null) return null
  const current = payout.payout
  const json = current.kind === 'agent' ? { kind: current.kind } : current
  const takeBack = async () => {
    const isRefused = await send(async () => {
      model.payout.value = await (await model.client.v1.owner.payout.$put({ json })).json()
    })
    if (isRefused === null) announce('The change was taken back.')
  }
  return (
    <div class="announced">
      <p>
        <strong>{change}</strong> If that was not you, keep what you have and tell your aggregator
        now.
      </p>
      {canStay(payout) && (
        <p>
          <button type="button" disabled={isSending} onClick={() => void takeBack()}>
            Keep what I have now
          </button>
        </p>
      )}
      <Refusal refused={refused} />
    </div>
  )
}
