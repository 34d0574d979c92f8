import { cannotAnswer, ratingForCurves } from '#domain/armed-curve.ts'
import { DomainError, fieldError } from '#domain/errors.ts'
import { standingOfferAnswers } from '#domain/flexibility-offer.ts'
import type { CongestionPointId, OrganisationId, ResourceId } from '#domain/ids.ts'
import type { Program } from '#domain/program.ts'
import {
  type AvailabilityReading,
  type ForecastTime,
  forecastFrom,
  type HeldDay,
  type HeldForecast,
  heldOn,
  type LikeDay,
  likeDays,
} from '#domain/reliability/availability.ts'
import { couldHaveGiven } from '#domain/reliability/could-have-given.ts'
import type { Direction, Resource } from '#domain/resource.ts'
import {
  addSeconds,
  formatInstant,
  type Instant,
  settlementPeriodStarts,
  type TimeWindow,
} from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { ratingToPromise, withoutConsent } from './find-candidates.ts'

export type Asked = {
  readonly congestionPointId: CongestionPointId
  readonly window: TimeWindow
  readonly direction: Direction
}
/** Who asks: a DSO of its own grid, an aggregator of its own devices; both null: the operator. */
export type Asker = {
  readonly dsoId: OrganisationId | null
  readonly aggregatorId: OrganisationId | null
}

const WINDOW_SECONDS_MAX = 6 * 3_600
const AHEAD_SECONDS_MAX = 14 * 86_400
/** Registers that one like day may take: devices times settlement periods. */
const DEVICE_PERIODS_MAX = 100_000
/** What fewer devices hold tells a DSO how single households live. */
const DSO_DEVICES_MIN = 5

/**
 * What can be held for the whole of a window at a congestion point, per class of device, from the
 * readings that are stored now of days that have ended. Only devices count that would answer a
 * request there now, at the program's highest price; when cars leave, what is promised by then and
 * where in the network a device lies is not looked at. A DSO is not told of a class of fewer than
 * five devices. @throws DomainError not-found, malformed
 */
export async function forecastAvailability(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  { congestionPointId, window, direction }: Asked,
  { dsoId, aggregatorId }: Asker,
): Promise<{ readonly decidedAt: Instant; readonly held: readonly HeldForecast[] }> {
  const { asked, resources } = await store.transaction(async (tx) => {
    const point = await tx.organisations.congestionPoint(congestionPointId)
    const program = point === null ? null : await tx.organisations.program(point.dsoId)
    const isForeign = dsoId !== null && point?.dsoId !== dsoId
    if (point === null || program === null || isForeign) {
      throw new DomainError('not-found', `there is no congestion point ${congestionPointId}`)
    }
    const decidedAt = clock.now()
    const { timeZone, settlementPeriodSeconds: periodSeconds, holidays = [] } = program
    checkWindow(window, periodSeconds, decidedAt)
    const asked = { window, decidedAt, periodSeconds, timeZone, holidays: new Set(holidays) }
    const mine = aggregatorId === null ? {} : { aggregatorId }
    const enrolled = await tx.resources.list({ congestionPointId, ...mine })
    return { asked, resources: await answering(tx, enrolled, program, { window, direction }) }
  })
  checkSize(resources.length, asked)
  const days: HeldDay[] = []
  // A transaction for each day: readings are never changed, and no connection is kept for long.
  for (const day of likeDays(asked)) {
    days.push(await store.transaction((tx) => heldOnDay(tx, resources, day, asked, direction)))
  }
  const held = forecastFrom(days)
  const { decidedAt } = asked
  if (dsoId === null) return { decidedAt, held }
  return { decidedAt, held: held.filter(({ devices }) => devices >= DSO_DEVICES_MIN) }
}

function checkWindow({ start, end }: TimeWindow, periodSeconds: number, now: Instant): void {
  const isAligned = [start, end].every((at) => at % (periodSeconds * 1000) === 0)
  if (!isAligned || end <= start || end > addSeconds(start, WINDOW_SECONDS_MAX)) {
    const expected = `whole settlement periods of ${periodSeconds} s after the start, of six hours at most`
    throw fieldError('malformed', 'query.end', expected, formatInstant(end))
  }
  if (start < now || start > addSeconds(now, AHEAD_SECONDS_MAX)) {
    const expected = `a start from ${formatInstant(now)} on, within 14 days`
    throw fieldError('malformed', 'query.start', expected, formatInstant(start))
  }
}

/** Refuses what one day's registers would be too many for. @throws DomainError malformed */
export function checkSize(
  devices: number,
  { window, periodSeconds }: Pick<ForecastTime, 'window' | 'periodSeconds'>,
): void {
  const periods = settlementPeriodStarts(window, periodSeconds).length
  if (devices * periods <= DEVICE_PERIODS_MAX) return
  const most = Math.floor(DEVICE_PERIODS_MAX / devices)
  const expected = `${most} settlement periods at most, for ${devices} devices`
  throw fieldError('malformed', 'query.end', expected, formatInstant(window.end))
}

/** The devices that would answer a request, each with the rating that may be promised of it. */
async function answering(
  tx: StoreTransaction,
  enrolled: readonly Resource[],
  program: Program,
  { window, direction }: Pick<Asked, 'window' | 'direction'>,
): Promise<Resource[]> {
  const ids = enrolled.map(({ id }) => id)
  const limits = await tx.control.limits(ids)
  const owners = new Map(limits.map((said) => [said.resourceId, said]))
  const known = await tx.resources.capabilities(ids)
  const capabilities = new Map(known.map((one) => [one.resourceId, one.capability]))
  const request = { direction, window, priceCap: program.priceCapMax }
  return enrolled.flatMap((resource) => {
    const owner = owners.get(resource.id)
    const capability = capabilities.get(resource.id) ?? null
    const no =
      withoutConsent(owner) ??
      standingOfferAnswers(resource, request, program.timeZone) ??
      cannotAnswer(program, capability)
    if (no !== null) return []
    const whole = ratingToPromise(resource, program, capability, owner)
    const rating = ratingForCurves(whole, { program, request }, capability)
    return [{ ...resource, rating }]
  })
}

/** One day's registers, brought together to what each class held. */
async function heldOnDay(
  tx: StoreTransaction,
  resources: readonly Resource[],
  day: LikeDay,
  { periodSeconds, window }: ForecastTime,
  direction: Direction,
): Promise<HeldDay> {
  const { starts } = day
  const [first] = starts
  if (first === undefined || resources.length === 0) return heldOn(day, [], window)
  const ids = resources.map(({ id }) => id)
  const instants = new Set(starts.flatMap((start) => [start, addSeconds(start, periodSeconds)]))
  const registers = await tx.readings.registersAt(ids, [...instants])
  const registerAt = new Map(registers.map((r) => [key(r.resourceId, r.at), r.registerWh]))
  const batteries = resources.filter(({ kind }) => kind === 'battery').map(({ id }) => id)
  const before = batteries.length === 0 ? [] : await tx.readings.lastBefore(batteries, first)
  const fresh = before.filter(({ at }) => at >= addSeconds(first, -periodSeconds))
  const socOf = new Map(fresh.map(({ resourceId, socBp }) => [resourceId, socBp]))
  const periods = starts.map((start) => {
    const end = addSeconds(start, periodSeconds)
    const readings = new Map<ResourceId, AvailabilityReading>()
    for (const resource of resources) {
      const from = registerAt.get(key(resource.id, start))
      const until = registerAt.get(key(resource.id, end))
      if (from === undefined || until === undefined) continue
      const meanW = ((until - from) * 3600) / periodSeconds
      const socBp = socOf.get(resource.id) ?? null
      const could = couldHaveGiven({ resource, start, end, meanW, socBp }, direction)
      if (could !== null) readings.set(resource.id, could)
    }
    return readings
  })
  const enrolled = resources.filter(({ enrolledAt }) => enrolledAt <= first)
  return heldOn(day, periods, window, enrolled)
}

function key(resourceId: ResourceId, at: Instant): string {
  return `${resourceId} ${at}`
}
