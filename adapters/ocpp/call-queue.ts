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
  readonly supersedeKey?: string
}

export type CallQueue = {
  /**
   * @throws StationError for a CALLERROR; DomainError 'device-unreachable' without an answer in
   *   time, 'device-refused' if superseded before it was sent.
   */
  call(request: CallRequest): Promise<Payload>
  /** False if nobody waits for this id: too late, or never asked. */
  answered(id: string, outcome: Payload | StationError): boolean
  /** Which action an outstanding id belongs to. */
  outstanding(id: string): string | null
  close(reason: string): void
}

type Entry = {
  readonly id: string
  readonly request: CallRequest
  readonly order: number
  readonly promise: Promise<Payload>
  readonly resolve: (payload: Payload) => void
  readonly reject: (error: Error) => void
}

/** One CALL in flight per station, the rest in order of priority (OCPP-J: one outstanding CALL). */
export function createCallQueue(options: {
  readonly timer: Timer
  readonly identity: string
  readonly send: (id: string, action: string, payload: Payload) => void
}): CallQueue {
  const { timer, identity, send } = options
  let waiting: Entry[] = []
  let inFlight: Entry | null = null
  let closedBecause: string | null = null
  let order = 0

  function pump(): void {
    if (inFlight !== null) return
    const next = waiting.shift()
    if (next === undefined) return
    inFlight = next
    send(next.id, next.request.action, next.request.payload)
  }

  function enqueue(entry: Entry): void {
    const key = entry.request.supersedeKey
    if (key !== undefined) {
      for (const old of waiting.filter((one) => one.request.supersedeKey === key)) {
        old.reject(
          new DomainError('device-refused', `superseded by a newer order before it was sent`),
        )
      }
      waiting = waiting.filter((one) => one.request.supersedeKey !== key)
    }
    waiting.push(entry)
    waiting.sort((a, b) => a.request.priority - b.request.priority || a.order - b.order)
  }

  function abandon(entry: Entry): void {
    waiting = waiting.filter((one) => one !== entry)
    if (inFlight === entry) inFlight = null
    pump()
  }

  return {
    async call(request) {
      if (closedBecause !== null) throw unreachable(identity, closedBecause)
      const entry: Entry = { id: randomUUID(), request, order: order++, ...settleable() }
      enqueue(entry)
      pump()
      try {
        return await timer.deadline(entry.promise, request.deadlineMs, request.action)
      } catch (error) {
        if (!isDeadline(error)) throw error
        abandon(entry)
        throw unreachable(
          identity,
          `no answer to ${request.action} within ${request.deadlineMs} ms`,
        )
      }
    },

    answered(id, outcome) {
      if (inFlight === null || inFlight.id !== id) return false
      const entry = inFlight
      inFlight = null
      if (outcome instanceof Error) entry.reject(outcome)
      else entry.resolve(outcome)
      pump()
      return true
    },

    outstanding(id) {
      return inFlight?.id === id ? inFlight.request.action : null
    },

    close(reason) {
      closedBecause = reason
      const all = inFlight === null ? waiting : [inFlight, ...waiting]
      inFlight = null
      waiting = []
      for (const entry of all) entry.reject(unreachable(identity, reason))
    },
  }
}

function settleable(): Pick<Entry, 'promise' | 'resolve' | 'reject'> {
  return Promise.withResolvers<Payload>()
}

function isDeadline(error: unknown): boolean {
  return error instanceof DomainError && error.code === 'unavailable'
}

export function unreachable(identity: string, reason: string): DomainError {
  return new DomainError('device-unreachable', `station ${identity}: ${reason}`)
}
