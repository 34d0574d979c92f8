import {
  type CandidateBaseline,
  methodFor,
  orderBaseline,
  windowInput,
} from '#domain/baseline/candidate.ts'
import type { BaselineInput } from '#domain/baseline/input.ts'
import type { BaselineMethod, HistoryMethod, StateBasedMethod } from '#domain/baseline/method.ts'
import { readingsAround, seriesOfReadings } from '#domain/baseline/readings.ts'
import { historyToRead } from '#domain/baseline/shape.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import { byResource, type Reading } from '#domain/telemetry.ts'
import { addSeconds, type Instant, localDate } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

export type History = {
  readonly baselines: ReadonlyMap<ResourceId, CandidateBaseline>
  /** The readings of earlier days that the baselines stand on. */
  readonly history: readonly Reading[]
}

type Window = Omit<BaselineInput, 'history'>

/** Further back than any method looks. */
const LOOK_BACK_DAYS = 368

/** Reads back like day by like day, newest first, until every baseline stands. */
export async function readHistory(
  tx: StoreTransaction,
  call: FlexibilityCall,
  resources: readonly Resource[],
): Promise<History> {
  const { program, request } = call
  const starts = request.periods.map((period) => period.start)
  const window = windowInput(program, starts)
  const called = await callDays(tx, call, resources)
  const kept = new Map<ResourceId, Reading[]>()
  for (const method of new Set(resources.map(({ kind }) => methodFor(program, kind)))) {
    const mine = resources.filter(({ kind }) => methodFor(program, kind) === method)
    if (standsOnHistory(method)) await readDays(tx, method, window, { mine, called, kept })
  }
  const baselines = new Map<ResourceId, CandidateBaseline>()
  const history: Reading[] = []
  for (const { id, kind, rating } of resources.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const mine = (kept.get(id) ?? []).sort((a, b) => a.at - b.at)
    history.push(...mine)
    const seconds = program.settlementPeriodSeconds
    const series = seriesOfReadings(mine, rating, seconds, seconds)
    const days = called.get(id) ?? new Set()
    baselines.set(id, orderBaseline(methodFor(program, kind), window, rating, series, days))
  }
  return { baselines, history }
}

function standsOnHistory(method: BaselineMethod): method is HistoryMethod | StateBasedMethod {
  return method.family === 'history' || method.family === 'state-based'
}

type Reach = {
  readonly mine: readonly Resource[]
  readonly called: ReadonlyMap<ResourceId, ReadonlySet<string>>
  /** Takes the readings found. */
  readonly kept: Map<ResourceId, Reading[]>
}

async function readDays(
  tx: StoreTransaction,
  method: HistoryMethod | StateBasedMethod,
  window: Window,
  { mine, called, kept }: Reach,
): Promise<void> {
  const { enough, days } = historyToRead(method, window)
  const seconds = window.resolutionSeconds
  const usable = new Map<ResourceId, number>()
  for (const { date, starts } of days) {
    const waiting = mine.filter(({ id }) => {
      const hasEnough = enough !== null && (usable.get(id) ?? 0) >= enough
      const isLeftOut = method.days.exclude.callDays && called.get(id)?.has(date)
      return !hasEnough && (!isLeftOut || method.days.fallback === 'call-days')
    })
    const boundaries = boundariesOf(starts, seconds)
    const [first, last] = [boundaries[0], boundaries.at(-1)]
    if (waiting.length === 0 || first === undefined || last === undefined) continue
    const ids = waiting.map(({ id }) => id)
    // A boundary may lie between two readings: one on each side is read too.
    const [from, until] = [addSeconds(first, -seconds), addSeconds(last, seconds)]
    const readings = byResource(await tx.readings.between(ids, from, until))
    for (const { id, rating } of waiting) {
      const found = readingsAround(readings.get(id) ?? [], boundaries, seconds)
      const before = kept.get(id) ?? []
      kept.set(id, [...before, ...found.filter((reading) => !before.includes(reading))])
      const series = seriesOfReadings(found, rating, seconds, seconds)
      const isKnown = (start: Instant) => series.whAt(start) !== null
      const isUsable =
        method.days.missing === 'drop-day' ? starts.every(isKnown) : starts.some(isKnown)
      if (isUsable) usable.set(id, (usable.get(id) ?? 0) + 1)
    }
  }
}

function boundariesOf(starts: readonly Instant[], periodSeconds: number): Instant[] {
  return [...new Set(starts.flatMap((start) => [start, addSeconds(start, periodSeconds)]))].sort(
    (a, b) => a - b,
  )
}

/** The local days on which a resource was called before: they are no measure of its habit. */
async function callDays(
  tx: StoreTransaction,
  { program, request }: FlexibilityCall,
  resources: readonly Resource[],
): Promise<ReadonlyMap<ResourceId, ReadonlySet<string>>> {
  const days = new Map<ResourceId, Set<string>>()
  const { start } = request.window
  const ids = resources.map(({ id }) => id)
  if (ids.length === 0) return days
  const from = addSeconds(start, -LOOK_BACK_DAYS * 86_400)
  for (const { resourceId, periodStart, role } of await tx.promises.taken(ids, from, start)) {
    if (role === 'reserve') continue // it was counted on, and did what it does anyway
    const mine = days.get(resourceId) ?? new Set<string>()
    days.set(resourceId, mine.add(localDate(periodStart, program.timeZone)))
  }
  return days
}
