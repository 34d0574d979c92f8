import { computed, type ReadonlySignal, signal } from '@preact/signals'
import { type CallEvent, type Client, Refused } from '../api.ts'
import { hearTime, runClock } from './business-time.ts'
import { followStream } from './event-stream.ts'

export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'paused'

/** What keeps a page up to date. */
export type Live = {
  readonly state: ReadonlySignal<LiveState>
  /** Why it is not live, in words; null when all is well. */
  readonly trouble: ReadonlySignal<string | null>
  pause(): void
  resume(): void
  /** Reads everything again soon; many wishes are one reading. */
  refreshSoon(): void
  stop(): void
}

const COALESCE_MS = 400
const BACKOFF_MS = { first: 500, last: 10_000 }

type Options = {
  readonly client: Client
  /** Reads what the page shows. */
  readonly refresh: () => Promise<void>
  /** Wall time until the page is read again though no event came; asked each time. */
  readonly lookAgainMs: () => number
  readonly onEvents?: (events: readonly CallEvent[]) => void
  /** The key is not valid any more. */
  readonly onKeyRefused: (message: string) => void
}

/**
 * Follows the event stream and reads the page's data again when something happened. A broken
 * stream is opened again after a growing pause, where the last one ended.
 */
export function goLive(options: Options): Live {
  const isPaused = signal(false)
  const hasBroken = signal(false)
  const isOpen = signal(false)
  const trouble = signal<string | null>(null)
  const state = computed<LiveState>(() => {
    if (isPaused.value) return 'paused'
    if (isOpen.value && trouble.value === null) return 'live'
    return hasBroken.value ? 'reconnecting' : 'connecting'
  })
  let running = new AbortController()
  let lastEventId: string | null = null

  const fail = (error: unknown) => {
    if (running.signal.aborted) return
    if (error instanceof Refused && error.status === 401) {
      stop()
      options.onKeyRefused('The key is not valid any more.')
      return
    }
    hasBroken.value = true
    trouble.value = error instanceof Refused ? error.message : 'The connection broke.'
  }
  const reader = createReader(options, fail, () => {
    if (isOpen.value) trouble.value = null
  })

  async function follow(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await followStream({
          authorization: options.client.authorization,
          lastEventId,
          signal,
          hear: hearTime,
          onOpen: () => {
            failures = 0
            trouble.value = null
            isOpen.value = true
            reader.soon() // what happened meanwhile
          },
          onMessage: ({ id, events }) => {
            lastEventId = id
            options.onEvents?.(events)
            reader.soon()
          },
        })
        fail(new Refused(0, 'ended', 'The service closed the stream.'))
      } catch (error) {
        fail(error)
      }
      isOpen.value = false
      const most = Math.min(BACKOFF_MS.first * 2 ** failures, BACKOFF_MS.last)
      await pauseFor(most / 2 + (most / 2) * Math.random(), signal)
    }
  }

  let stopClock = () => undefined as void
  function resume(): void {
    running = new AbortController()
    isPaused.value = false
    stopClock = runClock()
    reader.start()
    void follow(running.signal) // ends with the signal and throws nothing
  }
  function stop(): void {
    running.abort()
    stopClock()
    reader.stop()
  }
  resume()
  return {
    state,
    trouble,
    resume,
    stop,
    refreshSoon: reader.soon,
    pause() {
      stop()
      trouble.value = null
      isPaused.value = true
    },
  }
}

/** Reads when wished, never twice at once and soon after for whoever came late; else now and then. */
function createReader(options: Options, fail: (error: unknown) => void, succeed: () => void) {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isReading = false
  let isWished = false
  let isStopped = true

  async function read(): Promise<void> {
    clearTimeout(timer)
    isReading = true
    isWished = false
    try {
      if (!document.hidden) {
        await options.refresh()
        succeed()
      }
    } catch (error) {
      fail(error)
    }
    isReading = false
    if (!isStopped) schedule(isWished ? COALESCE_MS : Math.max(COALESCE_MS, options.lookAgainMs()))
  }
  function schedule(ms: number): void {
    clearTimeout(timer)
    timer = setTimeout(() => void read(), ms)
  }
  function soon(): void {
    if (isStopped) return
    if (isReading || isWished) {
      isWished = true
      return
    }
    isWished = true
    schedule(COALESCE_MS / 4)
  }
  function seen(): void {
    if (!document.hidden) soon()
  }
  return {
    soon,
    start() {
      isStopped = false
      isWished = false
      document.addEventListener('visibilitychange', seen)
      soon()
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', seen)
    },
  }
}

function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
