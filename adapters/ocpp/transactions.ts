import type { Instant } from '#domain/time.ts'

/** A charging transaction as far as it is known; messages may come late, twice or not at all. */
export type Transaction = {
  readonly id: string
  readonly connectorId: number
  /** null: it began before this service listened, and nobody said when. */
  readonly startedAt: Instant | null
  readonly endedAt: Instant | null
  readonly startRegisterWh: number | null
  /** The first that was metered in it: what stands for its start where nobody told that. */
  readonly firstRegisterWh: number | null
  readonly energyNeededWh: number | null
  readonly departureAt: Instant | null
}

export type ChargingNeeds = Pick<Transaction, 'energyNeededWh' | 'departureAt'>
export type Beginning = Pick<Transaction, 'startedAt' | 'startRegisterWh'> & {
  /** By what a start that is sent again is known (1.6, where the id is ours to give). */
  readonly startKey?: string
}

/** Enough to know late messages of old transactions for what they are. */
const KEPT = 64
const NOTHING = {
  startedAt: null,
  endedAt: null,
  startRegisterWh: null,
  firstRegisterWh: null,
  energyNeededWh: null,
  departureAt: null,
} as const

export type TransactionHooks = {
  /** Others are not followed: a station may number its connectors as it likes. */
  readonly isOurs: (connectorId: number) => boolean
  /** Hears of each transaction whose start is known, whenever more became known. */
  readonly changed: (transaction: Transaction) => void
  /** A transaction runs that did not before. */
  readonly began: (transaction: Transaction) => void
}

/** The transactions of one station, put together from messages in any order. */
export class TransactionBook {
  readonly #hooks: TransactionHooks
  readonly #known = new Map<string, Transaction>()
  readonly #startKeys = new Map<string, string>()
  readonly #runningAt = new Map<number, string>()
  readonly #needsBefore = new Map<number, ChargingNeeds>()
  readonly #heardOf = new Set<number>()
  /** Of those who wait for the first word; settled ones are gone. */
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>()

  constructor(hooks: TransactionHooks) {
    this.#hooks = hooks
  }

  running(connectorId: number): Transaction | null {
    const id = this.#runningAt.get(connectorId)
    return id === undefined ? null : this.find(id)
  }

  find(id: string): Transaction | null {
    return this.#known.get(id) ?? null
  }

  /** The id that this very start was given before; null: it is new. */
  startedAs(startKey: string): string | null {
    return this.#startKeys.get(startKey) ?? null
  }

  /** The station says that it began. Once ended it stays ended, whatever comes late. */
  begin(connectorId: number, id: string, beginning: Beginning): void {
    if (!this.heard(connectorId)) return
    if (beginning.startKey !== undefined) this.#noteStart(beginning.startKey, id)
    const transaction = this.#with(connectorId, id, beginning)
    if (transaction.endedAt !== null || !this.#isNewest(connectorId, beginning.startedAt)) {
      this.#save(transaction)
    } else {
      this.#run(transaction)
    }
  }

  /** A message of `seenAt` says that it runs; ignored for one that has ended. */
  carryOn(
    connectorId: number,
    id: string,
    startedAt: Instant | null,
    seenAt: Instant | null,
  ): void {
    if (!this.heard(connectorId)) return
    const isRunning = this.#runningAt.get(connectorId) === id
    if (isRunning || this.find(id)?.endedAt != null) return
    if (!this.#isNewest(connectorId, seenAt)) return
    this.#run(this.#with(connectorId, id, { startedAt, startRegisterWh: null }))
  }

  /** `beginning` where the message tells it; what was known before wins. */
  end(connectorId: number, id: string, endedAt: Instant, beginning: Beginning): void {
    if (!this.heard(connectorId)) return
    if (this.#runningAt.get(connectorId) === id) this.#runningAt.delete(connectorId)
    // What the station says replaces the end that its next transaction made us guess.
    this.#save({ ...this.#with(connectorId, id, beginning), endedAt })
  }

  /** The meter stood there while a transaction ran. */
  metered(connectorId: number, registerWh: number): void {
    const running = this.running(connectorId)
    if (running === null || running.startRegisterWh !== null) return
    if (running.firstRegisterWh === null) this.#save({ ...running, firstRegisterWh: registerWh })
  }

  /** For one transaction, or (null) for whatever runs or begins next at a connector. */
  need(connectorId: number, id: string | null, needs: ChargingNeeds): void {
    if (!this.#hooks.isOurs(connectorId)) return
    const transaction = id === null ? this.running(connectorId) : this.find(id)
    if (transaction === null) this.#needsBefore.set(connectorId, needs)
    else this.#save({ ...transaction, ...needs })
  }

  /** The connector is free: what a car said before leaving does not hold for the next one. */
  idle(connectorId: number): void {
    this.heard(connectorId)
    this.#needsBefore.delete(connectorId)
  }

  /** Word came of whether a transaction runs at the connector; false: the connector is not ours. */
  heard(connectorId: number): boolean {
    if (!this.#hooks.isOurs(connectorId)) return false
    if (this.#heardOf.has(connectorId)) return true
    this.#heardOf.add(connectorId)
    this.#waiting.get(connectorId)?.resolve()
    this.#waiting.delete(connectorId)
    return true
  }

  async whenHeard(connectorId: number): Promise<void> {
    if (this.#heardOf.has(connectorId)) return
    const gate = this.#waiting.get(connectorId) ?? Promise.withResolvers<void>()
    this.#waiting.set(connectorId, gate)
    await gate.promise
  }

  #noteStart(startKey: string, id: string): void {
    this.#startKeys.set(startKey, id)
    for (const oldest of this.#startKeys.keys()) {
      if (this.#startKeys.size <= KEPT) break
      this.#startKeys.delete(oldest)
    }
  }

  #with(connectorId: number, id: string, beginning: Beginning): Transaction {
    const before = this.find(id) ?? { ...NOTHING, ...this.#needsBefore.get(connectorId) }
    return {
      ...before,
      id,
      connectorId,
      startedAt: before.startedAt ?? beginning.startedAt,
      startRegisterWh: before.startRegisterWh ?? beginning.startRegisterWh,
    }
  }

  #run(transaction: Transaction): void {
    const { connectorId, id, startedAt } = transaction
    const previous = this.running(connectorId)
    this.#runningAt.set(connectorId, id)
    this.#needsBefore.delete(connectorId)
    // Its end was lost: a connector holds one transaction at a time.
    if (previous !== null && previous.id !== id && startedAt !== null) {
      this.#save({ ...previous, endedAt: startedAt })
    }
    this.#save(transaction)
    if (previous?.id !== id) this.#hooks.began(transaction)
  }

  /** False for one that an old queue delivers after its successor has begun. */
  #isNewest(connectorId: number, since: Instant | null): boolean {
    const current = this.running(connectorId)?.startedAt ?? null
    return current === null || since === null || since >= current
  }

  #save(transaction: Transaction): void {
    const before = this.find(transaction.id)
    this.#known.set(transaction.id, transaction)
    for (const [id, one] of this.#known) {
      if (this.#known.size <= KEPT) break
      if (this.#runningAt.get(one.connectorId) !== id) this.#known.delete(id)
    }
    const isNews = before === null || !isSame(before, transaction)
    if (transaction.startedAt !== null && isNews) this.#hooks.changed(transaction)
  }
}

function isSame(a: Transaction, b: Transaction): boolean {
  return (Object.keys(NOTHING) as (keyof typeof NOTHING)[]).every((key) => a[key] === b[key])
}
