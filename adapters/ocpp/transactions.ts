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

/** One connector. */
type Place = {
  /** The id of what runs. */
  running: string | null
  /** What a car said before its transaction began. */
  needs: ChargingNeeds | null
  /** Word came of whether a transaction runs. */
  isHeard: boolean
  /** Of those who wait for that. */
  gate: PromiseWithResolvers<void> | null
}

/** The transactions of one station, put together from messages in any order. */
export class TransactionBook {
  readonly #hooks: TransactionHooks
  readonly #known = new Map<string, Transaction>()
  readonly #startKeys = new Map<string, string>()
  readonly #places = new Map<number, Place>()

  constructor(hooks: TransactionHooks) {
    this.#hooks = hooks
  }

  running(connectorId: number): Transaction | null {
    const id = this.#places.get(connectorId)?.running ?? null
    return id === null ? null : this.find(id)
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
    const isRunning = this.#place(connectorId).running === id
    if (isRunning || this.find(id)?.endedAt != null) return
    if (!this.#isNewest(connectorId, seenAt)) return
    this.#run(this.#with(connectorId, id, { startedAt, startRegisterWh: null }))
  }

  /** `beginning` where the message tells it; what was known before wins. */
  end(connectorId: number, id: string, endedAt: Instant, beginning: Beginning): void {
    if (!this.heard(connectorId)) return
    const place = this.#place(connectorId)
    if (place.running === id) place.running = null
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
    if (transaction === null) this.#place(connectorId).needs = needs
    else this.#save({ ...transaction, ...needs })
  }

  /** The connector is free: what a car said before leaving does not hold for the next one. */
  idle(connectorId: number): void {
    this.heard(connectorId)
    const place = this.#places.get(connectorId)
    if (place !== undefined) place.needs = null
  }

  /** Word came of whether a transaction runs at the connector; false: the connector is not ours. */
  heard(connectorId: number): boolean {
    if (!this.#hooks.isOurs(connectorId)) return false
    const place = this.#place(connectorId)
    if (place.isHeard) return true
    place.isHeard = true
    place.gate?.resolve()
    place.gate = null
    return true
  }

  async whenHeard(connectorId: number): Promise<void> {
    const place = this.#place(connectorId)
    if (place.isHeard) return
    place.gate ??= Promise.withResolvers<void>()
    await place.gate.promise
  }

  #noteStart(startKey: string, id: string): void {
    this.#startKeys.set(startKey, id)
    for (const oldest of this.#startKeys.keys()) {
      if (this.#startKeys.size <= KEPT) break
      this.#startKeys.delete(oldest)
    }
  }

  #place(connectorId: number): Place {
    const known = this.#places.get(connectorId)
    if (known !== undefined) return known
    const place: Place = { running: null, needs: null, isHeard: false, gate: null }
    this.#places.set(connectorId, place)
    return place
  }

  #with(connectorId: number, id: string, beginning: Beginning): Transaction {
    const before = this.find(id) ?? { ...NOTHING, ...this.#place(connectorId).needs }
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
    const place = this.#place(connectorId)
    place.running = id
    place.needs = null
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
      if (this.#places.get(one.connectorId)?.running !== id) this.#known.delete(id)
    }
    const isNews = before === null || !isSame(before, transaction)
    if (transaction.startedAt !== null && isNews) this.#hooks.changed(transaction)
  }
}

function isSame(a: Transaction, b: Transaction): boolean {
  return (Object.keys(NOTHING) as (keyof typeof NOTHING)[]).every((key) => a[key] === b[key])
}
