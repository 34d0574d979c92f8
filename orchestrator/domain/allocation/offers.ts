import type { Allocation, Candidate, Offerable, PeriodNeed } from '../allocation.ts'
import type { Direction } from '../resource.ts'
import { secondsBetween } from '../time.ts'
import type { Limits, Wanted } from './limits.ts'

/** Orders are whole hundreds of W. */
export const STEP_W = 100

/** What is asked for, of a call's needs. */
export function wantedOf(needs: readonly PeriodNeed[]): Wanted {
  return {
    powerW: needs.map(({ powerW }) => powerW),
    hours: needs.map(({ start, end }) => secondsBetween(start, end) / 3600),
  }
}

/**
 * What a resource offers, as limits in whole steps. A charger that reduces goes down to its least
 * power or stops (IEC 61851: there is nothing between 0 and 6 A); a car that may give power back
 * goes on beyond the stop.
 */
export function limitsOf(
  offer: Offerable,
  needs: readonly PeriodNeed[],
  direction: Direction,
): Limits {
  const { candidate, fromW, powerMaxW, energyMaxWh } = offer
  const { kind, rating, resourceId } = candidate
  const plain = {
    id: resourceId,
    price: Number(candidate.price),
    energyWh: energyMaxWh,
    rotation: candidate.calledBp ?? 0,
    ...leastOf(candidate, needs),
  }
  if (kind !== 'charger' || direction !== 'reduce-import') {
    return { ...plain, maxW: powerMaxW.map(floorToStepW) }
  }
  const stops = fromW.map((from, i) => {
    const most = powerMaxW[i] ?? 0
    const mayStop = rating.exportMaxW > 0 || rating.pausable
    if (!mayStop || from <= 0 || most < from) return null
    const stop = Math.max(floorToStepW(from), plain.minW ?? 0)
    // Below its least part it does not stop either, unless it gives more by feeding back.
    if (stop > floorToStepW(from) && (rating.exportMaxW <= 0 || most < stop)) return null
    return { stop, most }
  })
  const maxW = fromW.map((from, i) => {
    return floorToStepW(Math.min(powerMaxW[i] ?? 0, from - rating.importMinW))
  })
  const stopW = stops.map((one) => one?.stop ?? 0)
  const stopToW = stops.map((one) => {
    if (one === null) return 0
    return rating.exportMaxW > 0 ? floorToStepW(one.most) : one.stop
  })
  if (plain.allOrNothing !== true) return { ...plain, maxW, stopW, stopToW }
  return { ...plain, maxW: maxW.map((most, i) => Math.max(most, stopToW[i] ?? 0)) }
}

/** What a resource refuses to give less of. */
function leastOf(
  { conditions = {} }: Candidate,
  needs: readonly PeriodNeed[],
): Pick<Limits, 'minW' | 'minOnPeriods' | 'allOrNothing'> {
  const { powerMinW = 0, onSecondsMin = 0, allOrNothing = false } = conditions
  if (allOrNothing) return { allOrNothing }
  if (powerMinW <= 0 && onSecondsMin <= 0) return {}
  const shortest = Math.min(...needs.map(({ start, end }) => secondsBetween(start, end)))
  return {
    // Less than a step cannot be told from standing still.
    minW: Math.max(STEP_W, Math.ceil(powerMinW / STEP_W) * STEP_W),
    minOnPeriods: Math.max(1, Math.ceil(onSecondsMin / shortest)),
  }
}

/** The parts of a call that such powers are, in merit order; a resource at 0 W has none. */
export function allocationsOf(
  offers: readonly Offerable[],
  needs: readonly PeriodNeed[],
  powerW: readonly (readonly number[])[],
  direction: Direction,
  role: Allocation['role'],
): Allocation[] {
  const parts = offers.map((offer, i) => ({ offer, powers: powerW[i] ?? [] }))
  return parts
    .sort((a, b) => meritOrder(a.offer.candidate, b.offer.candidate))
    .flatMap(({ offer, powers }): Allocation[] => {
      const periods = needs.flatMap(({ start, end }, t) => {
        const given = powers[t] ?? 0
        if (given <= 0) return []
        const setpointW = setpointOf(offer, offer.fromW[t] ?? 0, given, direction)
        return [{ start, end, powerW: given, setpointW }]
      })
      const { resourceId } = offer.candidate
      return periods.length === 0 ? [] : [{ resourceId, role, periods, releasedAt: null }]
    })
}

/** The most that a resource can give in all periods together, whole Wh. */
export function offeredWhOf(
  { powerMaxW, energyMaxWh }: Offerable,
  needs: readonly PeriodNeed[],
): number {
  const wh = needs.reduce(
    (sum, { start, end }, i) => sum + ((powerMaxW[i] ?? 0) * secondsBetween(start, end)) / 3600,
    0,
  )
  return Math.floor(Math.min(wh, energyMaxWh))
}

/** Cheapest first; of equal prices who was called least lately, then by id. */
export function meritOrder(a: Candidate, b: Candidate): number {
  if (a.price !== b.price) return a.price < b.price ? -1 : 1
  const [lately, other] = [a.calledBp ?? 0, b.calledBp ?? 0]
  if (lately !== other) return lately - other
  return a.resourceId < b.resourceId ? -1 : 1
}

function setpointOf(
  { candidate }: Offerable,
  fromW: number,
  powerW: number,
  direction: Direction,
): number {
  if (direction === 'increase-import') return fromW + powerW
  const { kind, rating } = candidate
  const left = fromW - powerW
  if (kind === 'charger' && left < 0) return rating.exportMaxW > 0 ? left : 0
  return kind === 'charger' && left < rating.importMinW ? 0 : left
}

function floorToStepW(powerW: number): number {
  return Math.max(0, Math.floor(powerW / STEP_W) * STEP_W)
}
