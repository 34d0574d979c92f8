import type { Earnings } from '../api.ts'
import { formatEnergy, formatWindow } from '../format.ts'
import { Amount } from '../shared/amount.tsx'
import { zone } from '../shared/business-time.ts'
import { PAID } from '../shared/words.ts'

/** The aggregator's share of what its owners' devices earned. */
export function EarningsShare({ earnings }: { earnings: Earnings }) {
  return (
    <section class="card" aria-labelledby="earnings">
      <h2 id="earnings">Your share</h2>
      <p>
        <span class="figure">
          <Amount minor={earnings.totalMinor} />
        </span>{' '}
        <span class="quiet">paid or due</span>
      </p>
      {earnings.lines.length === 0 ? (
        <p class="quiet">Nothing has been measured yet.</p>
      ) : (
        <div
          class="scroll"
          role="region"
          aria-label="Your share per resource and call"
          tabIndex={0}
        >
          <table>
            <thead>
              <tr>
                <th scope="col">Resource</th>
                <th scope="col" class="number">
                  Counts
                </th>
                <th scope="col" class="number">
                  Share
                </th>
              </tr>
            </thead>
            <tbody>
              {earnings.lines.map(({ callId, resourceId, window, wh, minor, status }) => (
                <tr key={`${callId} ${resourceId}`}>
                  <th scope="row">
                    {resourceId}
                    <span class="quiet below">{formatWindow(window, zone.value)}</span>
                  </th>
                  <td class="number">{formatEnergy(wh)}</td>
                  <td class="number">
                    <Amount minor={minor} />
                    <span class="quiet below">{PAID[status]}</span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
