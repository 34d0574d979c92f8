import type { CallState } from '../api.ts'
import { hasEnded, hasFailed, STATE } from './words.ts'

/** The state in a word; colour only where something is under way or went wrong. */
export function StateTag({ state }: { state: CallState }) {
  const mood = hasFailed(state) ? 'failed' : hasEnded(state) ? 'ended' : 'running'
  return <span class={`tag tag-${mood}`}>{STATE[state]}</span>
}
