/** One order to limit a charger, and the profile that it becomes in a form. */
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import type { Resource } from '#domain/resource.ts'
import type { DynamicProfiles } from './dynamic-profiles.ts'
import type { ProfileForm } from './forms.ts'
import type { PauseRecord } from './pause-record.ts'
import { connectorOf, type ProfileDialect } from './profile-calls.ts'
import {
  centralSetpoint,
  type ProfileParts,
  relativeSchedule,
  setpointSchedule,
  untilThenRated,
} from './schedules.ts'
import type { SessionContext, Station } from './station.ts'
import type { Transaction } from './transactions.ts'
import { grainOf, limitToWatts, ratingWithin, toLimit, toSetpoint } from './wire.ts'

export type Parts = {
  readonly context: SessionContext
  readonly dialect: ProfileDialect
  readonly dynamic: DynamicProfiles
  readonly pause: PauseRecord
}

export type Order = {
  readonly resource: Resource
  readonly connectorId: number
  readonly setpoint: DesiredSetpoint
  readonly powerW: number
  readonly transaction: Transaction
}

export function profileOf(context: SessionContext, order: Order, form: ProfileForm): ProfileParts {
  const { station, clock } = context
  const { resource, connectorId, setpoint, powerW, transaction } = order
  const { quirks = null, abilities } = station.setUp ?? {}
  const rating = ratingWithin(resource.rating, quirks?.largestLimitA)
  const isSigned = abilities?.centralSetpoint === true && rating.exportMaxW > 0
  const { defaultId, limitId } = station.ledger.idsOf(connectorId)
  const { purpose, kind, stackLevel, unit } = form
  // A signed setpoint never passes through the limits' rounding.
  const limitW = isSigned ? rating.importMaxW : powerW
  const absolute = setpointSchedule(setpoint, limitW, rating, unit, clock.now())
  const base = { id: limitId, stackLevel, purpose, kind }
  if (purpose === 'TxDefaultProfile' && stackLevel === 0 && kind !== 'Relative') {
    const schedule = untilThenRated(absolute, resource.rating)
    return { ...base, id: defaultId, schedule, transactionId: null }
  }
  const id = purpose === 'TxDefaultProfile' && stackLevel === 0 ? defaultId : limitId
  const timed =
    kind === 'Relative'
      ? relativeSchedule(absolute, setpoint.validUntil, transaction.startedAt)
      : absolute
  return {
    ...base,
    id,
    ...(kind === 'Relative' ? { validTo: setpoint.validUntil } : {}),
    schedule: isSigned ? centralSetpoint(timed, powerW, rating) : timed,
    transactionId: purpose === 'TxProfile' ? transaction.id : null,
  }
}

/**
 * What is given for a power, W: a station that does not go to 0 is held at its least (evcc and others
 * see 6 A flow, lbbrhzn/ocpp#1245).
 */
export function heldW(station: Station, resource: Resource, powerW: number): number {
  const { pausable, importMaxW } = resource.rating
  if (powerW < 0 || !pausable || pausesAt(station, connectorOf(resource))) return powerW
  const { minimumW } = grainOf(resource.rating, 'A')
  return minimumW > importMaxW ? powerW : Math.max(powerW, minimumW)
}

/** False only where it is known, or was seen, that a limit of 0 is not followed. */
export function pausesAt({ pauses, setUp }: Station, connectorId: number): boolean {
  return (pauses.get(connectorId)?.pauses ?? setUp?.quirks?.pauses) !== false
}

/** What the form lets through, W. */
export function givenW(
  { station }: SessionContext,
  { resource, powerW }: Order,
  { unit }: ProfileForm,
): number {
  const { quirks = null, abilities } = station.setUp ?? {}
  const rating = ratingWithin(resource.rating, quirks?.largestLimitA)
  const isSigned = abilities?.centralSetpoint === true && rating.exportMaxW > 0
  const given = isSigned ? toSetpoint(powerW, rating, unit) : toLimit(powerW, rating, unit)
  return limitToWatts(given, unit, rating.phases)
}
