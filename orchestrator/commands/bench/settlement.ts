import { startChild } from './child.ts'
import { type BenchRun, type Measurement, measurement } from './measurement.ts'
import type { Settled } from './settlement-call.ts'

/** Far beyond the bar: then the figure says how far, and the run ends. */
const DEADLINE_MS = 300_000

/** A whole call measured and settled from its devices' registers, in a process of its own. */
export async function run({ size, seed, timer, say }: BenchRun): Promise<Measurement[]> {
  const devices = size('devices', 10_000)
  const periods = size('periods', 16)
  const days = size('days', 10)
  const child = startChild('settlement-call.ts', timer)
  try {
    const asked = { devices, periods, days, seed }
    const told = await child.ask<Settled>('settle', asked, DEADLINE_MS)
    say(`${told.lines} lines, ${told.paidLines} of them paid, ${told.deliveries} deliveries`)
    const seconds = (ms: number) => ms / 1_000
    const { baselineMs, measureMs, settleMs } = told
    return [
      measurement({
        measure: `${devices} devices × ${periods} periods measured and settled, ${days} days each`,
        value: seconds(baselineMs + measureMs + settleMs),
        unit: 's',
        better: 'lower',
        bar: 10,
      }),
      measurement({
        measure: 'most resident memory of that process, history and readings included',
        value: told.rssMaxBytes / 1e6,
        unit: 'MB',
        better: 'lower',
        bar: 1_000,
      }),
      part('baselines from the history', baselineMs),
      part('deliveries', measureMs),
      part('fair play, caps and money', settleMs),
    ]
  } finally {
    await child.stop()
  }

  function part(measure: string, ms: number): Measurement {
    return measurement({ measure, value: ms / 1_000, unit: 's', better: 'lower' })
  }
}
