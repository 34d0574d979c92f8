import type { Handler } from 'hono'
import { streamSSE } from 'hono/streaming'
import { DomainError, fieldError } from '#domain/errors.ts'
import type { ApiKey, Timer } from '#ports.ts'
import type { ApiEnv } from './auth.ts'
import { callAccess } from './call-access.ts'
import type { ApiContext } from './context.ts'
import { type EventView, visibleEvents } from './event-view.ts'

const EVENTS_AT_ONCE = 500
const STREAMS_PER_KEY = 20
const STREAMS_MAX = 500

/**
 * Business events as server-sent events: each message is a list, its id the last event's number.
 * `Last-Event-ID` (or ?after=) goes on where another connection ended; without it the stream
 * begins now. Coalesced to a few messages a second; comments keep the connection alive.
 */
export function eventStream(context: ApiContext): Handler<ApiEnv> {
  const open = new Map<string, number>()
  let total = 0
  return async (c) => {
    const key = c.get('key')
    const mine = open.get(key.keySha256) ?? 0
    if (mine >= STREAMS_PER_KEY || total >= STREAMS_MAX) {
      throw new DomainError('too-many-requests', 'Too many event streams are open; close one.')
    }
    const asked = c.req.header('last-event-id') ?? c.req.query('after')
    const from = asked === undefined ? await lastEvent(context) : readSequence(asked)
    open.set(key.keySha256, mine + 1)
    total += 1
    context.metrics.streamOpened()
    c.header('x-accel-buffering', 'no') // a proxy in between must not collect what is live
    return streamSSE(c, async (stream) => {
      const gone = new AbortController()
      stream.onAbort(() => gone.abort())
      const bell = new Doorbell(context.ports.timer)
      const subscription = context.ports.wakeUps.subscribe('events', () => bell.ring())
      try {
        const ended = AbortSignal.any([gone.signal, context.stopping])
        ended.addEventListener('abort', () => bell.ring())
        const write = {
          comment: async (text: string) => void (await stream.write(`: ${text}\n\n`)),
          events: (id: number, events: readonly EventView[]) =>
            stream.writeSSE({ event: 'events', id: String(id), data: JSON.stringify(events) }),
        }
        await follow(context, key, from, bell, ended, write)
      } catch (error) {
        // The stream ends, the page comes back with its last id: nothing of the fault is told.
        context.ports.log.error('an event stream ended', { error })
      } finally {
        subscription.stop()
        total -= 1
        const left = (open.get(key.keySha256) ?? 1) - 1
        if (left === 0) open.delete(key.keySha256)
        else open.set(key.keySha256, left)
        context.metrics.streamClosed()
      }
    })
  }
}

type Write = {
  comment(text: string): Promise<void>
  events(id: number, events: readonly EventView[]): Promise<void>
}

async function follow(
  context: ApiContext,
  key: ApiKey,
  from: number,
  bell: Doorbell,
  ended: AbortSignal,
  write: Write,
): Promise<void> {
  const { ports, stream: timing } = context
  let cursor = from
  let wroteAt = ports.timer.monotonicMs()
  await write.comment('connected')
  while (!ended.aborted) {
    const page = await readPage(context, key, cursor)
    cursor = page.cursor
    const last = page.shown.at(-1)
    const isQuiet = ports.timer.monotonicMs() - wroteAt >= timing.heartbeatMs
    if (last !== undefined) await write.events(last.sequence, page.shown)
    else if (isQuiet) await write.comment('alive')
    if (last !== undefined || isQuiet) wroteAt = ports.timer.monotonicMs()
    if (!page.full) await bell.wait(Math.min(timing.lookAgainMs, timing.heartbeatMs))
    if (!ended.aborted) await ports.timer.sleep(timing.coalesceMs)
  }
}

async function readPage({ ports }: ApiContext, key: ApiKey, cursor: number) {
  return ports.store.transaction(async (tx) => {
    const events = await tx.events.after(cursor, EVENTS_AT_ONCE)
    const last = events.at(-1)
    if (last === undefined) return { shown: [], cursor, full: false }
    const shown = await visibleEvents(tx, await callAccess(tx, key), events)
    return { shown, cursor: last.sequence, full: events.length === EVENTS_AT_ONCE }
  })
}

/** The number of the newest event, found in as many looks as the number has binary digits. */
async function lastEvent({ ports }: ApiContext): Promise<number> {
  return ports.store.transaction(async (tx) => {
    const isAfter = async (sequence: number) => (await tx.events.after(sequence, 1)).length > 0
    if (!(await isAfter(0))) return 0
    let low = 0 // there is an event after low, and none after high
    let high = 1
    while (await isAfter(high)) {
      low = high
      high *= 2
    }
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (await isAfter(middle)) low = middle
      else high = middle
    }
    return high
  })
}

function readSequence(text: string): number {
  if (!/^\d{1,15}$/.test(text)) {
    throw fieldError('malformed', 'header.last-event-id', 'the id of an earlier message', text)
  }
  return Number(text)
}

/** Waits until it is rung, or for a time; a ring while nobody waits is not lost. */
class Doorbell {
  readonly #timer: Timer
  #rung = false
  #answer: (() => void) | null = null

  constructor(timer: Timer) {
    this.#timer = timer
  }

  ring(): void {
    this.#rung = true
    this.#answer?.()
  }

  async wait(ms: number): Promise<void> {
    if (!this.#rung) {
      const enough = new AbortController()
      const rung = new Promise<void>((resolve) => {
        this.#answer = resolve
      })
      // Being woken ends the sleep, by resolving or rejecting: both mean that it is over.
      const slept = this.#timer.sleep(ms, enough.signal).catch(() => undefined)
      await Promise.race([rung, slept])
      enough.abort()
      this.#answer = null
    }
    this.#rung = false
  }
}
