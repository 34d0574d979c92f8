/**
 * What stands on a station for good: the default of each connector and the limit of the whole
 * station. Both live in its flash, so that they are written rarely.
 */
import { DomainError } from '#domain/errors.ts'
import type { Rating, Resource } from '#domain/resource.ts'
import type { ProfileForm } from './forms.ts'
import {
  clear,
  connectorOf,
  type ProfileDialect,
  setProfile,
  type Status,
  TAKEN,
} from './profile-calls.ts'
import type { FlashPurpose } from './flash-ledger.ts'
import type { QuirkProfile } from './quirks.ts'
import { optionalObject, optionalText } from './read.ts'
import { defaultSchedule, type ProfileParts } from './schedules.ts'
import { callQuietly, PRIORITY } from './session-rules.ts'
import type { SessionContext } from './station.ts'
import { effectiveOf, fromTimestamp, ratingWithin } from './wire.ts'

/** Stack levels above this are not searched for what others left; so high where none is told. */
const CLEARED_LEVEL_MAX = 10
const STATION_MAX_ID = 700_000
/** Never 0: stations then answer with hardware defaults (libocpp). */
export const COMPOSITE_DURATION_S = 60

/** 'later': the station must not be written to yet. */
export type Written = 'taken' | 'later' | 'refused'

/** Writes the default under everything else, unless it is there. */
export async function installDefault(
  context: SessionContext,
  dialect: ProfileDialect,
  resource: Resource,
  { form, quirks }: { readonly form: ProfileForm; readonly quirks: QuirkProfile | null },
  deadlineMs: number,
): Promise<Written> {
  const { station, clock } = context
  const connectorId = connectorOf(resource)
  const largestA = quirks?.largestLimitA
  // It would hold the charger below its rating for ever (Wallbox, evcc-io/evcc#18974).
  if (ratingWithin(resource.rating, largestA).importMaxW < resource.rating.importMaxW) {
    return 'refused'
  }
  const kind = form.kind === 'Relative' ? 'Relative' : 'Absolute'
  return await writeQuietly(
    context,
    dialect,
    connectorId,
    {
      id: station.ledger.idsOf(connectorId).defaultId,
      stackLevel: 0,
      purpose: 'TxDefaultProfile',
      kind,
      schedule: defaultSchedule(resource.rating, form.unit, kind, clock.now()),
      transactionId: null,
    },
    deadlineMs,
  )
}

/**
 * A limit for the whole station, where it has no connectors but ours, and where what it says of
 * itself is no lower: an installer's limit protects the fuse and is never replaced.
 */
export async function installStationMax(
  context: SessionContext,
  dialect: ProfileDialect,
  form: ProfileForm,
  deadlineMs: number,
): Promise<Written> {
  const { station, clock } = context
  const rating = wholeStation([...station.resources.values()])
  if (rating === null) return 'refused'
  const now = await callQuietly(
    context,
    'GetCompositeSchedule',
    dialect.compositeSchedule(0, form.unit, COMPOSITE_DURATION_S),
  )
  if (now === null || optionalText(now, 'status') !== 'Accepted') return 'refused'
  if (effectiveOf(optionalObject(now, dialect.compositeField), rating).kind !== 'default') {
    return 'refused'
  }
  return await writeQuietly(
    context,
    dialect,
    0,
    {
      id: STATION_MAX_ID,
      stackLevel: 0,
      purpose: 'StationMax',
      kind: 'Absolute',
      schedule: defaultSchedule(rating, form.unit, 'Absolute', clock.now()),
      transactionId: null,
    },
    deadlineMs,
  )
}

function wholeStation(resources: readonly Resource[]): Rating | null {
  const [first] = resources
  if (first === undefined) return null
  const importMaxW = resources.reduce((sum, { rating }) => sum + rating.importMaxW, 0)
  const phases = resources.some(({ rating }) => rating.phases === 3) ? 3 : 1
  return { ...first.rating, importMaxW, phases }
}

type FlashParts = ProfileParts & { readonly purpose: FlashPurpose }

/** Refused, or passed over in silence (Timxon does so with Absolute): it works without, too. */
async function writeQuietly(
  context: SessionContext,
  dialect: ProfileDialect,
  connectorId: number,
  parts: FlashParts,
  deadlineMs: number,
): Promise<Written> {
  try {
    const status = await writeOnce(context, dialect, connectorId, parts, deadlineMs)
    if (status === 'later') return 'later'
    return status.accepted ? 'taken' : 'refused'
  } catch (error) {
    if (error instanceof DomainError && context.isLive()) return 'refused'
    throw error
  }
}

/** What the station holds already is not written again. @throws DomainError like any call */
export async function writeOnce(
  context: SessionContext,
  dialect: ProfileDialect,
  connectorId: number,
  parts: FlashParts,
  deadlineMs: number,
): Promise<Status | 'later'> {
  const { station, clock } = context
  const { flash } = station.ledger
  const { purpose } = parts
  const place = placeOf(connectorId, parts.stackLevel)
  const text = contentOf(parts)
  if (flash.holds(purpose, place, text)) return TAKEN
  if (!flash.isFree(purpose, place, clock.now())) return 'later'
  const status = await setProfile(context, dialect, connectorId, parts, deadlineMs)
  if (status.isTooSoon) return 'later'
  if (!status.accepted) return status
  flash.wrote(purpose, place, text, clock.now())
  const resource = station.resources.get(connectorId)
  // A set-up tells it at its end.
  if (station.ready && station.setUp !== null && resource !== undefined) {
    context.sink.capability(resource.id, station.setUp.capability(resource))
  }
  return status
}

/**
 * The start lies a minute before each writing, and what counts from it moves along: what makes a
 * profile another one is what it lets through, and until when.
 */
function contentOf({ id, kind, schedule, validTo, transactionId }: FlashParts): string {
  const { startSchedule = null, duration, chargingRateUnit, chargingSchedulePeriod } = schedule
  const start = fromTimestamp(startSchedule)
  const at = (seconds: number) => (start === null ? seconds : start + seconds * 1000)
  const periods = chargingSchedulePeriod.map(({ startPeriod, ...rest }) => ({
    ...rest,
    from: startPeriod === 0 ? 0 : at(startPeriod),
  }))
  const end = duration === undefined ? null : at(duration)
  return JSON.stringify([id, kind, chargingRateUnit, periods, end, validTo, transactionId])
}

export function placeOf(connectorId: number, stackLevel: number): string {
  return `${connectorId} level ${stackLevel}`
}

/**
 * Level by level, leaving out the one our own limits stand on: after a restart of this service a
 * limit in force stays in force until it is renewed. Never without a purpose: the maximum profile
 * that an installer set protects the fuse.
 */
export async function clearForeign(
  context: SessionContext,
  dialect: ProfileDialect,
  levelMax: number | null,
  form: ProfileForm,
  deadlineMs: number,
): Promise<void> {
  const highest = Math.min(levelMax ?? CLEARED_LEVEL_MAX, CLEARED_LEVEL_MAX)
  const levels = Array.from({ length: highest + 1 }, (_, i) => i)
  const others = levels.filter(
    (level) => level !== form.stackLevel || form.purpose === 'TxDefaultProfile',
  )
  const filters = [
    ...others.map((level) => dialect.clearWhere('TxProfile', level)),
    dialect.clearWhere('TxDefaultProfile', null),
  ]
  context.station.ledger.flash.forget('TxDefaultProfile')
  for (const payload of filters) {
    if (!(await clear(context, payload, PRIORITY.setUp, deadlineMs))) return
  }
}
