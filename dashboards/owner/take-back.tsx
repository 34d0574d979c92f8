import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import type { ChargeNowCost, Limits, Resource } from '../api.ts'
import { Amount } from '../shared/amount.tsx'
import { announce } from '../shared/announcer.tsx'
import { ChoiceField } from '../shared/field.tsx'
import { Refusal } from '../shared/refusal.tsx'
import { useSending } from '../shared/sending.ts'
import type { OwnerModel } from './model.ts'
import { Opener, Question, useQuestion } from './question.tsx'

type Props = {
  readonly model: OwnerModel
  readonly resource: Resource
  readonly name: string
  readonly limits: Limits
}

type Words = {
  readonly open: string
  readonly question: (name: string) => string
  readonly means: string
  readonly yes: string
  readonly done: (name: string) => string
  readonly end: string
}

const WORDS: Readonly<Record<Resource['kind'], Words>> = {
  charger: {
    open: 'Full power now',
    question: (name) => `Full power for ${name}?`,
    means: '',
    yes: 'Yes, full power',
    done: (name) => `${name} has full power.`,
    end: 'No more full power',
  },
  battery: {
    open: 'Keep it for me now',
    question: (name) => `Keep ${name} for you?`,
    means: 'It takes part in nothing for that time, and runs as usual.',
    yes: 'Yes, keep it for me',
    done: (name) => `${name} is kept for you.`,
    end: 'No longer keep it for me',
  },
}

/** Full power for a car, or a battery left alone, at a cost that the owner reads before. */
export function TakeBack({ model, resource: { id, kind }, name, limits }: Props) {
  const words = WORDS[kind]
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
    announce(minutes === 0 ? `${name} runs as usual again.` : words.done(name))
    model.live.refreshSoon()
  }
  if (limits.chargeNow !== null && limits.lease.holder === 'owner') {
    return (
      <>
        <button type="button" disabled={isSending} onClick={() => void wish(0, '0')}>
          {words.end}
        </button>
        <Refusal refused={refused} />
      </>
    )
  }
  return (
    <>
      <Opener
        text={words.open}
        isAsking={isAsking}
        opener={opener}
        onClick={() => (isAsking ? close() : void read())}
      />
      {!isAsking && <Refusal refused={refused} />}
      {isAsking && cost !== null && (
        <Ask
          id={id}
          name={name}
          words={words}
          cost={cost}
          close={close}
          isSending={isSending}
          wish={wish}
        >
          <Refusal refused={refused} />
        </Ask>
      )}
    </>
  )
}

type AskProps = {
  readonly id: string
  readonly name: string
  readonly words: Words
  readonly cost: ChargeNowCost
  readonly close: () => void
  readonly isSending: boolean
  readonly wish: (minutes: number, costMinor: string) => Promise<void>
  readonly children: ComponentChildren
}

function Ask({ id, name, words, cost, close, isSending, wish, children }: AskProps) {
  const hours = useRef<HTMLSelectElement>(null)
  const send = () => void wish(Number(hours.current?.value ?? '1') * 60, cost.costMinor)
  return (
    <Question
      label={words.question(name)}
      no="Leave it as it is"
      close={close}
      yes={words.yes}
      isSending={isSending}
      send={send}
    >
      <p>
        <strong>{words.question(name)}</strong> {words.means} {cost.sentence}
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
