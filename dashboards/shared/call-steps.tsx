import type { AnyCall } from '../api.ts'
import { hasFailed, LIFE, STATE } from './words.ts'

type Props = { readonly state: AnyCall['state']; readonly isCancelled: boolean }

/** Where in its life a call is; a call that left the way shows where it ended instead. */
export function CallSteps({ state, isCancelled }: Props) {
  if (hasFailed(state)) return null
  const reached = LIFE.findIndex((step) => step === state)
  return (
    <ol class="steps" aria-label="Life of the call">
      {LIFE.map((step, i) => (
        <li
          key={step}
          class={i < reached || state === 'paid' ? 'done' : i === reached ? 'here' : 'ahead'}
          aria-current={i === reached ? 'step' : undefined}
        >
          {STATE[step]}
          {i < reached && <span class="unseen"> (done)</span>}
          {step === 'dispatched' && isCancelled && <span class="quiet"> cut short</span>}
        </li>
      ))}
    </ol>
  )
}
