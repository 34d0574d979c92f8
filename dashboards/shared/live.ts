import { computed, type ReadonlySignal, signal } from '@preact/signals'
import { type Client, Refused } from '../api.ts'
import { hearTime, runClock } from './business-time.ts'
import { followStream } from './event-stream.ts'
import { createReader } from './page-reader.ts'

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

type Options = {
  readonly client: Client
  /** Reads what the page shows. */
  readonly refresh: () => Promise<void>
  /** Wall time until the page is read again though no event came; asked each time. */
  readonly lookAgainMs: () => number
  /** The key is not valid any more. */
  readonly onKeyRefused: (message: string) => void
}

/**
 * Follows the event stream and reads the page's data again when something happened. A broken
 * stream is opened again after a growing pause, where the last one ended.
 */
export function goLive(options: Options): Live {
  const { authorization } = options.client
  const status = createStatus()
  let running = new AbortController()
  let lastEventId: string | null = null
  let stopClock = () => undefined as void

  const fail = (error: unknown) => {
    if (running.signal.aborted) return
    if (error instanceof Refused && error.status === 401) {
      stop()
      options.onKeyRefused('The key is not valid any more.')
      return
    }
    status.broke(error instanceof Refused ? error.message : 'The connection broke.')
  }
  const reader = createReader({ ...options, fail, succeed: status.read })

  const follow = (signal: AbortSignal) =>
    keepOpen(signal, fail, (onOpen) =>
      followStream({
        authorization,
        lastEventId,
        signal,
        hear: hearTime,
        onOpen: () => {
          onOpen()
          status.opened()
          reader.soon() // what happened meanwhile
        },
        onMessage: ({ id }) => {
          lastEventId = id
          reader.soon()
        },
      }).finally(status.closed),
    )

  function resume(): void {
    running = new AbortController()
    status.isPaused.value = false
    stopClock = runClock()
    reader.start()
    void follow(running.signal) // ends with the signal and throws nothing
  }
  function stop(): void {
    running.abort()
    stopClock()
    reader.stop()
  }
  function pause(): void {
    stop()
    status.isPaused.value = true
  }
  resume()
  const { state, trouble } = status
  return { state, trouble, pause, resume, stop, refreshSoon: reader.soon }
}

/** Live is who has an open stream and whose last reading went well. */
function createStatus() {
  const isPaused = signal(false)
  const isOpen = signal(false)
  const hasBroken = signal(false)
  const problem = signal<string | null>(null)
  const state = computed<LiveState>(() => {
    if (isPaused.value) return 'paused'
    if (isOpen.value && problem.value === null) return 'live'
    return hasBroken.value ? 'reconnecting' : 'connecting'
  })
  return {
    isPaused,
    state,
    trouble: computed(() => (isPaused.value ? null : problem.value)),
    opened() {
      isOpen.value = true
      problem.value = null
    },
    closed() {
      isOpen.value = false
    },
    read() {
      if (isOpen.value) problem.value = null
    },
    broke(message: string) {
      hasBroken.value = true
      problem.value = message
    },
  }
}

const BACKOFF_MS = { first: 500, last: 10_000 }

/** Opens a stream again and again until the signal, with growing pauses while it cannot be had. */
async function keepOpen(
  signal: AbortSignal,
  fail: (error: unknown) => void,
  open: (onOpen: () => void) => Promise<void>,
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      await open(() => {
        failures = 0
      })
      fail(new Refused(0, 'ended', 'The service closed the stream.'))
    } catch (error) {
      fail(error)
    }
    const most = Math.min(BACKOFF_MS.first * 2 ** failures, BACKOFF_MS.last)
    await pauseFor(most / 2 + (most / 2) * Math.random(), signal)
    failures += 1
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
    if (signal.aborted) end()
  })
}
