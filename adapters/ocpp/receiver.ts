/** What a station sends, frame by frame: answered, refused or taken, and what deviates recorded. */
import type { CallQueue } from './call-queue.ts'
import {
  errorText,
  type Frame,
  type OcppVersion,
  type Payload,
  parseFrame,
  resultErrorText,
  resultText,
  StationError,
  WireError,
} from './frames.ts'
import type { LinkOptions } from './link.ts'
import { deviation, isAction, isSent, takeIn } from './schemas.ts'

/** Garbage beyond this is no accident. */
const MALFORMED_MAX = 20
/** Kinds of deviation told per connection. */
const RECORDED_MAX = 100
/** A station counts ids per process start: only what moves money or sessions is worth the memory. */
const REMEMBERED: ReadonlySet<string> = new Set([
  'StartTransaction',
  'StopTransaction',
  'MeterValues',
  'TransactionEvent',
  'DataTransfer',
  'NotifyEVChargingNeeds',
])

type FrameOf<Kind extends Frame['kind']> = Extract<Frame, { kind: Kind }>

/** What a receiver needs of its link. */
export type ReceiverOptions = Pick<
  LinkOptions,
  'version' | 'identity' | 'log' | 'inbox' | 'answer' | 'take'
>

export type ReceiverWays = {
  readonly queue: CallQueue
  readonly send: (text: string) => void
  /** Cuts the station off. */
  readonly giveUp: () => void
}

/** Handles one text message after the other. */
export function createReceiver(
  options: ReceiverOptions,
  ways: ReceiverWays,
): (text: string) => void {
  const record = createRecord(options)
  const answerCall = createAnswers(options, record)
  const { version } = options
  const { queue, send } = ways
  let malformed = 0

  /** What cannot be read is answered where the standard has an answer to that type. */
  function refuse({ type, id, reason }: FrameOf<'malformed'>): void {
    record('a frame', reason)
    malformed += 1
    if (malformed > MALFORMED_MAX) return ways.giveUp()
    const code = id === null ? 'RpcFrameworkError' : 'FormatViolation'
    if (type === null || type === 2) send(errorText(version, id, code, reason))
    if (type === 3 && id !== null) refuseResult(options, ways, id, new WireError(code, reason))
  }

  return (text) => {
    const frame = parseFrame(text)
    switch (frame.kind) {
      case 'call':
        return send(answerCall(frame, text))
      case 'result':
        return takeResult(options, ways, record, frame)
      case 'error': {
        const outcome = new StationError(frame.code, frame.description)
        if (!queue.answered(frame.id, outcome)) record('an error', outcome.message)
        return
      }
      case 'send':
        if (version === 'ocpp2.1') return takeSent(options, record, frame)
        return record('a frame', `SEND is not in ${version}`)
      case 'resultError':
        return record('an error about an answer of ours', `${frame.code} ${frame.description}`)
      case 'unknown':
        return record('a frame', `type ${frame.type} is not known`)
      case 'malformed':
        return refuse(frame)
    }
  }
}

/** Where it cannot be used the order has failed. */
function takeResult(
  options: ReceiverOptions,
  ways: ReceiverWays,
  record: Note,
  { id, payload }: FrameOf<'result'>,
): void {
  const action = ways.queue.outstanding(id)
  if (action === null) return record('an answer', 'nobody waits for it')
  try {
    for (const found of takeIn(options.version, action, 'Response', payload)) {
      record(`${action} response`, found)
    }
    ways.queue.answered(id, payload)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    record(`${action} response`, error.message)
    refuseResult(options, ways, id, error)
  }
}

/** Only 2.1 has a way to tell the station. */
function refuseResult(
  { version }: ReceiverOptions,
  { queue, send }: ReceiverWays,
  id: string,
  { code, message }: WireError,
): void {
  queue.answered(id, new StationError(code, `its answer cannot be used: ${message}`))
  if (version === 'ocpp2.1') send(resultErrorText(id, code, message))
}

type Note = (what: string, told: string) => void

/** Each kind of deviation once per connection: it is a property of the firmware. */
function createRecord({ identity, version, log }: ReceiverOptions): Note {
  let recorded: Set<string> | null = null // few stations have anything to record
  return (what, told) => {
    const detail = told.slice(0, 200)
    // The third value of a list deviates like the first one.
    const key = `${what}: ${detail.replaceAll(/\d+/g, 'n')}`
    recorded ??= new Set()
    if (recorded.has(key) || recorded.size >= RECORDED_MAX) return
    recorded.add(key)
    log.warn('a station deviates from the standard', { identity, version, what, detail })
  }
}

/** The text that answers a CALL. */
function createAnswers(
  { version, identity, log, inbox, answer }: ReceiverOptions,
  record: Note,
): (frame: FrameOf<'call'>, text: string) => string {
  function respond(frame: FrameOf<'call'>): string {
    const { action, payload } = withoutSignature(version, frame)
    if (!isAction(version, action)) {
      const isOfSend = isSent(version, action)
      throw new WireError(isOfSend ? 'NotSupported' : 'NotImplemented', `${action} is not served`)
    }
    for (const found of takeIn(version, action, 'Request', payload)) record(action, found)
    const response = answer(action, payload)
    const ours = deviation(version, action, 'Response', response)
    if (ours !== null) throw new Error(`our own ${action} response is invalid: ${ours}`)
    return resultText(frame.id, response)
  }

  return (frame, text) => {
    const { id, action } = frame
    const remember = REMEMBERED.has(unsigned(action))
    const given = remember ? inbox.answerGiven(id, text) : null
    if (given !== null) return given
    try {
      const result = respond(frame)
      if (remember) inbox.remember(id, text, result)
      return result
    } catch (error) {
      if (error instanceof WireError) {
        record(action, error.message)
        return errorText(version, id, error.code, error.message)
      }
      log.error('a message could not be handled', { identity, action, error: String(error) })
      return errorText(version, id, 'InternalError', 'the message could not be handled')
    }
  }
}

/** Nobody hears of what is wrong with a SEND. */
function takeSent(
  { version, identity, log, take }: ReceiverOptions,
  record: Note,
  message: FrameOf<'send'>,
): void {
  try {
    const { action, payload } = withoutSignature(version, message)
    if (!isSent(version, action)) throw new WireError('NotSupported', `${action} is no SEND`)
    for (const found of takeIn(version, action, 'Send', payload)) record(action, found)
    take(action, payload)
  } catch (error) {
    const { action } = message
    if (error instanceof WireError) return record(action, error.message)
    log.error('a message could not be handled', { identity, action, error: String(error) })
  }
}

const SIGNED = '-Signed'

function unsigned(action: string): string {
  return action.endsWith(SIGNED) ? action.slice(0, -SIGNED.length) : action
}

/**
 * A signed message of 2.x is a flattened JWS around the message proper (2.1 part 4, chapter 7). Its
 * signature is not checked: the connection has been authenticated, and checking is optional.
 */
function withoutSignature(
  version: OcppVersion,
  message: { readonly action: string; readonly payload: Payload },
): { readonly action: string; readonly payload: Payload } {
  const { action, payload } = message
  if (version === 'ocpp1.6' || !action.endsWith(SIGNED)) return message
  const inner = payload['payload']
  if (typeof inner !== 'string') throw new WireError('FormatViolation', 'payload is no JWS')
  const proper = asObject(Buffer.from(inner, 'base64url').toString('utf8'))
  if (proper === null) throw new WireError('FormatViolation', 'the signed payload is no object')
  return { action: unsigned(action), payload: proper }
}

function asObject(text: string): Payload | null {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Payload) : null
  } catch {
    return null
  }
}
