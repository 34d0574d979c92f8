import type { RawData, WebSocket } from 'ws'
import type { Log, Timer } from '#ports.ts'
import { CallQueue, type CallRequest } from './call-queue.ts'
import { callText, type OcppVersion, type Payload } from './frames.ts'
import type { Inbox } from './inbox.ts'
import { createReceiver } from './receiver.ts'
import { deviation } from './schemas.ts'
import { type Door, sendText } from './text-frame.ts'

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
  readonly door: Door
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
/** A station that does not read what it asks for is cut off before it fills the memory. */
const BUFFERED_BYTES_MAX = 1_000_000

/** Frames over one socket: strict in what is sent, lenient and recorded in what comes in. */
export function createLink(options: LinkOptions): Link {
  const { door, version, identity, timer } = options
  const { socket } = door
  const firstMessage = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  let open = true
  let isSilent = true
  const queue = new CallQueue(timer, identity, (id, action, payload) => {
    send(callText(id, action, payload))
  })

  function send(text: string): void {
    if (!open) return
    if (socket.bufferedAmount > BUFFERED_BYTES_MAX) return terminate('the station does not read')
    sendText(door, text) // what cannot be written closes the socket, which is heard below
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

  const receive = createReceiver(options, {
    queue,
    send,
    giveUp: () => terminate('too many malformed frames'),
  })
  socket.on('message', (data, isBinary) => {
    if (!open) return
    receive(isBinary ? '' : textOf(data))
    if (!isSilent) return
    isSilent = false
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

    call: (request) => queue.call(checked(version, request)),
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

/** @throws Error for a message of ours that violates its schema: a bug, and never sent. */
function checked(version: OcppVersion, request: CallRequest): CallRequest {
  const wrong = deviation(version, request.action, 'Request', request.payload)
  if (wrong !== null) throw new Error(`our own ${request.action} is invalid: ${wrong}`)
  return request
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

function textOf(data: RawData): string {
  if (Buffer.isBuffer(data)) return data.toString('utf8')
  const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
  return bytes.toString('utf8')
}
