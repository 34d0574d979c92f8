/** What the last second says of a battery's life. */
export type Verdict =
  | { readonly kind: 'well' }
  /** No orders any more. */
  | { readonly kind: 'stale'; readonly reason: string }
  /** The library's own recovery had its chance; a new client is due. */
  | { readonly kind: 'lost'; readonly reason: string }

const staleTicks = 4
const lostTicks = 8
/** Three times what the slow subscription may take to say that there is nothing. */
const slowLostTicks = 30

/**
 * Counts seconds without a sign of life. They are ticks, not time: those that we slept through
 * ourselves do not count against the battery.
 */
export class Vitals {
  #silent = 0
  #slowSilent = 0

  fresh(): void {
    this.#silent = 0
  }

  slowFresh(): void {
    this.#slowSilent = 0
  }

  tick(): Verdict {
    this.#silent += 1
    this.#slowSilent += 1
    const lost = (reason: string): Verdict => ({ kind: 'lost', reason })
    if (this.#silent >= lostTicks) return lost(`no fresh data for ${lostTicks} s`)
    if (this.#slowSilent >= slowLostTicks) {
      return lost(`nothing of its slow subscription for ${slowLostTicks} s`)
    }
    if (this.#silent < staleTicks) return { kind: 'well' }
    return { kind: 'stale', reason: `no fresh data for ${staleTicks} s` }
  }
}
