/** What a station says is in force, and whether somebody else's limit shows in it. */
import type { Resource } from '#domain/resource.ts'
import type { EffectiveSetpoint } from '#ports.ts'
import { COMPOSITE_DURATION_S } from './default-profiles.ts'
import { type Payload, StationError } from './frames.ts'
import { connectorOf, type ProfileDialect, statusOf } from './profile-calls.ts'
import { optionalObject } from './read.ts'
import { PRIORITY } from './session-rules.ts'
import type { SessionContext } from './station.ts'
import { effectiveLimit, effectiveOf } from './wire.ts'

/** 'offered': only the current that it says it offers, which is no proof (evcc-io/evcc#31597). */
export type Said = {
  readonly effective: EffectiveSetpoint
  readonly by: 'composite' | 'offered'
}

export async function readBack(
  context: SessionContext,
  dialect: ProfileDialect,
  resource: Resource,
  deadlineMs: number,
): Promise<Said> {
  const connectorId = connectorOf(resource)
  const { setUp, ledger } = context.station
  if (setUp?.quirks?.readBack === 'offered') return offeredInstead(context, resource)
  const { unit } = ledger.forms(connectorId).current
  const payload = dialect.compositeSchedule(connectorId, unit, COMPOSITE_DURATION_S)
  const action = 'GetCompositeSchedule'
  try {
    const answer = await context.call({ action, payload, deadlineMs, priority: PRIORITY.readBack })
    const effective = compositeOf(dialect, answer, resource)
    if (effective.kind === 'unknown') return offeredInstead(context, resource)
    return { effective, by: 'composite' }
  } catch (error) {
    if (error instanceof StationError) return offeredInstead(context, resource)
    throw error
  }
}

export function compositeOf(
  dialect: ProfileDialect,
  answer: Payload,
  resource: Resource,
): EffectiveSetpoint {
  const { accepted } = statusOf(answer)
  const schedule = accepted ? optionalObject(answer, dialect.compositeField) : null
  return effectiveOf(schedule, resource.rating)
}

/** Many stations refuse composite schedules: the current they say they offer is the next best. */
function offeredInstead({ station }: SessionContext, resource: Resource): Said {
  const connectorId = connectorOf(resource)
  const offer = station.ledger.lastOffered(connectorId)
  const changedAt = station.ledger.changedAt(connectorId)
  const isOld = offer === null || (changedAt !== null && offer.at <= changedAt)
  const effective: EffectiveSetpoint = isOld
    ? { kind: 'unknown' }
    : effectiveLimit(offer.ampere, 'A', null, resource.rating)
  return { effective, by: 'offered' }
}
