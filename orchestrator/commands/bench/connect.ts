import { openFilesMax } from './machine.ts'
import { type BenchRun, type Measurement, measurement } from './measurement.ts'
import type { GatewayMemory } from './ocpp-gateway.ts'
import { startOcppRun } from './ocpp-run.ts'

/** What Node itself keeps open beside the stations. */
const OTHER_FILES = 40
/** So many come first: code is loaded and compiled once, whoever comes later. */
const WARM_UP = 500

/** Connected and set-up charge points in one process, and what each more of them costs. */
export async function run({ size, timer, say }: BenchRun): Promise<Measurement[]> {
  const wanted = size('stations', 20_000)
  const limit = openFilesMax()
  const possible = (limit ?? Number.POSITIVE_INFINITY) - OTHER_FILES
  const stations = Math.min(wanted, possible)
  if (stations < wanted) {
    say(`${wanted} stations are wanted; the limit of open files allows a process ${stations}`)
  }
  const warmUp = Math.min(WARM_UP, Math.ceil(stations / 2))
  const world = await startOcppRun(timer)
  try {
    await world.grow(warmUp)
    const before = await world.gateway.ask<GatewayMemory>('memory', null, 60_000)
    const begun = timer.monotonicMs()
    const busyBefore = (await world.state()).processorSeconds
    await world.grow(stations - warmUp)
    const seconds = (timer.monotonicMs() - begun) / 1_000
    const { connected, processorSeconds } = await world.state()
    const after = await world.gateway.ask<GatewayMemory>('memory', null, 60_000)
    const more = connected - warmUp
    say(`${connected} stations are set up`)
    const kB = (from: number, to: number) => (to - from) / more / 1_000
    return [
      measurement({
        measure: 'stations connected and set up in one process',
        value: connected,
        unit: 'stations',
        better: 'higher',
        bar: 20_000,
      }),
      ...(limit === null ? [] : [allowed(possible)]),
      measurement({
        measure: 'resident memory of each station',
        value: kB(before.rssBytes, after.rssBytes),
        unit: 'kB',
        better: 'lower',
        bar: 25,
      }),
      measurement({
        measure: 'heap of each station',
        value: kB(before.heapBytes, after.heapBytes),
        unit: 'kB',
        better: 'lower',
      }),
      measurement({
        measure: 'stations connected and set up per second',
        value: more / seconds,
        unit: '1/s',
        better: 'higher',
      }),
      measurement({
        measure: 'processor time to connect and set up a station',
        value: ((processorSeconds - busyBefore) / more) * 1_000,
        unit: 'ms',
        better: 'lower',
      }),
    ]
  } finally {
    await world.stop()
  }
}

/** Where this misses the bar, the machine forbids what the line before it asks for. */
function allowed(stations: number): Measurement {
  return measurement({
    measure: 'stations that the open-files limit of this machine allows one process',
    value: stations,
    unit: 'stations',
    better: 'higher',
    bar: 20_000,
  })
}
