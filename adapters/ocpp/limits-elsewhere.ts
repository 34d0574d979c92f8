/**
 * Limits that others set, by source: of one EVSE, or of the whole station. What holds for the station
 * holds once: the EVSEs that charge have their shares of it, by what they are built for.
 */
import type { Resource } from '#domain/resource.ts'
import type { DeviceSink } from '#ports.ts'
import type { TransactionBook } from './transactions.ts'

/** Where a limit of the whole station stands among those of its EVSEs. */
export const WHOLE_STATION = 0

export type LimitsElsewhere = {
  /** By EVSE or WHOLE_STATION, then by source, W. */
  readonly byPlace: Map<number, Map<string, number>>
  /** What was told last of each EVSE. */
  readonly told: Map<number, string>
}

type Places = {
  readonly resources: ReadonlyMap<number, Resource>
  readonly transactions: Pick<TransactionBook, 'running'>
  readonly conditions: { readonly limits: LimitsElsewhere }
}

export function createLimitsElsewhere(): LimitsElsewhere {
  return { byPlace: new Map(), told: new Map() }
}

/** null: this source limits the place no more. */
export function noteLimit(
  context: { readonly station: Places; readonly sink: DeviceSink },
  place: number,
  source: string,
  limitW: number | null,
): void {
  const { station, sink } = context
  const { byPlace } = station.conditions.limits
  const limits = byPlace.get(place) ?? new Map<string, number>()
  byPlace.set(place, limits)
  if (limitW === null) limits.delete(source)
  else limits.set(source, limitW)
  for (const evseId of station.resources.keys()) {
    if (place === WHOLE_STATION || place === evseId) tell(station, sink, evseId, source)
  }
}

/** A car came or went: the shares of what holds for the whole station are others. */
export function shareAgain(station: Places, sink: DeviceSink): void {
  for (const source of station.conditions.limits.byPlace.get(WHOLE_STATION)?.keys() ?? []) {
    for (const evseId of station.resources.keys()) tell(station, sink, evseId, source)
  }
}

/** Of several sources the lowest limit is told. */
function tell(station: Places, sink: DeviceSink, evseId: number, source: string): void {
  const resource = station.resources.get(evseId)
  if (resource === undefined) return
  const { byPlace, told } = station.conditions.limits
  const share = shareOf(station, evseId)
  const shared = [...(byPlace.get(WHOLE_STATION) ?? [])].map(([by, limitW]): [string, number] => [
    by,
    Math.floor(limitW * share),
  ])
  const all = [...(byPlace.get(evseId) ?? []), ...shared]
  const [lowest] = all.toSorted(([, a], [, b]) => a - b)
  const [by, limitW] = lowest ?? [source, null]
  const text = limitW === null ? '' : `${limitW} ${by}`
  if (text === (told.get(evseId) ?? '')) return
  told.set(evseId, text)
  sink.limitedElsewhere(resource.id, limitW, by)
}

/** All of it where nothing charges there: whatever it may draw then is no more than that. */
function shareOf({ resources, transactions }: Places, evseId: number): number {
  const charging = [...resources].filter(([one]) => transactions.running(one) !== null)
  const mine = charging.find(([one]) => one === evseId)
  if (mine === undefined) return 1
  const sumW = charging.reduce((sum, [, { rating }]) => sum + rating.importMaxW, 0)
  return mine[1].rating.importMaxW / sumW
}
