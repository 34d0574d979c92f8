import { methodFor } from '#domain/baseline/candidate.ts'
import type { BaselineMethod } from '#domain/baseline/method.ts'
import { adjustmentOf } from '#domain/baseline/shape.ts'
import type { Delivery } from '#domain/delivery.ts'
import type { Finding } from '#domain/fair-play/finding.ts'
import { type HabitDay, type Known, stateFindingsOf } from '#domain/fair-play/state.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { byResource, energyBetween, type Reading } from '#domain/telemetry.ts'
import { addSeconds, type Instant, localDate, localDayOfWeek, sameLocalTime } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** A baseline's ten like days and the month before them. */
const LOOK_BACK_DAYS = 45
const HOURS_BEFORE = 3

type Hours = { readonly before: readonly Instant[]; readonly inside: readonly Instant[] }

/**
 * What the service states of readings that a bundle does not hold: the hours before the window, the
 * same hours of the weeks before, and what others' meters say. Only of those that were ordered.
 */
export async function stateFindings(
  tx: StoreTransaction,
  call: FlexibilityCall,
  deliveries: readonly Delivery[],
): Promise<Finding[]> {
  const { program, request } = call
  const seconds = program.settlementPeriodSeconds
  const ids = call.allocations.map(({ resourceId }) => resourceId)
  const today = hoursOf(call)
  const days = await likeDays(tx, call, ids, today)
  const own = await readingsOf(tx, ids, today.before, seconds)
  const delivered = Map.groupBy(deliveries, ({ resourceId }) => resourceId)
  const known: Known[] = []
  for (const candidate of call.candidates) {
    const { resourceId } = candidate
    if (!ids.includes(resourceId)) continue
    const resource = await tx.resources.find(resourceId)
    const used = new Set(candidate.baseline.daysUsed)
    known.push({
      candidate,
      meter: resource?.meter ?? null,
      beforeWh: energies(own.get(resourceId) ?? [], today.before, seconds),
      days: (days.get(resourceId) ?? []).map((day) => ({
        ...day,
        isBaselineDay: used.has(localDate(day.start, program.timeZone)),
      })),
      deliveredWh: (delivered.get(resourceId) ?? []).reduce((sum, d) => sum + d.deliveredWh, 0),
      readsBeforeWindow: readsBeforeWindow(methodFor(program, candidate.kind)),
    })
  }
  return stateFindingsOf(known, { direction: request.direction, periodSeconds: seconds })
}

/** Only what a baseline reads of the call's own day can be worth burning load for. */
function readsBeforeWindow(method: BaselineMethod): boolean {
  if (method.family === 'history' || method.family === 'state-based') {
    return adjustmentOf(method) !== null
  }
  return method.family === 'last-reading' || method.family === 'same-day'
}

function hoursOf({ request, program }: FlexibilityCall): Hours {
  const seconds = program.settlementPeriodSeconds
  const count = Math.ceil((HOURS_BEFORE * 3600) / seconds)
  return {
    before: Array.from({ length: count }, (_, i) =>
      addSeconds(request.window.start, (i - count) * seconds),
    ),
    inside: request.periods.map(({ start }) => start),
  }
}

async function likeDays(
  tx: StoreTransaction,
  call: FlexibilityCall,
  ids: readonly ResourceId[],
  today: Hours,
): Promise<Map<ResourceId, HabitDay[]>> {
  const { program, request } = call
  const { timeZone, settlementPeriodSeconds: seconds } = program
  const isWorking = (at: Instant) => localDayOfWeek(at, timeZone) <= 5
  const taken = await tx.promises.taken(
    ids,
    addSeconds(request.window.start, -(LOOK_BACK_DAYS + 2) * 86_400),
    request.window.start,
  )
  const called = new Set(
    taken.map(({ resourceId, periodStart }) => `${resourceId} ${localDate(periodStart, timeZone)}`),
  )
  const found = new Map<ResourceId, HabitDay[]>(ids.map((id) => [id, []]))
  for (let back = 1; back <= LOOK_BACK_DAYS; back++) {
    const then = (at: Instant) => sameLocalTime(at, back, timeZone)
    const hours = { before: today.before.map(then), inside: today.inside.map(then) }
    const start = then(request.window.start)
    if (isWorking(start) !== isWorking(request.window.start)) continue
    const readings = await readingsOf(tx, ids, [...hours.before, ...hours.inside], seconds)
    for (const [id, mine] of readings) {
      found.get(id)?.push({
        start,
        before: energies(mine, hours.before, seconds),
        inside: energies(mine, hours.inside, seconds),
        isCallDay: called.has(`${id} ${localDate(start, timeZone)}`),
        isBaselineDay: false,
      })
    }
  }
  return found
}

async function readingsOf(
  tx: StoreTransaction,
  ids: readonly ResourceId[],
  starts: readonly Instant[],
  seconds: number,
): Promise<Map<ResourceId, Reading[]>> {
  const [first, last] = [starts[0], starts.at(-1)]
  if (first === undefined || last === undefined) return new Map()
  return byResource(await tx.readings.between(ids, first, addSeconds(last, seconds)))
}

function energies(readings: readonly Reading[], starts: readonly Instant[], seconds: number) {
  return starts.map((start) => energyBetween(readings, start, addSeconds(start, seconds), seconds))
}
