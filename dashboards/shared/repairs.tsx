import type { Repair } from '../api.ts'
import { formatPower, formatTime } from '../format.ts'
import { zone } from './business-time.ts'
import { REPAIRED } from './words.ts'

/** Devices that failed inside the window: why, when, and who took over. */
export function Repairs({ repairs }: { repairs: readonly Repair[] }) {
  if (repairs.length === 0) return <p class="quiet">No device has failed.</p>
  const ordered = [...repairs].sort((a, b) => (a.detectedAt < b.detectedAt ? 1 : -1))
  return (
    <ul class="repairs">
      {ordered.map((repair) => (
        <li key={`${repair.resourceId} ${repair.detectedAt}`}>
          <p>
            <strong>{repair.resourceId}</strong> {REPAIRED[repair.reason]}. It{' '}
            {repair.orderedW > 0
              ? `was to move ${formatPower(repair.orderedW)}`
              : 'was not to move anything yet'}
            {repair.reason !== 'silent' && (
              <> and was measured at {formatPower(repair.observedW)}</>
            )}
            .
          </p>
          <p class="quiet">
            Found out at {formatTime(repair.detectedAt, zone.value)}
            {repair.replacedBy.length > 0 && <>, replaced by {repair.replacedBy.join(', ')}</>}
            {repair.restoredAt !== null && (
              <>, ordered power back at {formatTime(repair.restoredAt, zone.value)}</>
            )}
          </p>
          {repair.restoredAt === null && (
            <p class="warning">
              <span aria-hidden="true">▲ </span>The ordered power is not back.
            </p>
          )}
        </li>
      ))}
    </ul>
  )
}
