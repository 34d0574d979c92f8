import type { DeviceCondition } from './capability.ts'
import { givenOf, takenToStore } from './battery-losses.ts'
import type { Candidate, Offerable, PeriodNeed, SkippedResource } from './allocation.ts'
import { TAKEN_BACK } from './charge-now.ts'
import type { FlexibilityRequest } from './flexibility-request.ts'
import { type Promised, sayPromised, shareAnInstant } from './promised.ts'
import type { ChargingSession, Direction, Rating, Resource } from './resource.ts'
import type { DeviceReading } from './telemetry.ts'
import {
  formatInstant,
  type Instant,
  localMinuteOfDay,
  secondsBetween,
  type TimeWindow,
} from './time.ts'

/** What is known of one resource when it is asked what it can do. */
export type ResourceNow = {
  readonly candidate: Candidate
  /** The last reading at or before the look; null: it has none that is fresh. */
  readonly reading: DeviceReading | null
  readonly session: ChargingSession | null
  /** What others do to it; null: nobody does anything. */
  readonly condition: DeviceCondition | null
  /** Since when its owner has taken it back for some time; absent: he has not. */
  readonly chargeNowSince?: Instant
  /** What other calls hold of it, ordered or in their reserve. */
  readonly promised: readonly Promised[]
  /** Energy that it has still to give to other calls in the same direction, Wh. */
  readonly promisedWh: number
  /** No more than that may be promised of it, W; absent: all that it can do. */
  readonly mostW?: number
  /** Where it will stand when the window begins, W: a battery's own last reading. */
  readonly lookedAt: Instant
}

/** Less than this is not worth a setpoint. */
const LEAST_W = 100
const LEAST_WH = 25
const MINUTES_PER_DAY = 1440

/** Does the standing offer hold for this request? Otherwise the reason why not. */
export function standingOfferAnswers(
  resource: Resource,
  request: Pick<FlexibilityRequest, 'direction' | 'window' | 'priceCap'>,
  timeZone: string,
): SkippedResource | null {
  const { offer } = resource
  const skip = (reason: SkippedResource['reason'], detail: string): SkippedResource => ({
    resourceId: resource.id,
    reason,
    detail,
  })
  if (!offer.directions.includes(request.direction)) {
    return skip('not-offered', `offers ${offer.directions.join(' and ')}, not ${request.direction}`)
  }
  if (!isOpenFor(offer, request.window, timeZone)) {
    return skip('not-offered', `offers local minutes ${offer.fromMinute} to ${offer.untilMinute}`)
  }
  if (offer.price > request.priceCap) {
    return skip('price-above-cap', `asks ${offer.price} micro-EUR/kWh, cap is ${request.priceCap}`)
  }
  return null
}

/** Minutes of the local day; from above until holds over midnight. */
function isOpenFor(
  { fromMinute, untilMinute }: Resource['offer'],
  window: TimeWindow,
  timeZone: string,
): boolean {
  if (fromMinute === 0 && untilMinute === MINUTES_PER_DAY) return true
  const from = localMinuteOfDay(window.start, timeZone)
  const lengthMinutes = secondsBetween(window.start, window.end) / 60
  const openMinutes = (untilMinute - fromMinute + MINUTES_PER_DAY) % MINUTES_PER_DAY
  const sinceOpen = (from - fromMinute + MINUTES_PER_DAY) % MINUTES_PER_DAY
  return sinceOpen + lengthMinutes <= (openMinutes === 0 ? MINUTES_PER_DAY : openMinutes)
}

/** What a resource can do in each period, or why it can do nothing. */
export function offerable(
  now: ResourceNow,
  needs: readonly PeriodNeed[],
  direction: Direction,
): Offerable | SkippedResource {
  const skip = (reason: SkippedResource['reason'], detail: string): SkippedResource => ({
    resourceId: now.candidate.resourceId,
    reason,
    detail,
  })
  const { externalLimitW = null, externalSource = null } = now.condition ?? {}
  if (now.chargeNowSince !== undefined) {
    const since = formatInstant(now.chargeNowSince)
    const { kind } = now.candidate
    const reason = kind === 'battery' ? 'kept-by-owner' : 'driver-override'
    return skip(reason, `its owner ${TAKEN_BACK[kind].since} at ${since}`)
  }
  const overrideSince = now.condition?.overrideSince ?? null
  if (overrideSince !== null) {
    return skip(
      'driver-override',
      `the driver asked for full power at ${formatInstant(overrideSince)}`,
    )
  }
  if (externalLimitW === 0 && now.candidate.kind === 'battery') {
    // Of a battery that is all that can be said: somebody else steers it (LOCAL), either way.
    return skip('limited-elsewhere', `held at 0 W by ${externalSource ?? 'somebody else'}`)
  }
  const drawnW = now.reading?.powerW ?? null
  if (now.reading === null || drawnW === null) {
    return skip('not-connected', 'no fresh reading')
  }
  // It will draw no more than what somebody else lets it: only that can be taken away.
  const powerW = externalLimitW === null ? drawnW : Math.min(drawnW, Math.floor(externalLimitW))
  if (powerW < LEAST_W && powerW < drawnW && now.candidate.kind === 'charger') {
    return skip('limited-elsewhere', `limited to ${externalLimitW} W by others`)
  }
  const { refused } = now.candidate.baseline
  if (refused !== null && now.candidate.kind === 'battery') {
    const { reason, expected, got } = refused
    return skip('no-baseline', `${reason}: expected ${expected}, got ${got}`)
  }
  const found =
    now.candidate.kind === 'battery'
      ? batteryCapability(now, now.reading, powerW, needs, direction, externalLimitW)
      : chargerCapability(now, now.reading, powerW, needs, direction)
  if ('reason' in found) return skip(found.reason, found.detail)
  const powerMaxW = found.powerMaxW.map((power, i) =>
    isPromised(now, needs[i] as PeriodNeed) ? 0 : Math.min(power, now.mostW ?? power),
  )
  if (found.powerMaxW.some((p) => p >= LEAST_W) && powerMaxW.every((p) => p < LEAST_W)) {
    const held = sayPromised(now.promised)
    return skip('already-promised', `what it gives is sold once: it is ${held}`)
  }
  if (powerMaxW.every((p) => p < LEAST_W)) {
    return externalLimitW === null
      ? skip('no-capability', found.why)
      : skip('limited-elsewhere', `limited to ${externalLimitW} W by others; ${found.why}`)
  }
  const energyMaxWh = Math.max(0, found.energyMaxWh - now.promisedWh)
  if (now.promisedWh > 0 && energyMaxWh < LEAST_WH) {
    const has = `${Math.floor(found.energyMaxWh)} Wh to give`
    return skip('already-promised', `of ${has} it owes ${now.promisedWh} Wh to other calls`)
  }
  return { candidate: now.candidate, fromW: found.fromW, powerMaxW, energyMaxWh }
}

/** Whether another call holds it in any instant of a period, however that call cuts its own. */
function isPromised({ promised }: ResourceNow, { start, end }: PeriodNeed): boolean {
  return promised.some((one) => shareAnInstant(one, { periodStart: start, periodEnd: end }))
}

type Capability = {
  readonly fromW: number[]
  readonly powerMaxW: number[]
  readonly energyMaxWh: number
  readonly why: string
}
type No = { readonly reason: SkippedResource['reason']; readonly detail: string }

function batteryCapability(
  { candidate }: ResourceNow,
  reading: DeviceReading,
  powerW: number,
  needs: readonly PeriodNeed[],
  direction: Direction,
  limitW: number | null,
): Capability | No {
  if (reading.socBp === null) return { reason: 'no-capability', detail: 'tells no state of charge' }
  const { rating } = candidate
  const storedWh = (reading.socBp / 10_000) * rating.energyWh
  const reduces = direction === 'reduce-import'
  const energyMaxWh = reduces
    ? givenOf(Math.max(0, storedWh - rating.reserveWh))
    : takenToStore(Math.max(0, rating.energyWh - storedWh))
  const importMaxW = Math.min(rating.importMaxW, Math.floor(limitW ?? rating.importMaxW))
  const most = reduces ? powerW + rating.exportMaxW : importMaxW - powerW
  return {
    fromW: needs.map(() => powerW),
    powerMaxW: needs.map(() => Math.max(0, most)),
    energyMaxWh,
    why: `at ${reading.socBp} bp state of charge and ${powerW} W there is nothing left to move`,
  }
}

/**
 * A charger gives what it draws now or by its baseline, whichever is less, as far as the car is
 * still ready by its departure: slack = what it can still draw from the window's start to the
 * departure, minus what it still needs. A limit is counted from the baseline: where the car draws
 * more than that it loses the difference, too. A car that may give power back gives beyond that
 * what lies above its reserve now. In a period that ends after its departure it gives nothing: what
 * it would not draw anyway cannot be taken from it, and is not to be paid.
 */
function chargerCapability(
  now: ResourceNow,
  reading: DeviceReading,
  powerW: number,
  needs: readonly PeriodNeed[],
  direction: Direction,
): Capability | No {
  const { candidate, session } = now
  if (direction === 'increase-import') {
    return { reason: 'no-capability', detail: 'a charging car already takes what it can' }
  }
  if (session === null) return { reason: 'no-capability', detail: 'no car is charging' }
  if (candidate.baselineW.length !== needs.length) {
    const { refused } = candidate.baseline
    const detail = refused ? `expected ${refused.expected}, got ${refused.got}` : 'it has no curve'
    return { reason: 'no-baseline', detail }
  }
  const fromW = candidate.baselineW.map((baseline) => Math.min(baseline, powerW))
  const slackWh = slack(session, reading, powerW, needs, fromW)
  if (slackWh === null) {
    return { reason: 'departure', detail: 'nobody told when the car must be ready, and how full' }
  }
  if (slackWh < 100) {
    return { reason: 'departure', detail: `the car would leave short: ${slackWh} Wh of slack` }
  }
  const isThere = needs.map(({ end }) => session.departureAt !== null && end <= session.departureAt)
  if (!isThere.includes(true)) {
    return { reason: 'departure', detail: 'the car leaves before a period of the window has ended' }
  }
  const back = givesBack(candidate.rating, reading)
  const floorW = candidate.rating.pausable ? -back.powerW : candidate.rating.importMinW
  const drawnWh = needs.reduce((sum, { start, end }, i) => {
    return isThere[i] ? sum + ((fromW[i] ?? 0) * secondsBetween(start, end)) / 3600 : sum
  }, 0)
  return {
    fromW,
    powerMaxW: fromW.map((from, i) => (isThere[i] ? Math.max(0, from - floorW) : 0)),
    energyMaxWh: back.powerW > 0 ? Math.min(slackWh, drawnWh + back.energyWh) : slackWh,
    why: `draws ${powerW} W now, ${candidate.baselineW.join(', ')} W by its baseline`,
  }
}

/** What a car may give back: as far as its owner allows, above the reserve; none if it tells no charge. */
function givesBack(rating: Rating, { socBp }: DeviceReading): { powerW: number; energyWh: number } {
  if (rating.exportMaxW === 0 || socBp === null) return { powerW: 0, energyWh: 0 }
  const storedWh = (socBp / 10_000) * rating.energyWh
  const energyWh = givenOf(Math.max(0, storedWh - rating.reserveWh))
  return { powerW: energyWh > 0 ? rating.exportMaxW : 0, energyWh }
}

function slack(
  session: ChargingSession,
  reading: DeviceReading,
  powerW: number,
  needs: readonly PeriodNeed[],
  fromW: readonly number[],
): number | null {
  const { energyNeededWh, departureAt, startRegisterWh } = session
  const first = needs[0]
  const last = needs.at(-1)
  if (energyNeededWh === null || departureAt === null || startRegisterWh === null) return null
  if (first === undefined || last === undefined) return null
  const toStartWh = (powerW * secondsBetween(reading.at, first.start)) / 3600
  const needWh = energyNeededWh - (reading.registerWh - startRegisterWh) - toStartWh
  const drawableWh = (powerW * secondsBetween(first.start, departureAt)) / 3600
  const isInside = departureAt < last.end
  const afterWh = (powerW * secondsBetween(last.end, departureAt)) / 3600
  // A tenth is kept back: chargers taper, and cars leave early.
  const keptWh = (isInside ? drawableWh : afterWh) / 10
  const aboveWh = needs.reduce((sum, { start, end }, i) => {
    const seconds = Math.max(
      0,
      secondsBetween(start, isInside && departureAt < end ? departureAt : end),
    )
    return sum + ((powerW - (fromW[i] ?? 0)) * seconds) / 3600
  }, 0)
  return Math.floor(Math.max(0, drawableWh - keptWh - aboveWh - Math.max(0, needWh)))
}
