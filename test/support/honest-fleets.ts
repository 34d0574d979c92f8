import { resourceId } from '#domain/ids.ts'
import type { Rating } from '#domain/resource.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { aResource, WINDOW_START } from './builders.ts'

/*
 * Loads of people who do nothing wrong, from one seed: chargers at home that are there on some
 * days and not on others, and batteries that follow the house. Energies are of quarter-hours.
 */

export const QUARTERS_BEFORE = 12
export const QUARTERS_IN = 4
export const DAYS = 45

export type HonestDay = {
  readonly start: Instant
  /** Three hours before the window and the window. */
  readonly wh: readonly number[]
}

export type HonestDevice = {
  readonly resourceId: ReturnType<typeof resourceId>
  readonly rating: Rating
  /** Newest first; the first is the day of the call, before anything was ordered. */
  readonly days: readonly HonestDay[]
}

/** Numbers from 0 up to 1 that one seed repeats (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

export function honestFleet(seed: number, count: number): HonestDevice[] {
  const random = seeded(seed)
  return Array.from({ length: count }, (_, i) => {
    const id = `honest-${String(i).padStart(5, '0')}`
    const kind = random() < 0.6 ? 'charger' : 'battery'
    const { rating } = aResource(id, kind, 0n)
    const day = kind === 'charger' ? chargerDays(random) : batteryDays(random)
    const days = Array.from({ length: DAYS }, (_, back) => ({
      start: addSeconds(WINDOW_START, -back * 86_400),
      wh: day(),
    }))
    return { resourceId: resourceId(id), rating, days }
  })
}

/** A car that comes home at about the same time on most days, and needs more or less. */
function chargerDays(random: () => number): () => number[] {
  const comes = 0.4 + 0.5 * random()
  const arrival = 4 * random() * 4 - 2
  const [powerW, need] = [random() < 0.5 ? 3680 : 7360, 4000 + 10_000 * random()]
  return () => {
    const from = random() < comes ? arrival + 3 * normal(random) : Infinity
    let leftWh = need * (0.4 + 1.2 * random())
    return quarters((at) => {
      if (at < from) return 0
      const wh = Math.min(leftWh, (powerW / 4) * Math.min(1, at - from + 1))
      leftWh -= wh
      return wh * (1 + 0.01 * normal(random))
    })
  }
}

/** A battery behind a house: sun in the afternoon goes in, the evening takes it out. */
function batteryDays(random: () => number): () => number[] {
  const [panels, house] = [1500 + 2500 * random(), 300 + 500 * random()]
  return () => {
    const sun = random()
    return quarters((at) => {
      const sunW = Math.max(0, panels * sun * (1 - at / 10) * (1 + 0.2 * normal(random)))
      const houseW = house * (1 + 0.4 * normal(random))
      return Math.max(-1250, Math.min(1250, (sunW - houseW) / 4)) * 0.3
    })
  }
}

function quarters(of: (quarter: number) => number): number[] {
  return Array.from({ length: QUARTERS_BEFORE + QUARTERS_IN }, (_, i) => Math.round(of(i)))
}

export const before = ({ wh }: HonestDay): number =>
  wh.slice(0, QUARTERS_BEFORE).reduce((sum, value) => sum + value, 0)
export const inside = ({ wh }: HonestDay): number =>
  wh.slice(QUARTERS_BEFORE).reduce((sum, value) => sum + value, 0)
