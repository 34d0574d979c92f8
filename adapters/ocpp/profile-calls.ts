/** The CALLs about charging profiles, and what their answers mean. */
import { DomainError } from '#domain/errors.ts'
import type { Resource } from '#domain/resource.ts'
import type { ProfileForm } from './forms.ts'
import { type Payload, StationError } from './frames.ts'
import { optionalObject, optionalText } from './read.ts'
import type { ProfileParts } from './schedules.ts'
import { PRIORITY } from './session-rules.ts'
import type { SessionContext } from './station.ts'
import type { RateUnit } from './wire.ts'

export type ProfilePurpose = ProfileForm['purpose']

export type DynamicUpdate = { readonly limit: number } | { readonly setpoint: number }

/** What the versions spell differently. */
export type ProfileDialect = {
  readonly setProfile: (connectorId: number, parts: ProfileParts) => Payload
  readonly clearById: (id: number) => Payload
  readonly clearWhere: (
    purpose: ProfilePurpose,
    stackLevel: number | null,
    connectorId?: number,
  ) => Payload
  readonly compositeSchedule: (connectorId: number, unit: RateUnit, durationS: number) => Payload
  /** Of 2.1 only. */
  readonly updateDynamic?: (id: number, update: DynamicUpdate) => Payload
  /** Where the answer to GetCompositeSchedule carries the schedule. */
  readonly compositeField: 'chargingSchedule' | 'schedule'
}

export type Status = {
  readonly accepted: boolean
  readonly text: string
  readonly worthAnotherTry: boolean
  readonly isDuplicate: boolean
  /** 2.1, UpdateRateLimit: the same may be taken later. */
  readonly isTooSoon: boolean
  /** Which features of the form are not taken; null: the form as it is. */
  readonly refused: Partial<ProfileForm> | null
}

const SET = 'SetChargingProfile'

/** @throws DomainError device-refused, device-unreachable */
export function setProfile(
  context: SessionContext,
  dialect: ProfileDialect,
  connectorId: number,
  parts: ProfileParts,
  deadlineMs: number,
): Promise<Status> {
  const isLimit = parts.transactionId !== null
  const request = {
    action: SET,
    payload: dialect.setProfile(connectorId, parts),
    deadlineMs,
    priority: isLimit ? PRIORITY.setpoint : PRIORITY.setUp,
    supersedeKey: isLimit ? setpointKey(connectorId) : undefined,
  }
  return context.call(request).then(
    (answer) => statusOf(answer, parts),
    (error: unknown) => {
      throw asRefusal(context, SET, error)
    },
  )
}

/** False: the station refuses to clear by anything but an id. */
export async function clear(
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

/** @throws DomainError device-refused, device-unreachable */
export async function callOrRefuse(
  context: SessionContext,
  request: Parameters<SessionContext['call']>[0],
): Promise<Payload> {
  try {
    return await context.call(request)
  } catch (error) {
    throw asRefusal(context, request.action, error)
  }
}

/** A CALLERROR is a refusal, too. */
function asRefusal({ station }: SessionContext, action: string, error: unknown): unknown {
  if (!(error instanceof StationError)) return error
  return refused(station.identity, `answered ${action} with ${error.message}`)
}

/** 2.x says by its reason what it does not like about a profile (K01, 2.1 also K28). */
function refusedFeatures(reason: string, parts: ProfileParts): Partial<ProfileForm> | null {
  if (/UnsupportedRateUnit/i.test(reason)) return { unit: parts.schedule.chargingRateUnit }
  if (/UnsupportedKind/i.test(reason)) return { kind: parts.kind }
  if (/UnsupportedPurpose/i.test(reason) && parts.purpose !== 'StationMax') {
    return { purpose: parts.purpose }
  }
  return /InvalidStackLevel/i.test(reason) && parts.stackLevel === 1 ? { stackLevel: 1 } : null
}

export const TAKEN: Status = {
  accepted: true,
  text: 'Accepted',
  worthAnotherTry: false,
  isDuplicate: false,
  isTooSoon: false,
  refused: null,
}
/** Not asked: its flash was written a moment ago. */
export const TOO_SOON: Status = { ...statusOf({}), isTooSoon: true }

export function statusOf(answer: Payload, parts: ProfileParts | null = null): Status {
  const status = optionalText(answer, 'status') ?? 'no status'
  const reason = optionalText(optionalObject(answer, 'statusInfo') ?? {}, 'reasonCode')
  if (status === 'Accepted' && reason === null) return TAKEN
  // Another form of profile does not help where the transaction or the EVSE is not there.
  const isAboutForm = !/^(Tx|InvalidTransaction|Unknown)|EVSE/i.test(reason ?? '')
  return {
    accepted: status === 'Accepted',
    text: reason === null ? status : `${status} (${reason})`,
    worthAnotherTry: status === 'Rejected' && isAboutForm,
    isDuplicate: reason === 'DuplicateProfile',
    isTooSoon: reason === 'RateLimitExceeded',
    refused: parts === null ? null : refusedFeatures(reason ?? '', parts),
  }
}

export function setpointKey(connectorId: number): string {
  return `setpoint ${connectorId}`
}

/** @throws Error for a resource of another protocol: only a bug attaches one here. */
export function connectorOf(resource: Resource): number {
  if (resource.connection.protocol !== 'ocpp') {
    throw new Error(`resource ${resource.id} is not connected by OCPP`)
  }
  return resource.connection.connectorId
}

export function refused(identity: string, reason: string): DomainError {
  return new DomainError('device-refused', `station ${identity} ${reason}`)
}
