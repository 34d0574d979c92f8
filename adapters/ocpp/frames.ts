/** OCPP-J frames: what a WebSocket text message of a station can be, and how answers are written. */
export type OcppVersion = 'ocpp1.6' | 'ocpp2.0.1' | 'ocpp2.1'
export type Payload = Record<string, unknown>

export type Frame =
  | {
      readonly kind: 'call'
      readonly id: string
      readonly action: string
      readonly payload: Payload
    }
  | { readonly kind: 'result'; readonly id: string; readonly payload: Payload }
  | {
      /** CALLERROR; 'resultError' is CALLRESULTERROR of 2.1: our answer could not be used. */
      readonly kind: 'error' | 'resultError'
      readonly id: string
      readonly code: string
      readonly description: string
    }
  /** SEND of 2.1: never answered, not even with an error. */
  | {
      readonly kind: 'send'
      readonly id: string
      readonly action: string
      readonly payload: Payload
    }
  /** A type number that we do not know: ignored, never answered (OCPP-J 2.1 part 4, 4.4). */
  | { readonly kind: 'unknown'; readonly type: number }
  /** `type`: null where not even that can be read. */
  | {
      readonly kind: 'malformed'
      readonly type: number | null
      readonly id: string | null
      readonly reason: string
    }

const CALL = 2
const CALLRESULT = 3
const CALLERROR = 4
const CALLRESULTERROR = 5
const SEND = 6
/** The last two only in 2.1. */
const TYPES: readonly number[] = [CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND]

/** The 2.x names; `errorCodeOn` turns them into what a version spells. */
export type WireErrorCode =
  | 'FormatViolation'
  | 'OccurrenceConstraintViolation'
  | 'TypeConstraintViolation'
  | 'PropertyConstraintViolation'
  | 'NotImplemented'
  | 'NotSupported'
  | 'RpcFrameworkError'
  | 'InternalError'

/** What a station sent and we cannot use; becomes a CALLERROR. */
export class WireError extends Error {
  readonly code: WireErrorCode

  constructor(code: WireErrorCode, message: string) {
    super(message)
    this.name = 'WireError'
    this.code = code
  }
}

/** A CALLERROR that a station sent in answer to one of our CALLs. */
export class StationError extends Error {
  readonly code: string

  constructor(code: string, description: string) {
    super(description === '' ? code : `${code}: ${description}`)
    this.name = 'StationError'
    this.code = code
  }

  /** The two codes are mixed up in the field (action unknown, action known but not offered). */
  get meansUnsupported(): boolean {
    return this.code === 'NotImplemented' || this.code === 'NotSupported'
  }
}

/** 1.6 wants ids of at most 36 characters; longer ones are echoed, endless ones are not. */
const ID_LENGTH_MAX = 128
/** OCPP-J: the description of a CALLERROR has at most 255 characters. */
const DESCRIPTION_LENGTH_MAX = 255

/** Reads a text message. Never throws: what is no frame comes back as 'malformed'. */
export function parseFrame(text: string): Frame {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return malformed(null, null, 'the message is not JSON')
  }
  if (!Array.isArray(value) || typeof value[0] !== 'number') {
    return malformed(null, null, 'expected an array that begins with a number')
  }
  const [type, id] = value as [number, unknown]
  if (!TYPES.includes(type)) return { kind: 'unknown', type }
  if (typeof id !== 'string' || id === '' || id.length > ID_LENGTH_MAX) {
    return malformed(type, null, 'the message id is not a text of 1 to 36 characters')
  }
  if (type === CALL || type === SEND) return parseCall(type, id, value)
  if (type === CALLRESULT) {
    const payload = asPayload(value[2])
    if (payload === null) return malformed(type, id, 'the payload is not an object')
    return { kind: 'result', id, payload }
  }
  return {
    kind: type === CALLERROR ? 'error' : 'resultError',
    id,
    code: typeof value[2] === 'string' ? value[2] : 'GenericError',
    description: typeof value[3] === 'string' ? value[3].slice(0, DESCRIPTION_LENGTH_MAX) : '',
  }
}

function parseCall(type: number, id: string, value: readonly unknown[]): Frame {
  const action = value[2]
  if (typeof action !== 'string' || !/^[A-Za-z0-9-]{1,50}$/.test(action)) {
    return malformed(type, id, 'the action is not a name')
  }
  const payload = asPayload(value[3])
  if (payload === null) return malformed(type, id, 'the payload is not an object')
  return { kind: type === CALL ? 'call' : 'send', id, action, payload }
}

function malformed(type: number | null, id: string | null, reason: string): Frame {
  return { kind: 'malformed', type, id, reason }
}

/** Some stations write null for an empty payload. */
function asPayload(value: unknown): Payload | null {
  if (value === null || value === undefined) return {}
  if (typeof value !== 'object' || Array.isArray(value)) return null
  return value as Payload
}

export function callText(id: string, action: string, payload: Payload): string {
  return JSON.stringify([CALL, id, action, payload])
}

export function resultText(id: string, payload: Payload): string {
  return JSON.stringify([CALLRESULT, id, payload])
}

/** An unreadable id is answered with "-1" (OCPP-J 2.x part 4, 4.1.3). */
export function errorText(
  version: OcppVersion,
  id: string | null,
  code: WireErrorCode,
  description: string,
): string {
  const shown = description.slice(0, DESCRIPTION_LENGTH_MAX)
  return JSON.stringify([CALLERROR, id ?? '-1', errorCodeOn(version, code), shown, {}])
}

/** 2.1 only: tells a station that its answer could not be used. */
export function resultErrorText(id: string, code: WireErrorCode, description: string): string {
  const shown = description.slice(0, DESCRIPTION_LENGTH_MAX)
  return JSON.stringify([CALLRESULTERROR, id, code, shown, {}])
}

/** 1.6 has other names, one of them misspelt in the standard. */
export function errorCodeOn(version: OcppVersion, code: WireErrorCode): string {
  if (version !== 'ocpp1.6') return code
  if (code === 'FormatViolation' || code === 'RpcFrameworkError') return 'FormationViolation'
  if (code === 'OccurrenceConstraintViolation') return 'OccurenceConstraintViolation'
  return code
}
