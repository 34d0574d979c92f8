import { randomUUID } from 'node:crypto'
import { WebSocket } from 'ws'
import type { SeededRandom } from '../random.ts'

export type Payload = Record<string, unknown>

/** How a station answers a CALL of the central system; silent: it does not (a quirk). */
export type Answer =
  | { readonly result: Payload }
  | { readonly error: string; readonly why: string }
  | { readonly silent: true }

export type LinkEvents = {
  readonly opened: () => void
  readonly closed: () => void
  readonly called: (action: string, payload: Payload) => Answer
  /** Every call received, before it is answered. */
  readonly received: (action: string) => void
  /** A message that was kept was refused at its last attempt, and is lost. */
  readonly gaveUp: (action: string, why: string) => void
  /** Of a message of the station right before it goes out. */
  readonly outgoing: (action: string, payload: Payload) => Payload
  /** What is wrong with the result of a call of the station; null: nothing, or nobody looks. */
  readonly resultError: (action: string, result: Payload) => string | null
  /** The central system could not use a result of the station (2.1). */
  readonly resultRefused: (code: string, why: string) => void
  /** May it dial now? It is asked again soon where it may not. */
  readonly mayDial: () => boolean
  /** The handshake was refused. */
  readonly dialRefused: () => void
}

export type LinkAddress = {
  readonly url: string
  readonly password: string
  /** Further central systems, dialled in turn where the one before cannot be reached. */
  readonly others?: readonly string[]
}

type Outgoing = {
  readonly action: string
  readonly payload: () => Payload
  /** Transaction-related: kept while the line is down and sent in order. */
  readonly kept: boolean
  attempts: number
  resolve(payload: Payload): void
  reject(error: Error): void
}

const ANSWER_DEADLINE_MS = 20_000
/** Short, because business time runs fast: a minute of real back-off would outlast a window. */
const REDIAL_MIN_MS = 200
const REDIAL_MAX_MS = 1_000
const KEPT_MAX = 4_000
/** How often a station that stays away looks whether it may dial. */
const DIAL_LOOK_MS = 50
const ATTEMPTS_MAX = 3

/**
 * A station's side of OCPP-J: one CALL outstanding at a time, calls of the central system answered
 * while ours is out, redial with a growing and random back-off, all in wall time.
 */
export class OcppLink {
  readonly #address: LinkAddress
  readonly #subprotocol: string
  readonly #random: SeededRandom
  readonly #events: LinkEvents
  #socket: WebSocket | null = null
  #queue: Outgoing[] = []
  #inFlight: { id: string; call: Outgoing; deadline: NodeJS.Timeout } | null = null
  #redial: NodeJS.Timeout | null = null
  #failures = 0
  /** Which of the endpoints is dialled. */
  #turn = 0
  #stopped = false
  /** Until the boot was accepted only the boot itself may be sent. */
  #onlyBoot = true

  constructor(address: LinkAddress, subprotocol: string, random: SeededRandom, events: LinkEvents) {
    this.#address = address
    this.#subprotocol = subprotocol
    this.#random = random
    this.#events = events
  }

  get open(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  start(): void {
    this.#dial()
  }

  /** Closes the line and never dials again. */
  stop(): void {
    this.#stopped = true
    if (this.#redial !== null) clearTimeout(this.#redial)
    if (this.#inFlight !== null) clearTimeout(this.#inFlight.deadline)
    this.#inFlight = null
    this.#queue = []
    const socket = this.#socket
    this.#socket = null
    if (socket === null) return
    socket.removeAllListeners()
    socket.on('error', () => undefined) // a dial that is cut short ends as an error
    socket.terminate()
  }

  /** Where it dials, or has dialled. */
  get endpoint(): string {
    const { url, others = [] } = this.#address
    return [url, ...others][this.#turn % (1 + others.length)] ?? url
  }

  /** Hangs up and dials the next of its endpoints. */
  move(): void {
    this.#turn += 1
    this.#socket?.terminate()
  }

  /** Loses the line, as by a broken cable; dials again as soon as it may. */
  interrupt(): void {
    this.#socket?.terminate()
  }

  /** Holds everything back but a boot, until `release`. */
  holdForBoot(): void {
    this.#onlyBoot = true
  }

  /** Lets everything through that waited for the boot. */
  release(): void {
    this.#onlyBoot = false
    this.#pump()
  }

  /** The answer's payload. @throws Error for a CALLERROR, a closed line or no answer in time */
  call(action: string, payload: Payload): Promise<Payload> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) return reject(new Error('the line is closed for good'))
      this.#enqueue({ action, payload: () => payload, kept: false, attempts: 0, resolve, reject })
    })
  }

  /**
   * For transaction-related messages: sent in order, kept while the line is down, tried at most
   * three times. The payload is made when it goes out; `then` gets the answer.
   */
  keep(action: string, payload: () => Payload, then: (answer: Payload) => void = () => {}): void {
    if (this.#stopped) return
    const reject = (error: Error) => this.#events.gaveUp(action, error.message)
    this.#enqueue({ action, payload, kept: true, attempts: 0, resolve: then, reject })
  }

  /** A message that is never answered (2.1 SEND); lost while the line is down or not booted. */
  send(action: string, payload: Payload): void {
    if (this.#onlyBoot || this.#socket?.readyState !== WebSocket.OPEN) return
    const outgoing = this.#events.outgoing(action, payload)
    this.#socket.send(JSON.stringify([6, randomUUID(), action, outgoing]))
  }

  #enqueue(call: Outgoing): void {
    // The boot goes before everything that waits for it.
    if (call.action === 'BootNotification') this.#queue.unshift(call)
    else this.#queue.push(call)
    const oldest = this.#queue.length > KEPT_MAX ? this.#queue.shift() : undefined
    oldest?.reject(new Error(`more than ${KEPT_MAX} messages wait`))
    this.#pump()
  }

  #dial(): void {
    if (!this.#events.mayDial()) {
      this.#redial = setTimeout(() => this.#dial(), DIAL_LOOK_MS)
      return
    }
    const { password } = this.#address
    const url = this.endpoint
    const identity = decodeURIComponent(url.slice(url.lastIndexOf('/') + 1))
    const socket = new WebSocket(url, this.#subprotocol, {
      headers: {
        Authorization: `Basic ${Buffer.from(`${identity}:${password}`).toString('base64')}`,
      },
      handshakeTimeout: 10_000,
      perMessageDeflate: false,
    })
    this.#socket = socket
    socket.on('open', () => {
      this.#failures = 0
      this.#events.opened()
      this.#pump()
    })
    socket.on('message', (data) => this.#read(data.toString()))
    socket.on('error', (error) => {
      // 'close' follows and is where it is handled
      if (/Unexpected server response/.test(error.message)) this.#events.dialRefused()
    })
    socket.on('close', () => this.#lost(socket))
  }

  #lost(socket: WebSocket): void {
    if (this.#socket !== socket) return
    this.#socket = null
    const inFlight = this.#inFlight
    this.#inFlight = null
    if (inFlight !== null) {
      clearTimeout(inFlight.deadline)
      this.#again(inFlight.call, new Error(`the line closed during ${inFlight.call.action}`))
    }
    this.#dropUnkept()
    this.#events.closed()
    if (this.#stopped) return
    // The first try after a lost line goes to where it was.
    if (this.#failures > 0) this.#turn += 1
    const waitMs = Math.min(REDIAL_MAX_MS, REDIAL_MIN_MS * 2 ** this.#failures)
    this.#failures = Math.min(10, this.#failures + 1)
    this.#redial = setTimeout(() => this.#dial(), waitMs * this.#random.between(0.8, 1.5))
  }

  #dropUnkept(): void {
    const unkept = this.#queue.filter(({ kept }) => !kept)
    this.#queue = this.#queue.filter(({ kept }) => kept)
    for (const { action, reject } of unkept) reject(new Error(`the line closed before ${action}`))
  }

  #pump(): void {
    const socket = this.#socket
    if (socket?.readyState !== WebSocket.OPEN || this.#inFlight !== null) return
    const next = this.#queue[0]
    if (next === undefined) return
    if (this.#onlyBoot && next.action !== 'BootNotification') return
    this.#queue.shift()
    const id = randomUUID()
    next.attempts += 1
    const deadline = setTimeout(() => socket.terminate(), ANSWER_DEADLINE_MS)
    this.#inFlight = { id, call: next, deadline }
    const payload = this.#events.outgoing(next.action, next.payload())
    socket.send(JSON.stringify([2, id, next.action, payload]))
  }

  #read(text: string): void {
    const frame: unknown = parse(text)
    if (!Array.isArray(frame)) return
    const [type, id, third, fourth] = frame as [unknown, unknown, unknown, unknown]
    if (type === 2) this.#answer(String(id), String(third), asPayload(fourth))
    if (type === 3) this.#result(String(id), asPayload(third))
    if (type === 5) this.#events.resultRefused(String(third), String(fourth))
    if (type === 4) {
      const error = new Error(`${String(third)}: ${String(fourth)}`)
      this.#settle(String(id), (call) => this.#again(call, error))
    }
  }

  #answer(id: string, action: string, payload: Payload): void {
    this.#events.received(action)
    const answer = this.#attempt(action, payload)
    if ('silent' in answer) return
    const frame =
      'result' in answer ? [3, id, answer.result] : [4, id, answer.error, answer.why, {}]
    this.#socket?.send(JSON.stringify(frame))
  }

  #result(id: string, result: Payload): void {
    this.#settle(id, (call) => {
      const wrong = this.#events.resultError(call.action, result)
      if (wrong === null) return call.resolve(result)
      this.#socket?.send(JSON.stringify([5, id, 'OccurrenceConstraintViolation', wrong, {}]))
      call.reject(new Error(`the answer to ${call.action} cannot be used: ${wrong}`))
    })
  }

  #attempt(action: string, payload: Payload): Answer {
    try {
      return this.#events.called(action, payload)
    } catch (error) {
      // What the payload made impossible; the station lives on.
      return { error: 'PropertyConstraintViolation', why: String(error).slice(0, 255) }
    }
  }

  #settle(id: string, settle: (call: Outgoing) => void): void {
    const inFlight = this.#inFlight
    if (inFlight?.id !== id) return // an answer nobody waits for
    clearTimeout(inFlight.deadline)
    this.#inFlight = null
    settle(inFlight.call)
    this.#pump()
  }

  #again(call: Outgoing, error: Error): void {
    if (call.kept && call.attempts < ATTEMPTS_MAX) this.#queue.unshift(call)
    else call.reject(error)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // not JSON: a station has nothing to answer to
  }
}

function asPayload(value: unknown): Payload {
  return typeof value === 'object' && value !== null ? (value as Payload) : {}
}
