import type { Instant } from '#domain/time.ts'

export type FlashPurpose = 'TxProfile' | 'TxDefaultProfile' | 'StationMax'

type FlashEntry = {
  readonly purpose: FlashPurpose
  readonly content: string | null
  readonly at: Instant
  readonly isSetUpAnew: boolean
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
    this.#written.set(keyOf(purpose, place), { purpose, content, at, isSetUpAnew: false })
  }

  /** It was cleared: the next one is written whatever it holds; all of them: a set-up anew. */
  forget(purpose: FlashPurpose, place?: string): void {
    for (const [one, entry] of this.#written) {
      const isMeant = place === undefined || one === keyOf(purpose, place)
      if (entry.purpose === purpose && isMeant) {
        this.#written.set(one, { ...entry, content: null, isSetUpAnew: place === undefined })
      }
    }
  }
}

function keyOf(purpose: FlashPurpose, place: string): string {
  return `${purpose} ${place}`
}
