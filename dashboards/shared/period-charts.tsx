import type { AnyCall, Period } from '../api.ts'
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
  const intervalMs = meteringIntervalSeconds * 1000
  const now = businessNow.value
  const until = measuredUntil(call, now, intervalMs)
  const tick = now === null ? 0 : Math.floor(now / intervalMs)
  const title = direction === 'reduce-import' ? 'Reduction' : 'Increase'
  return (
    <>
      <div class="charts">
        <PowerChart
          title={title}
          periods={periods}
          lines={askedLines(periods, until)}
          tick={tick}
        />
        {until === null ? (
          <figure class="chart">
            <figcaption>{IMPORT}</figcaption>
            <p class="quiet">Baseline and measured import show once the window runs.</p>
          </figure>
        ) : (
          <PowerChart
            title={IMPORT}
            periods={periods}
            lines={importLines(periods, until)}
            tick={tick}
          />
        )}
      </div>
      <PeriodTable periods={periods} />
      <p class="quiet note">
        Means over each period; while it runs, over the part measured so far. Import counts as +,
        delivered is the distance from the baseline in the direction of the call. Point at a chart,
        or use the arrow keys in it, to read one period.
      </p>
    </>
  )
}

const IMPORT = 'Import of the ordered devices'
const PLANNED = Number.POSITIVE_INFINITY
const THIN = { width: 2.5, dash: [], isFilled: false } as const

function askedLines(periods: readonly Period[], until: number | null): Line[] {
  const requested: Line = {
    ...THIN,
    label: 'Requested',
    colour: '--line-asked',
    width: 8, // so that it is seen around an order that is the same
    of: (i) => periods[i]?.requestedW ?? null,
    until: PLANNED,
  }
  const ordered: Line = {
    ...THIN,
    label: 'Ordered',
    colour: '--line-ordered',
    of: (i) => periods[i]?.orderedW ?? null,
    until: PLANNED,
  }
  const delivered: Line = {
    ...THIN,
    label: 'Delivered',
    colour: '--line-delivered',
    isFilled: true,
    of: (i) => periods[i]?.deliveredW ?? null,
    until,
  }
  const isRequestKnown = periods.some(({ requestedW }) => requestedW !== null)
  return [...(isRequestKnown ? [requested] : []), delivered, ordered]
}

function importLines(periods: readonly Period[], until: number): Line[] {
  return [
    {
      ...THIN,
      label: 'Baseline',
      colour: '--line-baseline',
      dash: [9, 5],
      of: (i) => periods[i]?.baselineW ?? null,
      until,
    },
    {
      ...THIN,
      label: 'Measured',
      colour: '--line-delivered',
      of: (i) => periods[i]?.measuredW ?? null,
      until,
    },
  ]
}

/** The figures follow the meters one interval behind, up to the end of the window. */
function measuredUntil(call: AnyCall, now: number | null, intervalMs: number): number | null {
  if (call.periods.every(({ deliveredW }) => deliveredW === null)) return null
  const end = Date.parse(call.window.end)
  if (now === null || call.state !== 'dispatched') return end
  return Math.min(Math.floor(now / intervalMs) * intervalMs - intervalMs, end)
}
