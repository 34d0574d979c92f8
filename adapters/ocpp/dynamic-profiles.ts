/**
 * Dynamic profiles of OCPP 2.1 (K28): set once per transaction, then changed by
 * UpdateDynamicSchedule. Without an update for its duration a profile is void (a dead-man's
 * handle), so that one that shall hold for longer is renewed from time to time.
 */
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { Resource } from '#domain/resource.ts'
import { formatInstant, type Instant } from '#domain/time.ts'
import { isOverridden } from './conditions.ts'
import type { ProfileForm } from './forms.ts'
import {
  callOrRefuse,
  type DynamicUpdate,
  type ProfileDialect,
  setProfile,
  setpointKey,
  type Status,
  statusOf,
} from './profile-calls.ts'
import { centralSetpoint, dynamicSchedule } from './schedules.ts'
import { PRIORITY } from './session-rules.ts'
import type { SessionContext } from './station.ts'
import { toLimit, toSetpoint } from './wire.ts'

export type DynamicOrder = {
  readonly resource: Resource
  readonly connectorId: number
  readonly setpoint: DesiredSetpoint
  readonly powerW: number
  readonly transaction: { readonly id: string }
}

export type DynamicProfiles = {
  /** @throws DomainError like any call */
  set(order: DynamicOrder, form: ProfileForm, deadlineMs: number): Promise<Status>
  /** Does any profile stand that has to be renewed? */
  isHolding(): boolean
  /** Renews what would run out before its end. */
  renew(deadlineMs: number): Promise<void>
  forget(connectorId: number): void
}

/** Business time without an update after which a station lets go. */
const DEAD_MAN_S = 300
/** In wall time it is never less than this, however fast business time runs. */
const DEAD_MAN_WALL_S = 30
/** A station notices within about 30 s that it is offline; then its default holds. */
const OFFLINE_MAX_S = 60

type Held = {
  readonly order: DynamicOrder
  readonly form: ProfileForm
  readonly durationS: number
  readonly updatedAt: Instant
}

type Parts = {
  readonly context: SessionContext
  readonly dialect: ProfileDialect
  /** Per connection: a station that was away has dropped it. */
  readonly held: Map<number, Held>
}

export function createDynamicProfiles(
  context: SessionContext,
  dialect: ProfileDialect,
): DynamicProfiles {
  const held = new Map<number, Held>()
  const parts: Parts = { context, dialect, held }
  return {
    set: (order, form, deadlineMs) => set(parts, order, form, deadlineMs),
    forget: (connectorId) => void held.delete(connectorId),
    isHolding: () => held.size > 0,
    async renew(deadlineMs) {
      for (const one of held.values()) await renew(parts, one, deadlineMs)
    },
  }
}

async function set(
  parts: Parts,
  order: DynamicOrder,
  form: ProfileForm,
  deadlineMs: number,
): Promise<Status> {
  const updated = await update(parts, order, form, deadlineMs)
  return updated ?? (await setAnew(parts, order, form, deadlineMs))
}

async function setAnew(
  { context, dialect, held }: Parts,
  order: DynamicOrder,
  form: ProfileForm,
  deadlineMs: number,
): Promise<Status> {
  const { station, clock } = context
  const { resource, connectorId, setpoint, powerW, transaction } = order
  const { rating } = resource
  const now = clock.now()
  const leftS = Math.floor((setpoint.validUntil - now) / 1000)
  if (leftS <= 0) {
    const end = formatInstant(setpoint.validUntil)
    throw new DomainError('device-refused', `setpoint ${setpoint.version} ended at ${end}`)
  }
  const longestS = Math.max(DEAD_MAN_S, Math.ceil(DEAD_MAN_WALL_S * clock.speed))
  const durationS = Math.min(longestS, leftS)
  const signed = isSigned(context, order)
  const limited = dynamicSchedule(signed ? rating.importMaxW : powerW, rating, form.unit, durationS)
  const profile = {
    id: station.ledger.idsOf(connectorId).limitId,
    stackLevel: form.stackLevel,
    purpose: form.purpose,
    kind: form.kind,
    schedule: signed ? centralSetpoint(limited, powerW, rating) : limited,
    transactionId: transaction.id,
    ...(station.setUp?.abilities.maxOfflineDuration === true
      ? { maxOfflineDurationS: Math.max(OFFLINE_MAX_S, Math.ceil(2 * clock.speed)) }
      : {}),
  }
  const status = await setProfile(context, dialect, connectorId, profile, deadlineMs)
  if (status.accepted) held.set(connectorId, { order, form, durationS, updatedAt: now })
  else held.delete(connectorId)
  return status
}

/** Null: it cannot be updated, and has to be set anew. */
async function update(
  { context, dialect, held }: Parts,
  order: DynamicOrder,
  form: ProfileForm,
  deadlineMs: number,
): Promise<Status | null> {
  const { station, clock } = context
  const known = held.get(order.connectorId)
  if (known === undefined || dialect.updateDynamic === undefined) return null
  const now = clock.now()
  const isOver = now - known.updatedAt >= known.durationS * 1000
  // An update starts the duration again: it must not carry the profile beyond its end.
  const isTooLong = now + known.durationS * 1000 > order.setpoint.validUntil
  const isOther = known.order.transaction.id !== order.transaction.id || known.form !== form
  if (isOver || isTooLong || isOther) return null
  const { rating } = order.resource
  const change: DynamicUpdate = isSigned(context, order)
    ? { setpoint: toSetpoint(order.powerW, rating, form.unit) }
    : { limit: toLimit(order.powerW, rating, form.unit) }
  const answer = await callOrRefuse(context, {
    action: 'UpdateDynamicSchedule',
    payload: dialect.updateDynamic(station.ledger.idsOf(order.connectorId).limitId, change),
    deadlineMs,
    priority: PRIORITY.setpoint,
    supersedeKey: setpointKey(order.connectorId),
  })
  const status = statusOf(answer)
  if (!status.accepted) return null
  held.set(order.connectorId, { ...known, order, updatedAt: now })
  return status
}

/** A third of its time is over. The driver's own wish for full power is not renewed away. */
async function renew(parts: Parts, one: Held, deadlineMs: number): Promise<void> {
  const { context, held } = parts
  const { station, clock, log } = context
  const { order, form, durationS, updatedAt } = one
  const { connectorId, setpoint, transaction } = order
  const now = clock.now()
  const isWanted =
    station.transactions.running(connectorId)?.id === transaction.id &&
    !isOverridden(station, connectorId)
  if (!isWanted || now >= setpoint.validUntil) {
    held.delete(connectorId)
    return
  }
  const isLast = updatedAt + durationS * 1000 >= setpoint.validUntil
  if (isLast || (now - updatedAt) * 3 < durationS * 1000) return
  const status = await set(parts, order, form, deadlineMs)
  if (status.accepted) return
  log.warn('a limit was not renewed', { identity: station.identity, status: status.text })
}

function isSigned({ station }: SessionContext, { resource }: DynamicOrder): boolean {
  return station.setUp?.abilities.centralSetpoint === true && resource.rating.exportMaxW > 0
}
