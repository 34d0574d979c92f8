import type { RawData, WebSocket } from 'ws'
import type { Log, Timer } from '#ports.ts'
import { CallQueue, type CallRequest } from './call-queue.ts'
import {
  callText,
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
import type { Inbox } from './inbox.ts'
import { deviation, isAction, isSent } from './schemas.ts'

/** One live WebSocket of a station. */
export type Link = {
  readonly version: OcppVersion
  /** Settles with the first message, or when the socket closes. */
  readonly firstMessage: Promise<void>
  readonly closed: Promise<void>
  /** Settles when the socket itself is gone, which may be later. */
  readonly gone: Promise<void>
  call(request: CallRequest): Promise<Payload>
  /** Is the other end there? False without a pong in time. */
  ping(deadlineMs: number): Promise<boolean>
  close(code: number, reason: string): void
  /** Without a handshake, for a peer that does not answer. */
  terminate(reason: string): void
}

export type LinkOptions = {
  readonly socket: WebSocket
  readonly version: OcppVersion
  readonly identity: string
  readonly timer: Timer
  readonly log: Log
  readonly inbox: Inbox
  /** Answers a CALL of the station. @throws WireError for what cannot be used. */
  readonly answer: (action: string, payload: Payload) => Payload
  /** Takes a SEND of the station (2.1). @throws WireError, which is recorded. */
  readonly take: (action: string, payload: Payload) => void
  readonly onClosed: (reason: string) => void
}

/** A peer that does not answer a close frame is cut off. */
const CLOSE_DEADLINE_MS = 2_000
/** Garbage beyond this is no accident. */
const MALFORMED_MAX = 20
/** A station that does not read what it asks for is cut off before it fills the memory. */
const BUFFERED_BYTES_MAX = 1_000_000
/** A station counts ids per process start: only what moves money or sessions is worth the memory. */
const REMEMBERED: ReadonlySet<string> = new Set([
  'StartTransaction',
  'StopTransaction',
  'MeterValues',
  'TransactionEvent',
  'DataTransfer',
  'NotifyEVChargingNeeds',
])

/** Frames over one socket: strict in what is sent, lenient and recorded in what comes in. */
export function createLink(options: LinkOptions): Link {
  const { socket, version, identity, timer } = options
  const firstMessage = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  let open = true
  const queue = new CallQueue(timer, identity, (id, action, payload) => {
    send(callText(id, action, payload))
  })

  function send(text: string): void {
    if (!open) return
    if (socket.bufferedAmount > BUFFERED_BYTES_MAX) {
      terminate('the station does not read')
      return
    }
    socket.send(text, (error) => {
      if (error instanceof Error) terminate(`sending failed: ${error.message}`)
    })
  }

  function finish(reason: string): void {
    if (!open) return
    open = false
    queue.close(reason)
    firstMessage.resolve()
    closed.resolve()
    options.onClosed(reason)
  }

  function terminate(reason: string): void {
    socket.terminate()
    finish(reason)
  }

  const receive = createReceiver(options, queue, send, () => terminate('too many malformed frames'))
  socket.on('message', (data, isBinary) => {
    if (!open) return
    receive(isBinary ? '' : textOf(data))
    firstMessage.resolve()
  })
  socket.on('error', (error) => terminate(error.message))
  socket.on('close', (code, reason) => {
    gone.resolve()
    finish(`the station closed the connection (${code}${reason.length > 0 ? ` ${reason}` : ''})`)
  })

  return {
    version,
    firstMessage: firstMessage.promise,
    closed: closed.promise,
    gone: gone.promise,
    terminate,

    async call(request) {
      const wrong = deviation(version, request.action, 'Request', request.payload)
      if (wrong !== null) throw new Error(`our own ${request.action} is invalid: ${wrong}`)
      return await queue.call(request)
    },

    ping: async (deadlineMs) => open && (await isAnswered(socket, timer, deadlineMs)),
    close(code, reason) {
      socket.close(code, reason)
      finish(reason)
      timer.deadline(gone.promise, CLOSE_DEADLINE_MS, 'the close handshake').catch(() => {
        socket.terminate()
      })
    },
  }
}

/** Sends a ping; false without a pong in time, or when the socket closes first. */
async function isAnswered(socket: WebSocket, timer: Timer, deadlineMs: number): Promise<boolean> {
  const outcome = Promise.withResolvers<boolean>()
  const ponged = () => outcome.resolve(true)
  const closed = () => outcome.resolve(false)
  socket.once('pong', ponged).once('close', closed)
  try {
    socket.ping()
    return await timer.deadline(outcome.promise, deadlineMs, 'a pong')
  } catch {
    return false
  } finally {
    socket.off('pong', ponged).off('close', closed)
  }
}

/** Handles one text message after the other. */
function createReceiver(
  { version, identity, log, inbox, answer, take }: LinkOptions,
  queue: CallQueue,
  send: (text: string) => void,
  giveUp: () => void,
): (text: string) => void {
  const recorded = new Set<string>()
  let malformed = 0

  /** Each kind of deviation once per connection: it is a property of the firmware. */
  function record(what: string, told: string): void {
    const detail = told.slice(0, 200)
    const key = `${what}: ${detail}`
    if (recorded.has(key) || recorded.size >= 100) return
    recorded.add(key)
    log.warn('a station deviates from the standard', { identity, version, what, detail })
  }

  function answerCall(frame: Extract<Frame, { kind: 'call' }>, text: string): string {
    const { id, action, payload } = frame
    const remember = REMEMBERED.has(action)
    const given = remember ? inbox.answerGiven(id, text) : null
    if (given !== null) return given
    const wrong = isAction(version, action) ? deviation(version, action, 'Request', payload) : null
    if (wrong !== null) record(action, wrong)
    try {
      const response = answer(action, payload)
      const ours = deviation(version, action, 'Response', response)
      if (ours !== null) throw new Error(`our own ${action} response is invalid: ${ours}`)
      const result = resultText(id, response)
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

  /** Nobody hears of what is wrong with a SEND. */
  function takeSent({ action, payload }: Extract<Frame, { kind: 'send' }>): void {
    const wrong = isSent(version, action) ? deviation(version, action, 'Send', payload) : null
    if (wrong !== null) record(action, wrong)
    try {
      take(action, payload)
    } catch (error) {
      if (error instanceof WireError) return record(action, error.message)
      log.error('a message could not be handled', { identity, action, error: String(error) })
    }
  }

  function takeResult({ id, payload }: Extract<Frame, { kind: 'result' }>): void {
    const action = queue.outstanding(id)
    const wrong = action === null ? null : deviation(version, action, 'Response', payload)
    if (wrong !== null) record(`${action} response`, wrong)
    if (!queue.answered(id, payload)) record('an answer', 'nobody waits for it')
  }

  /** What cannot be read is answered where the standard has an answer to that type. */
  function refuse({ type, id, reason }: Extract<Frame, { kind: 'malformed' }>): void {
    record('a frame', reason)
    malformed += 1
    if (malformed > MALFORMED_MAX) return giveUp()
    if (type === null || type === 2) send(errorText(version, id, 'RpcFrameworkError', reason))
    if (type !== 3 || id === null) return
    queue.answered(id, new StationError('FormatViolation', reason))
    if (version === 'ocpp2.1') send(resultErrorText(id, 'FormatViolation', reason))
  }

  return (text) => {
    const frame = parseFrame(text)
    switch (frame.kind) {
      case 'call':
        return send(answerCall(frame, text))
      case 'result':
        return takeResult(frame)
      case 'error': {
        const outcome = new StationError(frame.code, frame.description)
        if (!queue.answered(frame.id, outcome)) record('an error', outcome.message)
        return
      }
      case 'send':
        if (version === 'ocpp2.1') return takeSent(frame)
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

function textOf(data: RawData): string {
  if (Buffer.isBuffer(data)) return data.toString('utf8')
  const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
  return bytes.toString('utf8')
}
