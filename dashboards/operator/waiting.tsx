import type { Money } from '../api.ts'
import { Holds } from '../shared/holds.tsx'

/** Calls with objections that are not decided, and with money on hold. */
export function Waiting({ waiting }: { waiting: Money['waiting'] }) {
  if (waiting.length === 0) return <p>✓ Nothing is objected to and nothing is on hold.</p>
  return (
    <ul class="plain earned">
      {waiting.map(({ callId, dsoId, disputes, held }) => (
        <li key={callId}>
          <p class="line">
            <strong class="id">{callId}</strong>
            <span class="quiet">{dsoId}</span>
          </p>
          <Holds disputes={disputes} held={held} />
        </li>
      ))}
    </ul>
  )
}
