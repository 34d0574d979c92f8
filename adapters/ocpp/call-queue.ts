import { randomUUID } from 'node:crypto'
import { DomainError } from '#domain/errors.ts'
import type { Timer } from '#ports.ts'
import type { Payload, StationError } from './frames.ts'

/** One CALL of ours. */
export type CallRequest = {
  readonly action: string
  readonly payload: Payload
  /** Lower goes first: setpoints overtake configuration that still waits. */
  readonly priority: number
  /** Wall time, counted from the request, waiting included: nothing stale is ever sent. */
  readonly deadlineMs: number
  /** A newer request with the same key replaces one that has not been sent yet. */
  readonly supersedeKey?: string | undefined
}

type Entry = Pick<CallRequest, 'action' | 'priority'> & {
  readonly id: string
  readonly order: number
  readonly supersedeKey: string | undefined
  /** Let go once it is sent: tens of thousands may wait for their answers at a time. */
  payload: Payload
  readonly outcome: PromiseWithResolvers<Payload>
}

const SENT: Payload = {}

type Send = (id: string, action: string, payload: Payload) => void

/** One CALL in flight per station, the rest in order of priority (OCPP-J: one outstanding CALL). */
export class CallQueue {
  readonly #timer: Timer
  readonly #identity: string
  readonly #send: Send
  #waiting: Entry[] = []
  #inFlight: Entry | null = null
  #closedBecause: string | null = null
  #order = 0

  constructor(timer: Timer, identity: string, send: Send) {
    this.#timer = timer
    this.#identity = identity
    this.#send = send
  }

  /**
   * @throws StationError for a CALLERROR; DomainError 'device-unreachable' without an answer in
   *   time, 'device-refused' if superseded before it was sent.
   */
  call({ action, payload, priority, deadlineMs, supersedeKey }: CallRequest): Promise<Payload> {
    if (this.#closedBecause !== null) {
      return Promise.reject(unreachable(this.#identity, this.#closedBecause))
    }
    const outcome = Promise.withResolvers<Payload>()
    const entry: Entry = {
      id: nextId(),
      action,
      payload,
      priority,
      supersedeKey,
      order: this.#order++,
      outcome,
    }
    this.#supersede(supersedeKey)
    this.#waiting.push(entry)
    if (this.#waiting.length > 1) this.#waiting.sort(byPriority)
    this.#pump()
    return this.#timer.deadline(outcome.promise, deadlineMs, action).catch((error: unknown) => {
      if (!isDeadline(error)) throw error
      this.#abandon(entry)
      throw unreachable(this.#identity, `no answer to ${action} within ${deadlineMs} ms`)
    })
  }

  /** False if nobody waits for this id: too late, or never asked. */
  answered(id: string, outcome: Payload | StationError): boolean {
    const entry = this.#inFlight
    if (entry === null || entry.id !== id) return false
    this.#inFlight = null
    if (outcome instanceof Error) entry.outcome.reject(outcome)
    else entry.outcome.resolve(outcome)
    this.#pump()
    return true
  }

  /** Which action an outstanding id belongs to. */
  outstanding(id: string): string | null {
    return this.#inFlight?.id === id ? this.#inFlight.action : null
  }

  /** Rejects whatever waits, and whatever comes later, as unreachable. */
  close(reason: string): void {
    this.#closedBecause = reason
    const all = this.#inFlight === null ? this.#waiting : [this.#inFlight, ...this.#waiting]
    this.#inFlight = null
    this.#waiting = []
    for (const { outcome } of all) outcome.reject(unreachable(this.#identity, reason))
  }

  #pump(): void {
    if (this.#inFlight !== null) return
    const next = this.#waiting.shift()
    if (next === undefined) return
    const { id, action, payload } = next
    next.payload = SENT
    this.#inFlight = next
    this.#send(id, action, payload)
  }

  #supersede(key: string | undefined): void {
    if (key === undefined || this.#waiting.length === 0) return
    const old = this.#waiting.filter(({ supersedeKey }) => supersedeKey === key)
    this.#waiting = this.#waiting.filter((entry) => !old.includes(entry))
    for (const { outcome } of old) {
      outcome.reject(
        new DomainError('device-refused', 'superseded by a newer order before it was sent'),
      )
    }
  }

  /** Its answer may still come; nobody waits for it any more. */
  #abandon(entry: Entry): void {
    this.#waiting = this.#waiting.filter((one) => one !== entry)
    if (this.#inFlight === entry) this.#inFlight = null
    this.#pump()
  }
}

function byPriority(a: Entry, b: Entry): number {
  return a.priority - b.priority || a.order - b.order
}

function isDeadline(error: unknown): boolean {
  return error instanceof DomainError && error.code === 'unavailable'
}

/** A UUID in form, as OCPP-J recommends: random for each process of ours, counted within it. */
const ID_BEGIN = randomUUID().slice(0, 24)
let ids = 0

function nextId(): string {
  ids += 1
  return ID_BEGIN + ids.toString(16).padStart(12, '0')
}

export function unreachable(identity: string, reason: string): DomainError {
  return new DomainError('device-unreachable', `station ${identity}: ${reason}`)
}
