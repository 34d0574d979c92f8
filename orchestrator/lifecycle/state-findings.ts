import { methodFor } from '#domain/baseline/candidate.ts'
import type { BaselineMethod } from '#domain/baseline/method.ts'
import { adjustmentOf } from '#domain/baseline/shape.ts'
import type { Delivery } from '#domain/delivery.ts'
import type { Finding } from '#domain/fair-play/finding.ts'
import { type HabitDay, type Known, stateFindingsOf } from '#domain/fair-play/state.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { addSeconds, type Instant, localDate, localDayOfWeek, sameLocalTime } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** A baseline's ten like days and the month before them. */
const LOOK_BACK_DAYS = 45
const HOURS_BEFORE = 3

/** Starts of settlement periods: of the hours before the window, and of the window. */
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
  const ordered = new Set(ids)
  const today = hoursOf(call)
  const days = await likeDays(tx, call, ids, today)
  const own = await energiesAt(tx, ids, today.before, seconds)
  const delivered = Map.groupBy(deliveries, ({ resourceId }) => resourceId)
  const enrolled = await tx.resources.list({ congestionPointId: request.congestionPointId })
  const meters = new Map(enrolled.map(({ id, meter }) => [id, meter]))
  const known = call.candidates.flatMap((candidate): Known[] => {
    const { resourceId, kind, baseline } = candidate
    if (!ordered.has(resourceId)) return []
    const used = new Set(baseline.daysUsed)
    const mine = delivered.get(resourceId) ?? []
    return [
      {
        candidate,
        meter: meters.get(resourceId) ?? null,
        beforeWh: today.before.map((start) => own(resourceId, start)),
        days: (days.get(resourceId) ?? []).map((day) => ({
          ...day,
          isBaselineDay: used.has(localDate(day.start, program.timeZone)),
        })),
        deliveredWh: mine.reduce((sum, { deliveredWh }) => sum + deliveredWh, 0),
        readsBeforeWindow: readsBeforeWindow(methodFor(program, kind)),
      },
    ]
  })
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

/** Day by day, so that no more than one day's registers of a large call are held at once. */
async function likeDays(
  tx: StoreTransaction,
  call: FlexibilityCall,
  ids: readonly ResourceId[],
  today: Hours,
): Promise<Map<ResourceId, HabitDay[]>> {
  const { program, request } = call
  const { timeZone, settlementPeriodSeconds: seconds } = program
  const { start: windowStart } = request.window
  const isWorking = (at: Instant) => localDayOfWeek(at, timeZone) <= 5
  const from = addSeconds(windowStart, -(LOOK_BACK_DAYS + 2) * 86_400)
  const taken = await tx.promises.taken(ids, from, windowStart)
  const called = new Set(
    taken
      .filter(({ role }) => role === 'order')
      .map(({ resourceId, periodStart }) => `${resourceId} ${localDate(periodStart, timeZone)}`),
  )
  const found = new Map<ResourceId, HabitDay[]>(ids.map((id) => [id, []]))
  for (let back = 1; back <= LOOK_BACK_DAYS; back++) {
    const then = (at: Instant) => sameLocalTime(at, back, timeZone)
    const start = then(windowStart)
    if (isWorking(start) !== isWorking(windowStart)) continue
    const [before, inside] = [today.before.map(then), today.inside.map(then)]
    const wh = await energiesAt(tx, ids, [...before, ...inside], seconds)
    const date = localDate(start, timeZone)
    for (const [id, days] of found) {
      days.push({
        start,
        before: before.map((at) => wh(id, at)),
        inside: inside.map((at) => wh(id, at)),
        isCallDay: called.has(`${id} ${date}`),
        isBaselineDay: false,
      })
    }
  }
  return found
}

/** Energy of settlement periods from the registers at their boundaries; null: one is missing. */
async function energiesAt(
  tx: StoreTransaction,
  ids: readonly ResourceId[],
  starts: readonly Instant[],
  seconds: number,
): Promise<(id: ResourceId, start: Instant) => number | null> {
  const instants = new Set(starts.flatMap((start) => [start, addSeconds(start, seconds)]))
  const registers = new Map<ResourceId, Map<Instant, number>>()
  for (const { resourceId, at, registerWh } of await tx.readings.registersAt(ids, [...instants])) {
    const mine = registers.get(resourceId) ?? new Map<Instant, number>()
    registers.set(resourceId, mine.set(at, registerWh))
  }
  return (id, start) => {
    const mine = registers.get(id)
    const [first, last] = [mine?.get(start), mine?.get(addSeconds(start, seconds))]
    return first === undefined || last === undefined ? null : last - first
  }
}
