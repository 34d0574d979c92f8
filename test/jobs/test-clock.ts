import { type Instant, instant } from '#domain/time.ts'
import type { Clock } from '#ports.ts'

/** Business time from an anchor set now; it may stand still, as before the demo begins. */
export function testClock(start: Instant, speed: number, runs = true): Clock {
  const begunMs = performance.now()
  return {
    speed,
    now: () => (runs ? instant(start + Math.round((performance.now() - begunMs) * speed)) : start),
  }
}
