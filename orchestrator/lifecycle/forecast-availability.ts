import { DomainError, fieldError } from '#domain/errors.ts'
import type { CongestionPointId, OrganisationId, ResourceId } from '#domain/ids.ts'
import {
  type AvailabilityReading,
  DAYS_MAX,
  type ForecastQuestion,
  forecastHeld,
  type HeldForecast,
  type LikeDay,
  likeDays,
} from '#domain/reliability/availability.ts'
import { couldHaveGiven } from '#domain/reliability/could-have-given.ts'
import type { Direction, Resource } from '#domain/resource.ts'
import { addSeconds, formatInstant, type Instant, type TimeWindow } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

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

const WINDOW_SECONDS_MAX = 86_400
const AHEAD_SECONDS_MAX = 14 * 86_400

/**
 * What can be held for the whole of a window at a congestion point, per class of device, from the
 * readings that are stored now of days that have ended. @throws DomainError not-found, malformed
 */
export async function forecastAvailability(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  { congestionPointId, window, direction }: Asked,
  { dsoId, aggregatorId }: Asker,
): Promise<{ readonly decidedAt: Instant; readonly held: readonly HeldForecast[] }> {
  return store.transaction(async (tx) => {
    const point = await tx.organisations.congestionPoint(congestionPointId)
    const program = point === null ? null : await tx.organisations.program(point.dsoId)
    const isForeign = dsoId !== null && point?.dsoId !== dsoId
    if (point === null || program === null || isForeign) {
      throw new DomainError('not-found', `there is no congestion point ${congestionPointId}`)
    }
    const decidedAt = clock.now()
    checkWindow(window, program.settlementPeriodSeconds, decidedAt)
    const { timeZone, settlementPeriodSeconds: periodSeconds, holidays = [] } = program
    const asked = { window, decidedAt, periodSeconds, timeZone, holidays: new Set(holidays) }
    const mine = aggregatorId === null ? {} : { aggregatorId }
    const resources = await tx.resources.list({ congestionPointId, ...mine })
    const readings = await readingsOf(tx, resources, asked, direction)
    return { decidedAt, held: forecastHeld({ ...asked, readings }) }
  })
}

function checkWindow({ start, end }: TimeWindow, periodSeconds: number, now: Instant): void {
  const isAligned = [start, end].every((at) => at % (periodSeconds * 1000) === 0)
  if (!isAligned || end <= start || end > addSeconds(start, WINDOW_SECONDS_MAX)) {
    const expected = `whole settlement periods of ${periodSeconds} s after the start, of a day at most`
    throw fieldError('malformed', 'query.end', expected, formatInstant(end))
  }
  if (start < now || start > addSeconds(now, AHEAD_SECONDS_MAX)) {
    const expected = `a start from ${formatInstant(now)} on, within 14 days`
    throw fieldError('malformed', 'query.start', expected, formatInstant(start))
  }
}

/** Like day by like day, newest first, until there are as many as a forecast stands on. */
async function readingsOf(
  tx: StoreTransaction,
  resources: readonly Resource[],
  asked: Omit<ForecastQuestion, 'readings'>,
  direction: Direction,
): Promise<AvailabilityReading[]> {
  const all: AvailabilityReading[] = []
  let days = 0
  for (const day of likeDays(asked)) {
    if (days === DAYS_MAX) break
    const found = await readingsOn(tx, resources, day, asked.periodSeconds, direction)
    if (found.length > 0) days += 1
    all.push(...found)
  }
  return all
}

async function readingsOn(
  tx: StoreTransaction,
  resources: readonly Resource[],
  { starts }: LikeDay,
  periodSeconds: number,
  direction: Direction,
): Promise<AvailabilityReading[]> {
  const [first] = starts
  if (first === undefined || resources.length === 0) return []
  const ids = resources.map(({ id }) => id)
  const instants = new Set(starts.flatMap((start) => [start, addSeconds(start, periodSeconds)]))
  const registers = await tx.readings.registersAt(ids, [...instants])
  const registerAt = new Map(registers.map((r) => [key(r.resourceId, r.at), r.registerWh]))
  const batteries = resources.filter(({ kind }) => kind === 'battery').map(({ id }) => id)
  const before = batteries.length === 0 ? [] : await tx.readings.lastBefore(batteries, first)
  const fresh = before.filter(({ at }) => at >= addSeconds(first, -periodSeconds))
  const socOf = new Map(fresh.map(({ resourceId, socBp }) => [resourceId, socBp]))
  return resources.flatMap((resource) =>
    starts.flatMap((start): AvailabilityReading[] => {
      const end = addSeconds(start, periodSeconds)
      const from = registerAt.get(key(resource.id, start))
      const until = registerAt.get(key(resource.id, end))
      if (from === undefined || until === undefined) return []
      const meanW = ((until - from) * 3600) / periodSeconds
      const socBp = socOf.get(resource.id) ?? null
      return [couldHaveGiven({ resource, start, end, meanW, socBp }, direction)]
    }),
  )
}

function key(resourceId: ResourceId, at: Instant): string {
  return `${resourceId} ${at}`
}
