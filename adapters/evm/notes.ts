/**
 * What this process noticed about an open intent. A restart forgets it and loses only time: the
 * journal holds all that decides whether money moves.
 */
export type Note = {
  /** The head when its transaction was first seen waiting, or last raised. */
  waitingSince: number | null
  /** The head when its nonce was first seen used without a receipt of ours. */
  nonceGoneSince: number | null
  /** The head when the pool first refused it, and kept refusing since. */
  refusedSince: number | null
  /** Not to be tried again before both: business time and monotonic wall time. */
  pausedUntil: { businessMs: number; wallMs: number } | null
  resends: number
  /** The last warning, so that it is not repeated every round. */
  said: string
}

export class Notes {
  readonly #notes = new Map<string, Note>()

  of(businessKey: string): Note {
    const known = this.#notes.get(businessKey)
    if (known) return known
    const note: Note = {
      waitingSince: null,
      nonceGoneSince: null,
      refusedSince: null,
      pausedUntil: null,
      resends: 0,
      said: '',
    }
    this.#notes.set(businessKey, note)
    return note
  }

  /** What was noticed before another process sent for a while says nothing any more. */
  clear(): void {
    this.#notes.clear()
  }

  drop(businessKey: string): void {
    this.#notes.delete(businessKey)
  }
}
