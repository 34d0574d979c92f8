import type { FlashWrite } from '#domain/capability.ts'
import type { Instant } from '#domain/time.ts'

const PURPOSES = ['TxProfile', 'TxDefaultProfile', 'StationMax'] as const
export type FlashPurpose = (typeof PURPOSES)[number]

function isPurpose(text: string): text is FlashPurpose {
  return PURPOSES.some((one) => one === text)
}

type FlashEntry = {
  readonly purpose: FlashPurpose
  readonly content: string | null
  readonly at: Instant
  readonly isSetUpAnew: boolean
  /** Written by a process before this one: its set-up is not the first. */
  readonly isRestored: boolean
}

/** Business time, for one profile, where a station names no limit of its own. */
const WRITE_EVERY_S = 30

/**
 * What we wrote into a station's flash. One write every ten seconds wears a charger out within
 * "3 days to 3 years" (flashg1/SolarCharger#1, EVerest/libocpp#543): nothing is written twice, and
 * nothing faster than the station (2.1, UpdateRateLimit) or we allow.
 */
export class FlashLedger {
  readonly #written = new Map<string, FlashEntry>()
  #everyS: number | null = null

  holds(purpose: FlashPurpose, place: string, content: string): boolean {
    return this.#written.get(keyOf(purpose, place))?.content === content
  }

  /** May a profile of this purpose be written now? */
  isFree(purpose: FlashPurpose, place: string, now: Instant): boolean {
    // What a station names holds for all profiles of one purpose together.
    const everyS = this.#everyS
    const mine = this.#written.get(keyOf(purpose, place))
    const concerned =
      everyS === null
        ? [mine].filter((one) => one !== undefined).filter((one) => !one.isSetUpAnew)
        : [...this.#written.values()].filter((one) => one.purpose === purpose)
    return concerned.every(({ at }) => now - at >= (everyS ?? WRITE_EVERY_S) * 1000)
  }

  /** The pace that the station names; null: it names none. */
  pace(everyS: number | null): void {
    this.#everyS = everyS
  }

  wrote(purpose: FlashPurpose, place: string, content: string, at: Instant): void {
    this.#written.set(keyOf(purpose, place), {
      purpose,
      content,
      at,
      isSetUpAnew: false,
      isRestored: false,
    })
  }

  /** What stands in the record of the device; empty: nothing was written yet. */
  writes(): FlashWrite[] {
    return [...this.#written].map(([key, { purpose, at }]) => ({
      purpose,
      place: key.slice(purpose.length + 1),
      at,
    }))
  }

  /** Takes over when another process has written; what it wrote has to be found out anew. */
  restore(writes: readonly FlashWrite[]): void {
    for (const { purpose, place, at } of writes) {
      if (!isPurpose(purpose)) continue
      const key = keyOf(purpose, place)
      if ((this.#written.get(key)?.at ?? 0) >= at) continue
      const entry = { purpose, content: null, at, isSetUpAnew: false, isRestored: true }
      this.#written.set(key, entry)
    }
  }

  /** It was cleared: the next one is written whatever it holds; all of them: a set-up anew. */
  forget(purpose: FlashPurpose, place?: string): void {
    for (const [one, entry] of this.#written) {
      const isMeant = place === undefined || one === keyOf(purpose, place)
      if (entry.purpose === purpose && isMeant) {
        const isSetUpAnew = place === undefined && !entry.isRestored
        this.#written.set(one, { ...entry, content: null, isSetUpAnew })
      }
    }
  }
}

function keyOf(purpose: FlashPurpose, place: string): string {
  return `${purpose} ${place}`
}
