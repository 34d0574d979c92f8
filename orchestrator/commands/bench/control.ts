import { dwellSeconds } from '#domain/control/rules.ts'
import { resourceId } from '#domain/ids.ts'
import { type SeededRandom, seededRandom } from '#simulations/random.ts'
import { type LoopDevice, METERING_SECONDS, runLoop, shortestDwell } from './control-hour.ts'
import { type BenchRun, type Measurement, measurement } from './measurement.ts'

const ORDERED = 20
const RESERVE = 25

type Hour = {
  readonly delivered: number
  /** Device seconds found out later than by the second reading wholly after the acknowledgement. */
  readonly late: number
  /** Devices let go although they obeyed, or kept although they did not. */
  readonly mistaken: number
  /** The shortest time between two changes of one device, of its dwell time. */
  readonly dwell: number
}

/** Hours of calls in which one device in five says yes and does nothing: what the loop makes of it. */
export async function run({ size, seed, timer, say }: BenchRun): Promise<Measurement[]> {
  const count = size('hours', 200)
  const begun = timer.monotonicMs()
  const hours = Array.from({ length: count }, (_, i) => played(seed * 100_000 + i))
  const took = (timer.monotonicMs() - begun) / count
  say(`${count} hours, ${took.toFixed(0)} ms each`)
  const delivered = hours.map((hour) => hour.delivered)
  const what = `${count} hours, one device in five disobeys`
  const share = { unit: 'of ordered', better: 'higher' } as const
  const sum = (of: (hour: Hour) => number) => hours.reduce((all, hour) => all + of(hour), 0)
  const wrong = { unit: 'devices', better: 'lower', bar: 0 } as const
  const late = sum((hour) => hour.late)
  const mistaken = sum((hour) => hour.mistaken)
  return [
    measurement({
      ...share,
      measure: `${what}: least energy delivered in an hour`,
      value: Math.min(...delivered),
      bar: 0.98,
    }),
    measurement({
      ...share,
      measure: `${what}: mean energy delivered`,
      value: sum((hour) => hour.delivered) / count,
    }),
    measurement({
      ...share,
      better: 'lower',
      measure: `${what}: most energy delivered in an hour`,
      value: Math.max(...delivered),
    }),
    measurement({
      ...wrong,
      measure: `${what}: found out later than by the second whole reading`,
      value: late,
    }),
    measurement({
      ...wrong,
      measure: `${what}: let go although they obeyed, or not although they did not`,
      value: mistaken,
    }),
    measurement({
      measure: `${what}: shortest time between two changes of a device, of its dwell time`,
      value: Math.min(...hours.map((hour) => hour.dwell)),
      unit: 'of dwell',
      better: 'higher',
      bar: 1,
    }),
    measurement({ measure: `${what}: time of an hour`, value: took, unit: 'ms', better: 'lower' }),
  ]
}

/** What no meter of this noise tells from nothing is no mistake, W. */
const TELLABLE_W = 600

function played(seed: number): Hour {
  const fleet = fleetOf(seed)
  const hour = runLoop(fleet, seed)
  const gone = new Set(hour.letGo.map(({ id }) => id))
  const toldW = ({ id, orderedW }: LoopDevice) => hour.told.get(id)?.at(-1)?.toW ?? orderedW
  const tellable = new Set(fleet.filter((one) => toldW(one) > TELLABLE_W).map(({ id }) => id))
  const mistaken = fleet.filter(({ id, disobeys }) => {
    return disobeys ? tellable.has(id) && !gone.has(id) : gone.has(id)
  })
  return {
    delivered: hour.givenWs / hour.orderedWs,
    late: hour.letGo.filter(({ id, at, due }) => tellable.has(id) && at > due).length,
    mistaken: mistaken.length,
    dwell: Math.min(
      ...fleet.map((one) => shortestDwell(hour, one) / dwellSeconds(one.kind, METERING_SECONDS)),
    ),
  }
}

/** One in five of those that are ordered, and of those in reserve, disobeys. */
function fleetOf(seed: number): LoopDevice[] {
  const random = seededRandom(seed, 'fleet')
  return [...devices(random, 'ordered', ORDERED), ...devices(random, 'reserve', RESERVE)]
}

function devices(random: SeededRandom, role: 'ordered' | 'reserve', count: number): LoopDevice[] {
  const disobedient = new Set(random.shuffle([...Array(count).keys()]).slice(0, count / 5))
  return Array.from({ length: count }, (_, i) => {
    const kind = random.pick(['charger', 'battery'] as const)
    const powerW = random.integer(20, 110) * 100
    return {
      id: resourceId(`${role}-${i}`),
      kind,
      powerW,
      price: random.integer(1, 450_000),
      orderedW: role === 'reserve' ? 0 : orderOf(random, kind, powerW),
      disobeys: disobedient.has(i),
    }
  })
}

/** A charger is told to stop, or keeps its least power; a battery gives a part of what it can. */
function orderOf(random: SeededRandom, kind: LoopDevice['kind'], powerW: number): number {
  if (kind === 'charger' && random.next() < 0.3) return powerW
  const mostW = kind === 'charger' ? powerW - 1_400 : powerW
  return Math.max(300, Math.floor((mostW * random.between(0.3, 1)) / 100) * 100)
}
