import { signal } from '@preact/signals'

/** At most one announcement in this time; what comes meanwhile is told together after it. */
const THROTTLE_MS = 4_000

const spoken = signal('')
let waiting: string[] = []
let isQuiet = true

/** Tells a screen reader that something changed its state; never for mere figures. */
export function announce(sentence: string): void {
  waiting.push(sentence)
  if (isQuiet) speak()
}

function speak(): void {
  isQuiet = waiting.length === 0
  if (isQuiet) return
  spoken.value = waiting.join(' ')
  waiting = []
  setTimeout(speak, THROTTLE_MS)
}

export function Announcer() {
  return (
    <div class="unseen" aria-live="polite" role="status">
      {spoken.value}
    </div>
  )
}
