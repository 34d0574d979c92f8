import type { OwnerCall, Resource } from '../api.ts'
import { formatClock, formatDuration, formatPower } from '../format.ts'
import { businessNow, zone } from '../shared/business-time.ts'
import { deviceName } from './device-name.ts'

type Props = { readonly open: readonly OwnerCall[]; readonly resources: readonly Resource[] }

/** What the devices do for the grid at this moment, in plain words. */
export function RightNow({ open, resources }: Props) {
  return (
    <section class="card" aria-labelledby="now">
      <h2 id="now">Right now</h2>
      {open.length === 0 && <p>Your devices run as usual. Nothing is asked of them.</p>}
      {open.map((call) => (
        <Helping key={call.id} call={call} resources={resources} />
      ))}
    </section>
  )
}

function Helping({ call, resources }: { call: OwnerCall; resources: readonly Resource[] }) {
  const end = Date.parse(call.cancelledAt ?? call.window.end)
  const now = businessNow.value
  const isRunning = call.state === 'dispatched' && call.releasedAt === null
  if (!isRunning) {
    return (
      <p>
        The help from {formatClock(call.window.start, zone.value)} to {formatClock(end, zone.value)}{' '}
        is over and your devices are released. {AFTER[call.state]}
      </p>
    )
  }
  const less = call.direction === 'reduce-import' ? 'less' : 'more'
  const delivered = call.periods.findLast(({ deliveredW }) => deliveredW !== null)
  const left = now === null || end <= now ? '' : `, ${formatDuration(end - now)} to go`
  return (
    <>
      <p>
        Your devices use {less} for the grid until {formatClock(end, zone.value)}
        {left}.
      </p>
      {delivered !== undefined && (
        <p>
          Measured since {formatClock(delivered.start, zone.value)}: {usual(delivered, less)}
        </p>
      )}
      <ul class="plain">
        {call.allocations.map(({ resourceId, periods, releasedAt }) => {
          const current = periods.find(
            (p) => now !== null && Date.parse(p.start) <= now && now < Date.parse(p.end),
          )
          const failed = call.repairs.some((repair) => repair.resourceId === resourceId)
          return (
            <li key={resourceId}>
              <strong>{deviceName(resources, resourceId)}</strong>{' '}
              {failed
                ? 'did not follow what was asked; another device took over.'
                : releasedAt !== null || current === undefined
                  ? 'has nothing to do at the moment.'
                  : `is asked to use ${formatPower(current.powerW)} ${less}.`}
            </li>
          )
        })}
      </ul>
    </>
  )
}

/** Against the baseline, which is what the devices would have used. */
function usual({ deliveredW }: OwnerCall['periods'][number], less: 'less' | 'more'): string {
  const watts = deliveredW ?? 0
  if (watts === 0) return 'as much as usual.'
  const other = less === 'less' ? 'more' : 'less'
  return `${formatPower(Math.abs(watts))} ${watts > 0 ? less : other} than usual.`
}

const AFTER: Readonly<Record<string, string>> = {
  dispatched: 'The last readings are coming in.',
  measured: 'The result is being checked by independent verifiers.',
  verified: 'The result was signed; it can be disputed for a short while.',
  settled: 'You are paid with the next payout.',
}
