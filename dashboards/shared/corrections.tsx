import type { CallCorrection } from '../api.ts'
import { formatTime } from '../format.ts'
import { zone } from './business-time.ts'

/** Whatever devices were told anew inside the window and why, newest first. */
export function Corrections({ corrections }: { corrections: readonly CallCorrection[] }) {
  if (corrections.length === 0) return <p class="quiet">No device was told anything new.</p>
  return (
    <ul class="plain">
      {corrections.toReversed().map(({ at, resourceId, sentence }) => (
        <li key={`${resourceId} ${at}`}>
          <strong>{resourceId}</strong> {sentence}
          <span class="quiet">, {formatTime(at, zone.value)}</span>
        </li>
      ))}
    </ul>
  )
}
