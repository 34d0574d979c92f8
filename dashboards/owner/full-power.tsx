import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { ChargeNowCost, Limits } from '../api.ts'
import { Amount } from '../shared/amount.tsx'
import { announce } from '../shared/announcer.tsx'
import { ChoiceField } from '../shared/field.tsx'
import { Refusal } from '../shared/refusal.tsx'
import { useSending } from '../shared/sending.ts'
import type { OwnerModel } from './model.ts'
import { Opener, Question, useQuestion } from './question.tsx'

type Props = {
  readonly model: OwnerModel
  readonly id: string
  readonly name: string
  readonly limits: Limits
}

/** Full power for a charger, at a cost that its owner reads before. */
export function FullPower({ model, id, name, limits }: Props) {
  const [cost, setCost] = useState<ChargeNowCost | null>(null)
  const { isAsking, opener, open, close } = useQuestion()
  const { isSending, refused, send } = useSending()
  const one = model.client.v1.resources[':id']['charge-now']
  const param = { id }

  const read = async () => {
    const no = await send(async () => setCost(await (await one.$get({ param })).json()))
    if (no === null) open()
  }
  const wish = async (minutes: number, costMinor: string) => {
    const no = await send(async () => {
      const answer = await one.$post({ param, json: { minutes, costMinor } })
      model.learnLimits(id, await answer.json())
    })
    if (no !== null) return
    close()
    announce(minutes === 0 ? `${name} runs as usual again.` : `${name} has full power.`)
    model.live.refreshSoon()
  }
  if (limits.chargeNow !== null && limits.lease.holder === 'owner') {
    return (
      <>
        <button type="button" disabled={isSending} onClick={() => void wish(0, '0')}>
          No more full power
        </button>
        <Refusal refused={refused} />
      </>
    )
  }
  return (
    <>
      <Opener
        text="Full power now"
        isAsking={isAsking}
        opener={opener}
        onClick={() => (isAsking ? close() : void read())}
      />
      {!isAsking && <Refusal refused={refused} />}
      {isAsking && cost !== null && (
        <Ask id={id} name={name} cost={cost} close={close} isSending={isSending} wish={wish}>
          <Refusal refused={refused} />
        </Ask>
      )}
    </>
  )
}

type AskProps = {
  readonly id: string
  readonly name: string
  readonly cost: ChargeNowCost
  readonly close: () => void
  readonly isSending: boolean
  readonly wish: (minutes: number, costMinor: string) => Promise<void>
  readonly children: ComponentChildren
}

function Ask({ id, name, cost, close, isSending, wish, children }: AskProps) {
  const hours = useRef<HTMLSelectElement>(null)
  const send = () => void wish(Number(hours.current?.value ?? '1') * 60, cost.costMinor)
  return (
    <Question
      label={`Full power for ${name}?`}
      no="Leave it as it is"
      close={close}
      yes="Yes, full power"
      isSending={isSending}
      send={send}
    >
      <p>
        <strong>Full power for {name}?</strong> {cost.sentence}
        {cost.costMinor !== '0' && (
          <>
            {' '}
            You lose about <Amount minor={cost.costMinor} />.
          </>
        )}
      </p>
      <ChoiceField id={`full-${id}`} label="For how long" problem={null} selectRef={hours}>
        <option value="1">1 hour</option>
        <option value="3">3 hours</option>
        <option value="8">8 hours</option>
      </ChoiceField>
      {children}
    </Question>
  )
}
