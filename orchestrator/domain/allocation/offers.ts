import type { Allocation, Candidate, Offerable, PeriodNeed } from '../allocation.ts'
import { WHOLE_EFFECT_BP } from '../network-effect.ts'
import { meanReachedW, powerForMean, type SinceTold } from '../reaction.ts'
import type { Direction } from '../resource.ts'
import { secondsBetween } from '../time.ts'
import type { Limits, Wanted } from './limits.ts'

/** Orders are whole hundreds of W, but for what these would leave open of a request. */
export const STEP_W = 100

/** What is asked for, of a call's needs. */
export function wantedOf(needs: readonly PeriodNeed[]): Wanted {
  return {
    powerW: needs.map(({ powerW }) => powerW),
    hours: needs.map(({ start, end }) => secondsBetween(start, end) / 3600),
  }
}

/**
 * What a resource offers, as limits in whole steps: the mean of each period, which is less than its
 * power while it has not come to its setpoint. A charger that reduces goes down to its least
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
    price: Number(countedPrice(candidate)),
    energyWh: energyMaxWh,
    rotation: candidate.calledBp ?? 0,
    ...(candidate.effectBp === undefined ? {} : { effect: candidate.effectBp / 10_000 }),
    ...leastOf(candidate, needs),
  }
  const reached = (powerW: number, i: number) => {
    return floorToStepW(meanReachedW(rating, Math.max(0, powerW), sinceTold(needs, i)))
  }
  if (kind !== 'charger' || direction !== 'reduce-import') {
    return { ...plain, maxW: powerMaxW.map(reached) }
  }
  const stops = fromW.map((from, i) => {
    const most = powerMaxW[i] ?? 0
    const mayStop = rating.exportMaxW > 0 || rating.pausable
    if (!mayStop || from <= 0 || most < from) return null
    const stop = Math.max(reached(from, i), plain.minW ?? 0)
    // Below its least part it does not stop either, unless it gives more by feeding back.
    if (stop > reached(from, i) && (rating.exportMaxW <= 0 || reached(most, i) < stop)) return null
    return { stop, most }
  })
  const maxW = fromW.map((from, i) => {
    return reached(Math.min(powerMaxW[i] ?? 0, from - rating.importMinW), i)
  })
  const stopW = stops.map((one) => one?.stop ?? 0)
  const stopToW = stops.map((one, i) => {
    if (one === null) return 0
    return rating.exportMaxW > 0 ? reached(one.most, i) : one.stop
  })
  if (plain.allOrNothing !== true) return { ...plain, maxW, stopW, stopToW }
  return { ...plain, maxW: maxW.map((most, i) => Math.max(most, stopToW[i] ?? 0)) }
}

/** What a resource refuses to give less of. */
function leastOf(
  { conditions = {} }: Candidate,
  needs: readonly PeriodNeed[],
): Pick<Limits, 'minW' | 'minOnPeriods' | 'minOnHours' | 'allOrNothing'> {
  const { powerMinW = 0, onSecondsMin = 0, allOrNothing = false } = conditions
  if (allOrNothing) return { allOrNothing }
  if (powerMinW <= 0 && onSecondsMin <= 0) return {}
  const shortest = Math.min(...needs.map(({ start, end }) => secondsBetween(start, end)))
  return {
    // Less than a step cannot be told from standing still.
    minW: Math.max(STEP_W, Math.ceil(powerMinW / STEP_W) * STEP_W),
    minOnPeriods: Math.max(1, Math.ceil(onSecondsMin / shortest)),
    ...(onSecondsMin > 0 ? { minOnHours: onSecondsMin / 3600 } : {}),
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
        const told = toldW(offer, t, given, { stretch: sinceTold(needs, t), direction })
        const setpointW = setpointOf(offer, offer.fromW[t] ?? 0, told, direction)
        return [{ start, end, powerW: given, setpointW }]
      })
      const { resourceId } = offer.candidate
      return periods.length === 0 ? [] : [{ resourceId, role, periods, releasedAt: null }]
    })
}

/** By what a device is told to move, so that the mean of the period is what it is to give. */
function toldW(
  { candidate: { kind, rating }, fromW, powerMaxW }: Offerable,
  t: number,
  givenW: number,
  { stretch, direction }: { readonly stretch: SinceTold; readonly direction: Direction },
): number {
  const whole = powerMaxW[t] ?? 0
  // A charger that is to go on charging is told no less than its least power.
  const going = Math.max(0, (fromW[t] ?? 0) - rating.importMinW)
  const isGoing =
    kind === 'charger' &&
    direction === 'reduce-import' &&
    givenW <= meanReachedW(rating, going, stretch)
  const mostW = isGoing ? Math.min(going, whole) : whole
  return powerForMean(rating, givenW, stretch, { stepW: STEP_W, mostW })
}

/**
 * A period, counted from when devices are told of it at the soonest: a slow one is told before it
 * begins, but not before the first does.
 */
function sinceTold(needs: readonly PeriodNeed[], i: number): SinceTold {
  const [first, need] = [needs[0], needs[i]]
  if (first === undefined || need === undefined) throw new RangeError(`there is no period ${i}`)
  const { start, end, toldFrom = first.start } = need
  const told = toldFrom > first.start ? toldFrom : first.start
  return { from: secondsBetween(told, start), until: secondsBetween(told, end) }
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

/** What it counts with in merit order, micro-EUR per kWh; it is paid what it asks. */
export function countedPrice({ price, bandPrice }: Pick<Candidate, 'price' | 'bandPrice'>): bigint {
  return bandPrice ?? price
}

/** Cheapest effect first; of equal ones who was called least lately, then by id. */
export function meritOrder(a: Candidate, b: Candidate): number {
  const [price, other] = [countedPrice(a) * effectOf(b), countedPrice(b) * effectOf(a)]
  if (price !== other) return price < other ? -1 : 1
  const lately = (a.calledBp ?? 0) - (b.calledBp ?? 0)
  if (lately !== 0) return lately
  return a.resourceId < b.resourceId ? -1 : 1
}

/** Of one without any effect the price is endless; two of them differ by what they ask. */
function effectOf({ effectBp = WHOLE_EFFECT_BP }: Candidate): bigint {
  return BigInt(Math.max(1, effectBp))
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
