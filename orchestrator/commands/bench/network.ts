import type { BusLoad, Feeder } from '#domain/network/feeder.ts'
import { importFeeder } from '#domain/network/import-feeder.ts'
import { linDistFlow } from '#domain/network/lin-dist-flow.ts'
import { sweepFlow } from '#domain/network/sweep.ts'
import { seededRandom } from '#simulations/random.ts'
import { ieee33 } from './ieee33.ts'
import { type BenchRun, type Measurement, measurement, median } from './measurement.ts'

/** The 33-bus feeder by LinDistFlow and by the sweep: how far apart, and what each costs. */
export async function run({ size, seed, timer, say }: BenchRun): Promise<Measurement[]> {
  const count = size('loads', 1_000)
  const feeder = importFeeder(ieee33())
  const random = seededRandom(seed, 'loads')
  const loads = Array.from({ length: count }, () => {
    return feeder.buses.map(({ loadW, loadVar }) => {
      const share = random.between(-0.5, 1)
      return { loadW: loadW * share, loadVar: loadVar * share }
    })
  })
  const timed = (work: (of: readonly BusLoad[]) => unknown) =>
    median(
      loads.map((of) => {
        const begun = timer.monotonicMs()
        work(of)
        return timer.monotonicMs() - begun
      }),
    )
  const furthest = Math.max(...loads.map((of) => apart(feeder, of)))
  say(`${count} loads, at most ${furthest.toFixed(5)} pu apart`)
  const pu = { unit: 'pu', better: 'lower', bar: 0.005 } as const
  return [
    measurement({
      ...pu,
      measure: 'IEEE 33-bus at its own load: most that LinDistFlow and the sweep differ',
      value: apart(feeder, feeder.buses),
    }),
    measurement({
      ...pu,
      measure: `IEEE 33-bus, ${count} loads from -0.5 to 1 of its own: most that they differ`,
      value: furthest,
    }),
    measurement({
      measure: 'IEEE 33-bus: LinDistFlow, of the sweep',
      value: timed((of) => linDistFlow(feeder, of)),
      reference: timed((of) => sweepFlow(feeder, of)),
      unit: 'ms',
      better: 'lower',
    }),
  ]
}

/** The largest difference of a bus voltage, pu. @throws Error where the sweep has no solution */
function apart(feeder: Feeder, loads: readonly BusLoad[]): number {
  const exact = sweepFlow(feeder, loads)
  if (exact === null) throw new Error('IEEE 33-bus: expected a solution of the sweep, got none')
  const { voltagePu } = linDistFlow(feeder, loads)
  return Math.max(...voltagePu.map((pu, i) => Math.abs(pu - (exact.voltagePu[i] ?? Number.NaN))))
}
