import type { OwnDecision, Resource } from '../api.ts'
import { formatWindow } from '../format.ts'
import { zone } from '../shared/business-time.ts'
import { OUTCOME } from '../shared/decision-groups.ts'
import { PassedOver } from '../shared/decisions.tsx'
import { deviceName } from './device-name.ts'

type Props = { readonly decisions: readonly OwnDecision[]; readonly resources: readonly Resource[] }

/** Why each device was chosen for a call or not, newest call first. */
export function Why({ decisions, resources }: Props) {
  return (
    <section class="card" aria-labelledby="why">
      <h2 id="why">Why your devices were chosen or not</h2>
      {decisions.length === 0 && (
        <p class="quiet">After a call you read here why your devices were asked, or were not.</p>
      )}
      <ul class="plain">
        {decisions.map(({ callId, resourceId, window, outcome, sentence, passedOver }) => (
          <li key={`${callId} ${resourceId}`}>
            <p class="line">
              <span>
                <strong>{deviceName(resources, resourceId)}</strong>{' '}
                <span class="quiet">{formatWindow(window, zone.value)}</span>
              </span>
              <span class="tag">{OUTCOME[outcome]}</span>
            </p>
            <p>{sentence}</p>
            <PassedOver steps={passedOver} />
          </li>
        ))}
      </ul>
    </section>
  )
}
