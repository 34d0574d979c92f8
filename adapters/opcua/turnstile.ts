/** Lets so many through at once; whoever comes later waits in line. */
export class Turnstile {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(places: number) {
    this.#free = places
  }

  async through<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((go) => this.#waiting.push(go))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free += 1
    }
  }
}

/** Lets so many through to each place, and so many to all places together. */
export class Turnstiles {
  readonly #each: number
  readonly #all: Turnstile
  readonly #places = new Map<string, Turnstile>()

  constructor(each: number, all: number) {
    this.#each = each
    this.#all = new Turnstile(all)
  }

  async through<T>(place: string, work: () => Promise<T>): Promise<T> {
    const one = this.#places.get(place) ?? new Turnstile(this.#each)
    this.#places.set(place, one)
    return await one.through(() => this.#all.through(work))
  }
}
