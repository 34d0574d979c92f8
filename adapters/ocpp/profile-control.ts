import { DomainError } from '#domain/errors.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import type { Resource } from '#domain/resource.ts'
import type { EffectiveSetpoint } from '#ports.ts'
import { unreachable } from './call-queue.ts'
import { type Payload, StationError } from './frames.ts'
import { optionalObject, optionalText } from './read.ts'
import { PRIORITY, waitUntilHeard } from './session-rules.ts'
import type { Session, SessionContext } from './station.ts'
import {
  defaultSchedule,
  effectiveLimit,
  effectiveOf,
  type ProfileParts,
  type ProfileStyle,
  type RateUnit,
  setpointSchedule,
} from './wire.ts'

export type ProfilePurpose = 'TxProfile' | 'TxDefaultProfile'

/** What the versions spell differently. */
export type ProfileDialect = {
  readonly setProfile: (connectorId: number, parts: ProfileParts) => Payload
  readonly clearById: (id: number) => Payload
  readonly clearWhere: (purpose: ProfilePurpose, stackLevel: number | null) => Payload
  readonly compositeSchedule: (connectorId: number, unit: RateUnit, durationS: number) => Payload
  /** Where the answer to GetCompositeSchedule carries the schedule. */
  readonly compositeField: 'chargingSchedule' | 'schedule'
}

/** Never 0: stations then answer with hardware defaults (libocpp). */
const COMPOSITE_DURATION_S = 60
/** Stack levels above this are not searched for what others left. */
const CLEARED_LEVEL_MAX = 10

export type ProfileControl = Pick<Session, 'limit' | 'release' | 'readBack'> & {
  /** Writes the default under everything else. False: the station does not take it. */
  installDefault(resource: Resource, style: ProfileStyle, deadlineMs: number): Promise<boolean>
  /** Clears what other systems left, up to the highest stack level; answers do not matter. */
  clearForeign(levelMax: number | null, style: ProfileStyle, deadlineMs: number): Promise<void>
}

/** Sets, clears and reads charging profiles on one connection. */
export function createProfileControl(
  context: SessionContext,
  dialect: ProfileDialect,
): ProfileControl {
  return {
    installDefault: (resource, style, deadlineMs) =>
      installDefault(context, dialect, resource, style, deadlineMs),
    clearForeign: (levelMax, style, deadlineMs) =>
      clearForeign(context, dialect, levelMax, style, deadlineMs),
    limit: (resource, setpoint, powerW, deadlineMs) =>
      limit(context, dialect, resource, { setpoint, powerW }, deadlineMs),
    release: (resource, deadlineMs) => release(context, dialect, resource, deadlineMs),
    readBack: (resource, deadlineMs) => readBack(context, dialect, resource, deadlineMs),
  }
}

async function installDefault(
  context: SessionContext,
  dialect: ProfileDialect,
  resource: Resource,
  style: ProfileStyle,
  deadlineMs: number,
): Promise<boolean> {
  const { station, clock } = context
  const connectorId = connectorOf(resource)
  const parts: ProfileParts = {
    id: station.ledger.idsOf(connectorId).defaultId,
    stackLevel: 0,
    schedule: defaultSchedule(resource.rating, style.unit, clock.now()),
    transactionId: null,
  }
  try {
    return (await setProfile(context, dialect, connectorId, parts, deadlineMs)).accepted
  } catch (error) {
    // Refused, or passed over in silence (Timxon does so with Absolute): it works without, too.
    if (error instanceof DomainError && context.isLive()) return false
    throw error
  }
}

/**
 * Level by level, leaving out the one our own limits stand on: after a restart of this service a
 * limit in force stays in force until it is renewed. Never without a purpose: the maximum profile
 * that an installer set protects the fuse.
 */
async function clearForeign(
  context: SessionContext,
  dialect: ProfileDialect,
  levelMax: number | null,
  style: ProfileStyle,
  deadlineMs: number,
): Promise<void> {
  const levels = Array.from({ length: Math.min(levelMax ?? 0, CLEARED_LEVEL_MAX) + 1 }, (_, i) => i)
  const others = levels.filter((level) => level !== style.stackLevel)
  const filters = [
    ...others.map((level) => dialect.clearWhere('TxProfile', level)),
    dialect.clearWhere('TxDefaultProfile', null),
  ]
  for (const payload of filters) {
    if (!(await clear(context, payload, PRIORITY.setUp, deadlineMs))) return
  }
}

/** False: the station refuses to clear by anything but an id. */
async function clear(
  { call, log, station, isLive }: SessionContext,
  payload: Payload,
  priority: number,
  deadlineMs: number,
): Promise<boolean> {
  try {
    await call({ action: 'ClearChargingProfile', payload, deadlineMs, priority })
    return true
  } catch (error) {
    const isSilence = error instanceof DomainError && isLive()
    if (!isSilence && !(error instanceof StationError)) throw error
    const { identity } = station
    log.warn('old profiles could not be cleared', { identity, error: error.message })
    return false
  }
}

/** Tries the forms of profile that stations differ in, and remembers the one that was accepted. */
async function limit(
  context: SessionContext,
  dialect: ProfileDialect,
  resource: Resource,
  { setpoint, powerW }: { readonly setpoint: DesiredSetpoint; readonly powerW: number },
  deadlineMs: number,
): Promise<void> {
  const { station, clock, timer, log } = context
  const until = timer.monotonicMs() + deadlineMs
  const connectorId = connectorOf(resource)
  const transactionId = await runningTransaction(context, connectorId, deadlineMs)
  const id = station.ledger.idsOf(connectorId).limitId
  let last = 'nothing'
  let hasCleared = false
  const styles = ladder(station.setUp?.style ?? { unit: 'A', stackLevel: 1 })
  for (let style = styles.shift(); style !== undefined; style = styles.shift()) {
    const remainingMs = Math.ceil(until - timer.monotonicMs())
    if (remainingMs <= 0) throw unreachable(station.identity, 'no time left for another profile')
    const { unit, stackLevel } = style
    const schedule = setpointSchedule(setpoint, powerW, resource.rating, unit, clock.now())
    const parts: ProfileParts = { id, stackLevel, schedule, transactionId }
    const status = await setProfile(context, dialect, connectorId, parts, remainingMs)
    if (status.accepted) {
      if (station.setUp !== null) station.setUp = { ...station.setUp, style }
      station.ledger.changed(connectorId, clock.now())
      return
    }
    last = status.text
    if (!status.worthAnotherTry) break
    if (status.isDuplicate && !hasCleared) {
      // 2.0.1 (K01.FR.39): another system's profile stands on our level and is not replaced.
      const payload = dialect.clearWhere('TxProfile', stackLevel)
      await clear(context, payload, PRIORITY.setpoint, remainingMs)
      hasCleared = true
      styles.unshift(style)
    }
    const { identity } = station
    log.warn('a charging profile was refused', { identity, unit, stackLevel, status: last })
  }
  throw refused(station.identity, `answered SetChargingProfile with ${last}`)
}

async function release(
  context: SessionContext,
  dialect: ProfileDialect,
  resource: Resource,
  deadlineMs: number,
): Promise<void> {
  const { station, clock } = context
  const connectorId = connectorOf(resource)
  const answer = await callOrRefuse(context, {
    action: 'ClearChargingProfile',
    payload: dialect.clearById(station.ledger.idsOf(connectorId).limitId),
    deadlineMs,
    priority: PRIORITY.setpoint,
    supersedeKey: setpointKey(connectorId),
  })
  const { text } = statusOf(answer)
  // Unknown: it has expired, or went with its transaction.
  if (text !== 'Accepted' && !text.startsWith('Unknown')) {
    throw refused(station.identity, `answered ClearChargingProfile with ${text}`)
  }
  station.ledger.changed(connectorId, clock.now())
}

async function readBack(
  context: SessionContext,
  dialect: ProfileDialect,
  resource: Resource,
  deadlineMs: number,
): Promise<EffectiveSetpoint> {
  const connectorId = connectorOf(resource)
  const unit = context.station.setUp?.style.unit ?? 'A'
  const payload = dialect.compositeSchedule(connectorId, unit, COMPOSITE_DURATION_S)
  const action = 'GetCompositeSchedule'
  try {
    const answer = await context.call({ action, payload, deadlineMs, priority: PRIORITY.readBack })
    const { accepted } = statusOf(answer)
    const schedule = accepted ? optionalObject(answer, dialect.compositeField) : null
    const effective = effectiveOf(schedule, resource.rating)
    return effective.kind === 'unknown' ? offeredInstead(context, resource) : effective
  } catch (error) {
    if (error instanceof StationError) return offeredInstead(context, resource)
    throw error
  }
}

/** Many stations refuse composite schedules: the current they say they offer is the next best. */
function offeredInstead({ station }: SessionContext, resource: Resource): EffectiveSetpoint {
  const connectorId = connectorOf(resource)
  const offer = station.ledger.lastOffered(connectorId)
  const changedAt = station.ledger.changedAt(connectorId)
  if (offer === null || (changedAt !== null && offer.at <= changedAt)) return { kind: 'unknown' }
  return effectiveLimit(offer.ampere, 'A', null, resource.rating)
}

/** A limit stands on a transaction. Where nothing was heard of one yet, a little patience. */
async function runningTransaction(
  context: SessionContext,
  connectorId: number,
  deadlineMs: number,
): Promise<string> {
  const { transactions, identity } = context.station
  const known = transactions.running(connectorId)
  if (known !== null) return known.id
  await waitUntilHeard(context, connectorId, deadlineMs)
  const heard = transactions.running(connectorId)
  if (heard !== null) return heard.id
  throw refused(identity, `has no transaction running at ${connectorId}`)
}

async function setProfile(
  context: SessionContext,
  dialect: ProfileDialect,
  connectorId: number,
  parts: ProfileParts,
  deadlineMs: number,
): Promise<Status> {
  const isLimit = parts.transactionId !== null
  const answer = await callOrRefuse(context, {
    action: 'SetChargingProfile',
    payload: dialect.setProfile(connectorId, parts),
    deadlineMs,
    priority: isLimit ? PRIORITY.setpoint : PRIORITY.setUp,
    ...(isLimit ? { supersedeKey: setpointKey(connectorId) } : {}),
  })
  return statusOf(answer)
}

/** What to try when a station refuses: only stack level 0 (ABB, Wallbox), only the other unit. */
function ladder(style: ProfileStyle): ProfileStyle[] {
  const other: RateUnit = style.unit === 'A' ? 'W' : 'A'
  const lower: ProfileStyle[] = style.stackLevel === 0 ? [] : [{ ...style, stackLevel: 0 }]
  return [style, ...lower, { ...style, unit: other }]
}

function setpointKey(connectorId: number): string {
  return `setpoint ${connectorId}`
}

/** A CALLERROR is a refusal, too. */
async function callOrRefuse(
  { station, call }: SessionContext,
  request: Parameters<SessionContext['call']>[0],
): Promise<Payload> {
  try {
    return await call(request)
  } catch (error) {
    if (!(error instanceof StationError)) throw error
    throw refused(station.identity, `answered ${request.action} with ${error.message}`)
  }
}

type Status = {
  readonly accepted: boolean
  readonly text: string
  readonly worthAnotherTry: boolean
  readonly isDuplicate: boolean
}

function statusOf(answer: Payload): Status {
  const status = optionalText(answer, 'status') ?? 'no status'
  const reason = optionalText(optionalObject(answer, 'statusInfo') ?? {}, 'reasonCode')
  // Another form of profile does not help where the transaction or the EVSE is not there.
  const isAboutForm = !/^(Tx|InvalidTransaction|Unknown)|EVSE/i.test(reason ?? '')
  return {
    accepted: status === 'Accepted',
    text: reason === null ? status : `${status} (${reason})`,
    worthAnotherTry: status === 'Rejected' && isAboutForm,
    isDuplicate: reason === 'DuplicateProfile',
  }
}

/** @throws Error for a resource of another protocol: only a bug attaches one here. */
export function connectorOf(resource: Resource): number {
  if (resource.connection.protocol !== 'ocpp') {
    throw new Error(`resource ${resource.id} is not connected by OCPP`)
  }
  return resource.connection.connectorId
}

function refused(identity: string, reason: string): DomainError {
  return new DomainError('device-refused', `station ${identity} ${reason}`)
}
