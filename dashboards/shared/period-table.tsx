import type { Period } from '../api.ts'
import { formatClock, formatWatts } from '../format.ts'
import { zone } from './business-time.ts'
import { shortW } from './short-power.ts'

/** The figures of each settlement period in whole W. */
export function PeriodTable({ periods }: { periods: readonly Period[] }) {
  const isRequestKnown = periods.some(({ requestedW }) => requestedW !== null)
  return (
    <div class="scroll" role="region" aria-label="Figures per settlement period" tabIndex={0}>
      <table class="figures broad">
        <caption class="unseen">Mean power per settlement period, in W</caption>
        <thead>
          <tr>
            <th scope="col">Period</th>
            {isRequestKnown && <th scope="col">Requested W</th>}
            <th scope="col">Ordered W</th>
            <th scope="col">Baseline W</th>
            <th scope="col">Measured W</th>
            <th scope="col">Delivered W</th>
            <th scope="col">Short W</th>
          </tr>
        </thead>
        <tbody>
          {periods.map((period) => (
            <tr key={period.start}>
              <th scope="row">
                {formatClock(period.start, zone.value)}–{formatClock(period.end, zone.value)}
              </th>
              {isRequestKnown && <Figure watts={period.requestedW} />}
              <Figure watts={period.orderedW} />
              <Figure watts={period.baselineW} />
              <Figure watts={period.measuredW} />
              <Figure watts={period.deliveredW} />
              <Figure watts={shortW(period)} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Figure({ watts }: { watts: number | null }) {
  return <td>{watts === null ? <span class="quiet">–</span> : formatWatts(watts)}</td>
}
