import type { Allocation, Candidate, PeriodNeed } from '../allocation.ts'
import { givenBackFor, takenBackFor } from '../battery-losses.ts'
import type { ResourceId } from '../ids.ts'
import type { Direction } from '../resource.ts'
import { addSeconds, secondsBetween } from '../time.ts'
import type { BehindPoint } from './behind-point.ts'
import type { LoadedInterval } from './new-congestion.ts'

/** An interval of a call, and what each of its parts changes in it, W; + is more consumption. */
export type CallInterval = LoadedInterval & { readonly parts: ReadonlyMap<ResourceId, number> }

export type CallParts = {
  readonly allocations: readonly Allocation[]
  readonly candidates: readonly Candidate[]
  readonly direction: Direction
}

/**
 * What a call changes behind its congestion point: in every period of its window, and in the period
 * after it, in which each device takes back what it gave, as fast as it can. Loads are the feeder's
 * own, and powers the means of periods: a limit of a branch is one of warmth.
 */
export function intervalsOf(
  { feeder, buses }: Pick<BehindPoint, 'feeder' | 'buses'>,
  call: CallParts,
  needs: readonly PeriodNeed[],
): CallInterval[] {
  const last = needs.at(-1)
  if (last === undefined) return []
  const seconds = secondsBetween(last.start, last.end)
  const sign = call.direction === 'reduce-import' ? -1 : 1
  const window = needs.map(({ start, end }) => {
    const powers = call.allocations.map(({ resourceId, periods }) => {
      const powerW = periods.find((period) => period.start === start)?.powerW ?? 0
      return [resourceId, sign * powerW] as const
    })
    return { part: 'window' as const, start, end, parts: new Map(powers) }
  })
  const candidates = new Map(call.candidates.map((one) => [one.resourceId, one]))
  const back = call.allocations.map((part) => {
    const candidate = candidates.get(part.resourceId)
    if (candidate === undefined) throw new Error(`${part.resourceId} is no candidate`)
    return [part.resourceId, takenBackW(part, candidate, call.direction, seconds)] as const
  })
  const [start, end] = [last.end, addSeconds(last.end, seconds)]
  const rebound = { part: 'rebound' as const, start, end, parts: new Map(back) }
  return [...window, rebound].map((interval) => {
    const changes = new Map<number, number>()
    for (const [id, powerW] of interval.parts) {
      const bus = buses.get(id)
      if (bus !== undefined) changes.set(bus, (changes.get(bus) ?? 0) + powerW)
    }
    return { ...interval, loads: feeder.buses, changes }
  })
}

/**
 * Mean W over the seconds after its window by which a device draws more than before the call, if
 * nothing holds it back; less than 0: it gives back what it was asked to take.
 */
export function takenBackW(
  { periods }: Allocation,
  { kind, rating }: Candidate,
  direction: Direction,
  seconds: number,
): number {
  const last = periods.at(-1)
  if (last === undefined) return 0
  const wh = periods.reduce(
    (sum, { start, end, powerW }) => sum + (powerW * secondsBetween(start, end)) / 3600,
    0,
  )
  const meanOf = (energyWh: number) => (energyWh * 3600) / seconds
  if (direction === 'increase-import') {
    const fromW = last.setpointW - last.powerW
    return -Math.min(Math.max(0, rating.exportMaxW + fromW), meanOf(givenBackFor(wh)))
  }
  const fromW = last.setpointW + last.powerW
  const backWh = kind === 'battery' ? takenBackFor(wh) : wh
  return Math.min(Math.max(0, rating.importMaxW - fromW), meanOf(backWh))
}
