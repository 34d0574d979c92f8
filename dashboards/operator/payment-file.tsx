import { useRef, useState } from 'preact/hooks'
import { type Client, createClient, download } from '../api.ts'
import { hearTime } from '../shared/business-time.ts'
import { Field } from '../shared/field.tsx'
import { Refusal } from '../shared/refusal.tsx'
import { useSending } from '../shared/sending.ts'

type KeyProps = { readonly agent: Client | null; readonly onAgent: (agent: Client | null) => void }

/**
 * The file for the bank holds account numbers: it is the payout agent's alone, and only its key
 * opens it. The key stays in this page until it is closed, and is kept nowhere.
 */
export function AgentKey({ agent, onAgent }: KeyProps) {
  const input = useRef<HTMLInputElement>(null)
  const [wrong, setWrong] = useState<string | null>(null)
  const { isSending, refused, send } = useSending()
  if (agent !== null) {
    return (
      <p class="line">
        <span>The payout agent’s key is in use: payment files can be had below.</span>
        <button type="button" class="small" onClick={() => onAgent(null)}>
          Forget the agent’s key
        </button>
      </p>
    )
  }
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const key = input.current?.value.trim() ?? ''
    setWrong(key === '' ? 'Paste the payout agent’s key.' : null)
    if (key === '') return input.current?.focus()
    const candidate = createClient(key, hearTime)
    const no = await send(() => candidate.v1.agent.account.$get())
    if (no === null) return onAgent(candidate)
    const isUnknown = no.status === 401 || no.status === 404
    setWrong(isUnknown ? 'This is not the key of a payout agent.' : null)
    input.current?.focus()
  }
  return (
    <details class="choose">
      <summary>Payment files for the bank (pain.001)</summary>
      <form class="form" noValidate onSubmit={(event) => void submit(event)}>
        <Field
          id="agent-key"
          label="The payout agent’s key"
          help="The files hold account numbers, so only this key opens them. It is not kept."
          problem={wrong}
          inputRef={input}
          type="password"
          autocomplete="off"
          required
        />
        <Refusal refused={wrong === null ? refused : null} />
        <p>
          <button type="submit" disabled={isSending}>
            {isSending ? 'Checking …' : 'Use this key'}
          </button>
        </p>
      </form>
    </details>
  )
}

/** The credit transfers of one payout; from the first time on they count as handed over. */
export function PaymentFile({ agent, epoch }: { readonly agent: Client; readonly epoch: number }) {
  const [isEmpty, setIsEmpty] = useState(false)
  const { isSending, refused, send } = useSending()
  const fetchIt = () =>
    send(async () => {
      setIsEmpty(!(await download(agent, `/v1/payouts/epochs/${epoch}/pain001`)))
    })
  return (
    <p>
      <button type="button" disabled={isSending} onClick={() => void fetchIt()}>
        Payment file of payout {epoch}
      </button>
      <span role="status">{isEmpty && ' Nobody is paid through the bank.'}</span>
      {refused !== null && (
        <span class="problem" role="alert">
          {' '}
          {refused.message}
        </span>
      )}
    </p>
  )
}
