import { computed, signal } from '@preact/signals'

/**
 * Business time as the service's answers tell it. Between two answers it runs on at the speed that
 * was told, counted by the machine's stopwatch; the browser's own date is never asked.
 */
type Told = { readonly businessMs: number; readonly speed: number; readonly stopwatchMs: number }

/** After this long without an answer the clock stands still: it would be a guess. */
const TRUSTED_MS = 30_000
const TICK_MS = 250

const told = signal<Told | null>(null)
const stopwatch = signal(performance.now())

export function hearTime(headers: Headers): void {
  const now = headers.get('gridcall-now')
  const speed = Number(headers.get('gridcall-speed'))
  if (now === null || !(speed > 0)) return
  const stopwatchMs = performance.now()
  told.value = { businessMs: Date.parse(now), speed, stopwatchMs }
  stopwatch.value = stopwatchMs
}

/** Milliseconds of business time; null before the first answer. */
export const businessNow = computed<number | null>(() => {
  if (told.value === null) return null
  const { businessMs, speed, stopwatchMs } = told.value
  const passed = Math.max(0, Math.min(stopwatch.value - stopwatchMs, TRUSTED_MS))
  return businessMs + passed * speed
})

export const clockSpeed = computed(() => told.value?.speed ?? 1)

/** Lets the clock run until it is stopped. */
export function runClock(): () => void {
  const timer = setInterval(() => {
    stopwatch.value = performance.now()
  }, TICK_MS)
  return () => clearInterval(timer)
}

/** Zone in which instants are written: the browser's, unless the program names its own. */
export const zone = signal(Intl.DateTimeFormat().resolvedOptions().timeZone)
