import type { Disputes } from '../api.ts'
import { formatMoment } from '../format.ts'
import { zone } from '../shared/business-time.ts'
import { Holds } from '../shared/holds.tsx'

/** Who objects to the result, what is on hold until when, and until when that is possible. */
export function Objections({ disputes: found }: { disputes: Disputes | null }) {
  if (found === null) return <p class="quiet">There is no result before the window ends.</p>
  const { disputes, held, disputableUntil } = found
  return (
    <>
      {disputes.length + held.length === 0 && <p>✓ Nobody has objected and nothing is on hold.</p>}
      <Holds disputes={disputes} held={held} />
      {disputableUntil !== null && (
        <p class="quiet">
          Lines can be objected to until {formatMoment(disputableUntil, zone.value)}.
        </p>
      )}
    </>
  )
}
