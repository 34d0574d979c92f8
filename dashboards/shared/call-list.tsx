import type { CallSummary } from '../api.ts'
import { formatWindow } from '../format.ts'
import { zone } from './business-time.ts'
import { StateTag } from './state-tag.tsx'
import { DIRECTION } from './words.ts'

type Props = {
  readonly calls: readonly CallSummary[]
  readonly selectedId: string | null
  readonly placeName: (congestionPointId: string) => string
}

/** Calls as links, newest window first. */
export function CallList({ calls, selectedId, placeName }: Props) {
  if (calls.length === 0) return <p class="quiet">There are no calls yet.</p>
  return (
    <ul class="call-list">
      {calls.map((call) => (
        <li key={call.id}>
          <a
            href={`#call=${encodeURIComponent(call.id)}`}
            aria-current={call.id === selectedId ? 'true' : undefined}
          >
            <span class="call-place">{placeName(call.congestionPointId)}</span>
            <StateTag state={call.state} />
            <span class="quiet">
              {DIRECTION[call.direction]}, {formatWindow(call.window, zone.value)}
            </span>
          </a>
        </li>
      ))}
    </ul>
  )
}
