import type { Decision } from '../api.ts'
import { formatTime, forReader } from '../format.ts'
import { zone } from './business-time.ts'
import { decisionGroups, OUTCOME } from './decision-groups.ts'

/** What was decided about each resource and why, together by reason. */
export function Decisions({ decisions }: { decisions: readonly Decision[] }) {
  if (decisions.length === 0) return <p class="quiet">Nothing is decided before the gate closes.</p>
  return (
    <ul class="groups">
      {decisionGroups(decisions).map(({ outcome, sentence, members }) => (
        <li key={sentence}>
          <details>
            <summary>
              <span class="tag">{OUTCOME[outcome]}</span> {sentence}{' '}
              <span class="quiet">({members.length})</span>
            </summary>
            <ul>
              {members.map(({ resourceId, at, detail, passedOver }) => (
                <li key={resourceId}>
                  {resourceId}
                  <span class="quiet">
                    , {formatTime(at, zone.value)}
                    {detail && <>: {forReader(detail, zone.value)}</>}
                  </span>
                  <PassedOver steps={passedOver} />
                </li>
              ))}
            </ul>
          </details>
        </li>
      ))}
    </ul>
  )
}

/** Why else a device was not asked when less came than was ordered. */
export function PassedOver({ steps }: { steps: Decision['passedOver'] }) {
  if (steps.length === 0) return null
  return (
    <ul class="plain">
      {steps.map(({ code, at, sentence }) => (
        <li key={code} class="quiet">
          {formatTime(at, zone.value)}: {sentence}
        </li>
      ))}
    </ul>
  )
}
