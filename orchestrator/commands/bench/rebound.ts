import { load } from '#adapters/highs/solve.ts'
import { resourceId } from '#domain/ids.ts'
import { planRebound, type Recovery } from '#domain/rebound.ts'
import { addSeconds, instant } from '#domain/time.ts'
import { seededRandom } from '#simulations/random.ts'
import { type BenchRun, type Measurement, measurement, median } from './measurement.ts'
import { leastOvershoots, type ReboundCase, replay } from './rebound-optimum.ts'

const WINDOW_END = instant(1_768_413_600_000)
const PERIODS = 24
const PERIOD_SECONDS = 900

/** Evenings after a window: is the room of the congestion point passed where a schedule keeps it? */
export async function run({ size, seed, timer, say }: BenchRun): Promise<Measurement[]> {
  const [count, cars] = [size('evenings', 100), size('cars', 60)]
  const highs = await load()
  const times: number[] = []
  const [kept, passed]: [number[], number[]] = [[], []]
  let lacking = 0
  for (let i = 0; i < count; i += 1) {
    const evening = eveningOf(seed * 100_000 + i, cars)
    const [least = Number.NaN] = leastOvershoots(highs, [evening])
    const must = Math.ceil(least - 1e-4)
    const begun = timer.monotonicMs()
    const plan = planRebound(evening.recoveries, evening.periods)
    times.push(timer.monotonicMs() - begun)
    const { sums, inTime } = replay(evening, plan)
    const over = evening.periods.map(({ roomW }, t) => (sums[t] ?? 0) - (roomW ?? 0))
    const overW = Math.max(0, ...over)
    const lack = evening.recoveries.map(({ neededWh }, k) => neededWh - (inTime[k] ?? 0))
    if (must === 0) kept.push(overW)
    else passed.push(overW - must)
    lacking = Math.max(lacking, ...lack)
  }
  say(`${count} evenings: ${kept.length} can keep the room, ${passed.length} cannot`)
  const what = `${count} evenings × ${cars} cars × ${PERIODS} quarter hours`
  const watts = { unit: 'W', better: 'lower' } as const
  return [
    measurement({
      measure: `${what}: in which a schedule keeps the room, as HiGHS finds`,
      value: kept.length,
      unit: 'evenings',
      better: 'higher',
    }),
    measurement({
      ...watts,
      measure: `${what}: most above the room, where a schedule keeps it`,
      value: Math.max(0, ...kept),
      bar: 0,
    }),
    measurement({
      ...watts,
      measure: `${what}: most above what every schedule must pass it by, where none keeps it`,
      value: Math.max(0, ...passed),
      bar: 0,
    }),
    measurement({
      measure: `${what}: most that a car lacks at its departure`,
      value: lacking,
      unit: 'Wh',
      better: 'lower',
    }),
    measurement({
      measure: `${what}: time of a plan, median`,
      value: median(times),
      unit: 'ms',
      better: 'lower',
    }),
  ]
}

/** Cars that stood still in the window, most with a departure, and a room that changes. */
function eveningOf(seed: number, cars: number): ReboundCase {
  const random = seededRandom(seed, 'rebound')
  const room = random.between(0.15, 0.5)
  const recoveries = Array.from({ length: cars }, (_, i): Recovery => {
    const powerMaxW = random.pick([3_680, 7_360, 11_040])
    const leaves = random.integer(4, PERIODS)
    const hasDeparture = random.next() < 0.7
    const mostWh = (powerMaxW * leaves * PERIOD_SECONDS) / 3_600
    const neededWh = hasDeparture ? mostWh * random.between(0, 0.8) : 0
    return {
      resourceId: resourceId(`car-${i}`),
      powerMaxW,
      floorW: 0,
      minimumW: 0,
      heldW: 0,
      energyWh: neededWh + powerMaxW * random.next(),
      neededWh,
      readyBy: hasDeparture ? addSeconds(WINDOW_END, leaves * PERIOD_SECONDS) : null,
      restartFrom: addSeconds(WINDOW_END, i * 10),
      freeBy: null,
    }
  })
  const allW = recoveries.reduce((sum, { powerMaxW }) => sum + powerMaxW, 0)
  const periods = Array.from({ length: PERIODS }, (_, t) => ({
    start: addSeconds(WINDOW_END, t * PERIOD_SECONDS),
    end: addSeconds(WINDOW_END, (t + 1) * PERIOD_SECONDS),
    roomW: Math.floor(allW * room * random.between(0.6, 1.4)),
  }))
  return { recoveries, periods }
}
