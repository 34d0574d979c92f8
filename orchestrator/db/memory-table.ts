/** A keyed table whose changes can be taken back: what makes a memory transaction atomic. */
export class MemoryTable<V> {
  readonly #rows = new Map<string, V>()
  #undo: (() => void)[] | null = null

  begin(): void {
    this.#undo = []
  }

  commit(): void {
    this.#undo = null
  }

  rollback(): void {
    for (const step of (this.#undo ?? []).reverse()) step()
    this.#undo = null
  }

  get(key: string): V | undefined {
    return this.#rows.get(key)
  }

  has(key: string): boolean {
    return this.#rows.has(key)
  }

  set(key: string, value: V): void {
    const had = this.#rows.has(key)
    const before = this.#rows.get(key)
    this.#rows.set(key, value)
    this.#undo?.push(() => {
      if (had) this.#rows.set(key, before as V)
      else this.#rows.delete(key)
    })
  }

  /** Keeps what is there; true if the row was new. */
  add(key: string, value: V): boolean {
    if (this.#rows.has(key)) return false
    this.set(key, value)
    return true
  }

  delete(key: string): void {
    if (!this.#rows.has(key)) return
    const before = this.#rows.get(key) as V
    this.#rows.delete(key)
    this.#undo?.push(() => this.#rows.set(key, before))
  }

  /** In order of insertion. */
  values(): V[] {
    return [...this.#rows.values()]
  }

  entries(): [string, V][] {
    return [...this.#rows.entries()]
  }

  get size(): number {
    return this.#rows.size
  }
}
