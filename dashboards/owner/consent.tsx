import type { Limits } from '../api.ts'
import { announce } from '../shared/announcer.tsx'
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

/** That a device is told what to do at all: withdrawn in two steps, given again in one. */
export function Consent({ model, id, name, limits }: Props) {
  const { isAsking, opener, open, close } = useQuestion()
  const { isSending, refused, send } = useSending()
  const say = async (given: boolean) => {
    const no = await send(async () => {
      const { consent } = model.client.v1.resources[':id']
      const answer = await consent.$put({ param: { id }, json: { given } })
      model.learnLimits(id, await answer.json())
    })
    if (no !== null) return
    close()
    announce(given ? `${name} helps the grid again.` : `${name} is told nothing any more.`)
    model.live.refreshSoon()
  }
  if (limits.consent.withdrawnAt !== null) {
    return (
      <>
        <button type="button" disabled={isSending} onClick={() => void say(true)}>
          Give my consent again
        </button>
        <Refusal refused={refused} />
      </>
    )
  }
  return (
    <>
      <Opener
        text="Withdraw my consent"
        isAsking={isAsking}
        opener={opener}
        onClick={isAsking ? close : open}
      />
      {isAsking && (
        <Question
          label={`Withdraw your consent for ${name}?`}
          no="Keep helping"
          close={close}
          yes="Yes, withdraw it"
          isSending={isSending}
          send={() => void say(false)}
        >
          <p>
            <strong>Withdraw your consent for {name}?</strong> From now on nobody tells it anything.
            If it helps the grid just now, it stops at once, and only what it gave in the periods
            that are over counts. You can give your consent again at any time.
          </p>
          <Refusal refused={refused} />
        </Question>
      )}
    </>
  )
}
