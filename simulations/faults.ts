import { seededRandom } from './random.ts'

export type FaultCounts = {
  readonly disobey: number
  readonly silent: number
  readonly drop: number
}

/** What a device can be made to do: the two kinds of station and the battery alike. */
export type Faulty = {
  /** Keep the power as it is until `hold(ref, false)`. */
  hold(ref: string, held: boolean): void
  disobey(ref: string, until: number): void
  fallSilent(ref: string): void
  drop(ref: string): void
}

/** Who would misbehave first; the same for the same seed. */
export function rankDevices(seed: number, refs: readonly string[]): string[] {
  return seededRandom(seed, 'faults').shuffle([...refs].sort())
}

type Gathered = { readonly ref: string; readonly validUntil: number }

/**
 * Decides, once, who misbehaves: the setpoints of the first dispatch are gathered, and the first of
 * the ranking among them disobey, the next fall silent, the next drop out. Nobody else knows. Until
 * it is decided, whoever may be among those that disobey keeps its power: a car that had begun to
 * react would give the game away, and the others obey at once.
 */
export class Faults {
  readonly #counts: FaultCounts
  readonly #rank: Map<string, number>
  readonly #faulty: Faulty
  #gathered: Gathered[] | null = []
  readonly disobeyed: string[] = []
  readonly silent: string[] = []
  readonly dropped: string[] = []

  constructor(counts: FaultCounts, ranking: readonly string[], faulty: Faulty) {
    this.#counts = counts
    this.#rank = new Map(ranking.map((ref, rank) => [ref, rank]))
    this.#faulty = faulty
  }

  /** True for the first setpoint of all: the time to gather starts now. */
  setpoint(ref: string, validUntil: number): boolean {
    if (this.#gathered === null) return false
    const first = this.#gathered.length === 0
    this.#gathered = [...this.#gathered.filter((one) => one.ref !== ref), { ref, validUntil }]
    const ranked = this.#ranked()
    ranked.forEach((one, place) => this.#faulty.hold(one.ref, place < this.#counts.disobey))
    return first
  }

  decide(): void {
    const ranked = this.#ranked()
    this.#gathered = null
    for (const { ref } of ranked) this.#faulty.hold(ref, false)
    const { disobey, silent, drop } = this.#counts
    for (const { ref, validUntil } of ranked.slice(0, disobey)) {
      this.disobeyed.push(ref)
      this.#faulty.disobey(ref, validUntil)
    }
    for (const { ref } of ranked.slice(disobey, disobey + silent)) {
      this.silent.push(ref)
      this.#faulty.fallSilent(ref)
    }
    for (const { ref } of ranked.slice(disobey + silent, disobey + silent + drop)) {
      this.dropped.push(ref)
      this.#faulty.drop(ref)
    }
  }

  #ranked(): Gathered[] {
    const rank = ({ ref }: Gathered) => this.#rank.get(ref) ?? Number.POSITIVE_INFINITY
    return [...(this.#gathered ?? [])].sort((a, b) => rank(a) - rank(b))
  }
}
