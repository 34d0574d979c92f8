import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { Refused, type WholeCall } from '../api.ts'
import { CommandLine } from '../shared/command-line.tsx'
import type { DsoModel } from './model.ts'
import { signingCommand } from './signing-command.ts'

type Props = { readonly model: DsoModel; readonly call: WholeCall }

const CANCELLABLE = new Set<WholeCall['state']>(['requested', 'offered', 'ordered', 'dispatched'])

/** Cancels in two steps, so that no slip of the hand releases a district's devices. */
export function CancelCall({ model, call }: Props) {
  const [isAsking, setIsAsking] = useState(false)
  const opener = useRef<HTMLButtonElement>(null)
  if (!CANCELLABLE.has(call.state) || call.cancelledAt !== null || call.releasedAt !== null) {
    return null
  }
  const close = () => {
    setIsAsking(false)
    opener.current?.focus()
  }
  return (
    <div class="cancel">
      <button
        type="button"
        ref={opener}
        aria-expanded={isAsking}
        onClick={() => (isAsking ? close() : setIsAsking(true))}
      >
        Cancel call …
      </button>
      {isAsking && <Question model={model} call={call} close={close} />}
    </div>
  )
}

function Question({ model, call, close }: Props & { readonly close: () => void }) {
  const [isSending, setIsSending] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const keep = useRef<HTMLButtonElement>(null)
  useLayoutEffect(() => keep.current?.focus(), [])

  const send = async () => {
    setIsSending(true)
    setProblem(null)
    try {
      const { cancellation } = model.client.v1['flexibility-calls'][':id']
      await cancellation.$post({ param: { id: call.id }, json: {} })
      close()
      model.live.refreshSoon()
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      setProblem(error.message)
    } finally {
      setIsSending(false)
    }
  }
  const needsSignature = call.state !== 'dispatched' && call.escrow?.authorised === true
  return (
    <section class="card ask" aria-label="Cancel this call?">
      <p>
        <strong>Cancel this call?</strong> {consequence(call, needsSignature)}
      </p>
      {needsSignature && (
        <CommandLine text={signingCommand(call.id, 'cancellation', 'cancellation')} />
      )}
      {problem !== null && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <p class="buttons">
        <button type="button" ref={keep} onClick={close}>
          {needsSignature ? 'Close' : 'Keep the call'}
        </button>
        {!needsSignature && (
          <button type="button" class="danger" disabled={isSending} onClick={() => void send()}>
            {isSending ? 'Cancelling …' : 'Yes, cancel it'}
          </button>
        )}
      </p>
    </section>
  )
}

function consequence(call: WholeCall, needsSignature: boolean): string {
  if (needsSignature) {
    return (
      'Your escrow is locked or about to be. Before the window a cancellation needs your ' +
      'signature, which returns all of it. Sign where your payer’s key lies, with this page’s key in $KEY:'
    )
  }
  return call.state === 'dispatched'
    ? 'All devices are released now. What they have delivered is measured and paid.'
    : 'It ends here; nothing is dispatched and nothing is paid.'
}
