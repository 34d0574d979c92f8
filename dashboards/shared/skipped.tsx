import type { Skipped } from '../api.ts'
import { skippedBecause } from './words.ts'

/** Who was left out of the order and why, together by reason. */
export function SkippedResources({ skipped }: { skipped: readonly Skipped[] }) {
  if (skipped.length === 0) return <p class="quiet">Nobody was left out.</p>
  const groups = Map.groupBy(skipped, skippedBecause)
  return (
    <ul class="groups">
      {[...groups].map(([reason, members]) => (
        <li key={reason}>
          <details>
            <summary>
              {reason} <span class="quiet">({members.length})</span>
            </summary>
            <ul>
              {members.map(({ resourceId, detail }) => (
                <li key={resourceId}>
                  {resourceId}
                  {detail !== '' && <span class="quiet">: {detail}</span>}
                </li>
              ))}
            </ul>
          </details>
        </li>
      ))}
    </ul>
  )
}
