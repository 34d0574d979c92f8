import { type Instant, instant } from '#domain/time.ts'
import type { Clock } from '#ports.ts'

/** business = businessMs + (wall - wallMs) × speed; the same three numbers in every process. */
export type ClockAnchor = {
  readonly wallMs: number
  readonly businessMs: number
  readonly speed: number
}

/**
 * The business clock of the simulated world: it stands still at the scenario's start until the
 * anchor comes. Wall time is handed in, so that a test can move it.
 */
export class AnchorClock implements Clock {
  #anchor: ClockAnchor | null = null
  readonly #start: Instant
  readonly #wallNow: () => number

  constructor(start: Instant, wallNow: () => number = () => Date.now()) {
    this.#start = start
    this.#wallNow = wallNow
  }

  get speed(): number {
    return this.#anchor?.speed ?? 1
  }

  get anchored(): boolean {
    return this.#anchor !== null
  }

  /** @throws RangeError for a speed that is not above 0. */
  anchor(anchor: ClockAnchor): void {
    if (!(anchor.speed > 0)) throw new RangeError(`speed must be above 0, got ${anchor.speed}`)
    this.#anchor = anchor
  }

  now(): Instant {
    if (this.#anchor === null) return this.#start
    const { wallMs, businessMs, speed } = this.#anchor
    const elapsed = Math.max(0, this.#wallNow() - wallMs)
    return instant(Math.floor(businessMs + elapsed * speed))
  }
}
