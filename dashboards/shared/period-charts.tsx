import type { AnyCall } from '../api.ts'
import { businessNow } from './business-time.ts'
import { PeriodTable } from './period-table.tsx'
import { type Line, PowerChart } from './power-chart.tsx'

type Props = {
  readonly call: AnyCall
  readonly meteringIntervalSeconds: number
}

/** What a call is about: what was asked and came, and what the meters say about it. */
export function PeriodCharts({ call, meteringIntervalSeconds }: Props) {
  const { periods, direction } = call
  const verb = direction === 'reduce-import' ? 'Reduction' : 'Increase'
  const until = measuredUntil(call, meteringIntervalSeconds * 1000)
  const planned = { until: Number.POSITIVE_INFINITY }
  const asked: Line[] = periods.some(({ requestedW }) => requestedW !== null)
    ? [
        {
          label: 'Requested',
          colour: '--line-asked',
          dash: [3, 4],
          isFilled: false,
          of: (i) => periods[i]?.requestedW ?? null,
          ...planned,
        },
      ]
    : []
  const ordered: Line = {
    label: 'Ordered',
    colour: '--line-ordered',
    dash: [],
    isFilled: false,
    of: (i) => periods[i]?.orderedW ?? null,
    ...planned,
  }
  const delivered: Line = {
    label: 'Delivered',
    colour: '--line-delivered',
    dash: [],
    isFilled: true,
    of: (i) => periods[i]?.deliveredW ?? null,
    until,
  }
  const imports: Line[] = [
    {
      label: 'Baseline',
      colour: '--line-asked',
      dash: [9, 5],
      isFilled: false,
      of: (i) => periods[i]?.baselineW ?? null,
      until,
    },
    {
      label: 'Measured',
      colour: '--line-delivered',
      dash: [],
      isFilled: false,
      of: (i) => periods[i]?.measuredW ?? null,
      until,
    },
  ]
  return (
    <>
      <div class="charts">
        <PowerChart title={verb} periods={periods} lines={[...asked, delivered, ordered]} />
        <PowerChart title="Import of the ordered devices" periods={periods} lines={imports} />
      </div>
      <PeriodTable periods={periods} />
      <p class="quiet note">
        Means over each period, while it runs over the part measured so far. Import counts as +;
        delivered is baseline against measured, in the direction of the call.
      </p>
    </>
  )
}

/** The figures follow the meters one interval behind, up to the end of the window. */
function measuredUntil(call: AnyCall, intervalMs: number): number | null {
  if (call.periods.every(({ deliveredW }) => deliveredW === null)) return null
  const end = Date.parse(call.window.end)
  const now = businessNow.value
  if (now === null || call.state !== 'dispatched') return end
  return Math.min(Math.floor(now / intervalMs) * intervalMs - intervalMs, end)
}
