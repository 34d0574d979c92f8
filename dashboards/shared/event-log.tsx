import type { CallEvent } from '../api.ts'
import { formatTime, forReader } from '../format.ts'
import { zone } from './business-time.ts'

type Props = {
  readonly events: readonly CallEvent[]
  readonly nothing: string
  /** Names the list for who cannot see where it stands. */
  readonly label: string
}

/** What happened, newest first. */
export function EventLog({ events, nothing, label }: Props) {
  if (events.length === 0) return <p class="quiet">{nothing}</p>
  return (
    <div class="scroll log" role="region" aria-label={label} tabIndex={0}>
      <ol>
        {[...events].reverse().map(({ sequence, at, message, notice }) => (
          <li key={sequence}>
            <time dateTime={at}>{formatTime(at, zone.value)}</time>
            <span>
              {notice && <span class="tag tag-notice">Notice</span>}{' '}
              {forReader(message, zone.value)}
            </span>
          </li>
        ))}
      </ol>
    </div>
  )
}
