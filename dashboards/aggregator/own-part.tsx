import type { AggregatorCall, Allocation } from '../api.ts'
import { formatEnergy, formatPower, formatWindow } from '../format.ts'
import { zone } from '../shared/business-time.ts'
import { Amount } from '../shared/amount.tsx'
import { Corrections } from '../shared/corrections.tsx'
import { Decisions } from '../shared/decisions.tsx'
import { EventLog } from '../shared/event-log.tsx'
import { PeriodCharts } from '../shared/period-charts.tsx'
import { Repairs } from '../shared/repairs.tsx'
import { StateTag } from '../shared/state-tag.tsx'
import { DIRECTION } from '../shared/words.ts'
import type { AggregatorModel } from './model.ts'

/** Metering interval that is drawn where the contract's own is not told. */
const INTERVAL_SECONDS = 30

/** What the aggregator's resources do in one call. */
export function OwnPart({ model, call }: { model: AggregatorModel; call: AggregatorCall }) {
  return (
    <>
      <section class="card" aria-labelledby="part">
        <h2 id="part">
          Your part: {DIRECTION[call.direction].toLowerCase()} at{' '}
          {model.placeName(call.congestionPointId)} <StateTag state={call.state} />
        </h2>
        <p class="quiet">
          {formatWindow(call.window, zone.value)} · <span class="id">{call.id}</span>
        </p>
        {call.allocations.length === 0 ? (
          <p>None of your resources was ordered in this call.</p>
        ) : (
          <>
            <PeriodCharts key={call.id} call={call} meteringIntervalSeconds={INTERVAL_SECONDS} />
            <Allocations call={call} />
          </>
        )}
      </section>
      <div class="pair">
        <section class="card" aria-labelledby="failed">
          <h2 id="failed">Who failed and why</h2>
          <Repairs repairs={call.repairs} />
          <h3>Told anew inside the window</h3>
          <Corrections corrections={call.corrections} />
        </section>
        <section class="card" aria-labelledby="decisions">
          <h2 id="decisions">Who was taken or left out, and why</h2>
          <Decisions decisions={model.decisions.value} />
        </section>
      </div>
      <section class="card" aria-labelledby="log">
        <h2 id="log">What happened to your resources</h2>
        <EventLog
          events={model.events.value}
          nothing="Nothing has happened yet."
          label="Log, newest first"
        />
      </section>
    </>
  )
}

function Allocations({ call }: { call: AggregatorCall }) {
  return (
    <div class="scroll" role="region" aria-label="Your resources in this call" tabIndex={0}>
      <table class="broad">
        <thead>
          <tr>
            <th scope="col">Resource</th>
            <th scope="col">As</th>
            <th scope="col" class="number">
              Ordered at most
            </th>
            <th scope="col" class="number">
              Delivered
            </th>
            <th scope="col" class="number">
              For the owner
            </th>
            <th scope="col" class="number">
              For you
            </th>
          </tr>
        </thead>
        <tbody>
          {call.allocations.map((allocation) => {
            const { resourceId, role } = allocation
            const line = call.lines.find((one) => one.resourceId === resourceId)
            return (
              <tr key={resourceId}>
                <th scope="row">{resourceId}</th>
                <td>{role === 'order' ? 'Ordered' : 'Replacement'}</td>
                <td class="number">{formatPower(mostW(allocation))}</td>
                <td class="number">{line ? formatEnergy(line.deliveredWh) : '–'}</td>
                <td class="number">{line ? <Amount minor={line.ownerMinor} /> : '–'}</td>
                <td class="number">
                  {line?.aggregatorMinor ? <Amount minor={line.aggregatorMinor} /> : '–'}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function mostW({ periods }: Allocation): number {
  return Math.max(0, ...periods.map(({ powerW }) => powerW))
}
