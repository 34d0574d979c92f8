import type { Instant } from '#domain/time.ts'

/** A charging transaction as far as it is known; messages may come late, twice or not at all. */
export type Transaction = {
  readonly id: string
  readonly connectorId: number
  /** null: it began before this service listened, and nobody said when. */
  readonly startedAt: Instant | null
  readonly endedAt: Instant | null
  readonly startRegisterWh: number | null
  readonly energyNeededWh: number | null
  readonly departureAt: Instant | null
}

export type ChargingNeeds = {
  readonly energyNeededWh: number | null
  readonly departureAt: Instant | null
}

/** The transactions of one station. `changed` hears of each one that became known better. */
export type TransactionBook = {
  running(connectorId: number): Transaction | null
  find(id: string): Transaction | null
  begin(
    connectorId: number,
    id: string,
    known: { startedAt: Instant; startRegisterWh: number | null },
  ): void
  /** A message says that it runs; ignored for one that has ended. */
  carryOn(connectorId: number, id: string, startedAt: Instant | null, seenAt: Instant | null): void
  /** `startedAt` where the message tells it; what was known before wins. */
  end(id: string, connectorId: number, endedAt: Instant, startedAt: Instant | null): void
  /** For one transaction, or for whatever runs or begins next at a connector. */
  need(connectorId: number, id: string | null, needs: ChargingNeeds): void
  /** Something was heard that tells whether a transaction runs at the connector. */
  heard(connectorId: number): void
  /** The connector is free: what a car said before leaving does not hold for the next one. */
  idle(connectorId: number): void
  whenHeard(connectorId: number): Promise<void>
}

/** Enough to know late messages of old transactions for what they are. */
const KEPT = 64

export function createTransactionBook(hooks: {
  readonly changed: (transaction: Transaction) => void
  readonly began: (transaction: Transaction) => void
}): TransactionBook {
  const known = new Map<string, Transaction>()
  const runningAt = new Map<number, string>()
  const needsBefore = new Map<number, ChargingNeeds>()
  const evidence = new Map<number, PromiseWithResolvers<void>>()

  function save(transaction: Transaction): void {
    const before = known.get(transaction.id)
    known.set(transaction.id, transaction)
    for (const [id, one] of known) {
      if (known.size <= KEPT) break
      if (runningAt.get(one.connectorId) !== id) known.delete(id)
    }
    if (transaction.startedAt !== null && !same(before, transaction)) hooks.changed(transaction)
  }

  function run(transaction: Transaction): void {
    const { connectorId, id, startedAt } = transaction
    const previous = running(connectorId)
    runningAt.set(connectorId, id)
    // Its end was lost: a connector holds one transaction at a time.
    if (previous !== null && previous.id !== id && startedAt !== null) {
      save({ ...previous, endedAt: startedAt })
    }
    save(transaction)
    if (previous?.id !== id) hooks.began(transaction)
  }

  function running(connectorId: number): Transaction | null {
    const id = runningAt.get(connectorId)
    return id === undefined ? null : (known.get(id) ?? null)
  }

  /** False for one that an old queue delivers after its successor has begun. */
  function isNewest(connectorId: number, since: Instant | null): boolean {
    const current = running(connectorId)
    if (current === null || current.startedAt === null || since === null) return true
    return since >= current.startedAt
  }

  function gate(connectorId: number): PromiseWithResolvers<void> {
    const existing = evidence.get(connectorId)
    if (existing !== undefined) return existing
    const created = Promise.withResolvers<void>()
    evidence.set(connectorId, created)
    return created
  }

  return {
    running,
    find: (id) => known.get(id) ?? null,

    begin(connectorId, id, { startedAt, startRegisterWh }) {
      gate(connectorId).resolve()
      const before = known.get(id)
      const needs = before ?? needsBefore.get(connectorId)
      const transaction: Transaction = {
        id,
        connectorId,
        startedAt: before?.startedAt ?? startedAt,
        endedAt: before?.endedAt ?? null,
        startRegisterWh: before?.startRegisterWh ?? startRegisterWh,
        energyNeededWh: needs?.energyNeededWh ?? null,
        departureAt: needs?.departureAt ?? null,
      }
      if (transaction.endedAt !== null || !isNewest(connectorId, startedAt)) {
        save(transaction)
        return
      }
      needsBefore.delete(connectorId)
      run(transaction)
    },

    carryOn(connectorId, id, startedAt, seenAt) {
      gate(connectorId).resolve()
      const before = known.get(id)
      if (before !== undefined && (before.endedAt !== null || runningAt.get(connectorId) === id)) {
        return
      }
      if (!isNewest(connectorId, seenAt)) return
      const needs = before ?? needsBefore.get(connectorId)
      run({
        id,
        connectorId,
        startedAt: before?.startedAt ?? startedAt,
        endedAt: null,
        startRegisterWh: before?.startRegisterWh ?? null,
        energyNeededWh: needs?.energyNeededWh ?? null,
        departureAt: needs?.departureAt ?? null,
      })
    },

    end(id, connectorId, endedAt, startedAt) {
      gate(connectorId).resolve()
      const before = known.get(id)
      if (runningAt.get(connectorId) === id) runningAt.delete(connectorId)
      save({
        id,
        connectorId,
        startedAt: before?.startedAt ?? startedAt,
        // What the station says replaces what its next transaction made us guess.
        endedAt,
        startRegisterWh: before?.startRegisterWh ?? null,
        energyNeededWh: before?.energyNeededWh ?? null,
        departureAt: before?.departureAt ?? null,
      })
    },

    need(connectorId, id, needs) {
      const transaction = id === null ? running(connectorId) : (known.get(id) ?? null)
      if (transaction === null) needsBefore.set(connectorId, needs)
      else save({ ...transaction, ...needs })
    },

    idle(connectorId) {
      gate(connectorId).resolve()
      needsBefore.delete(connectorId)
    },

    heard: (connectorId) => gate(connectorId).resolve(),
    whenHeard: (connectorId) => gate(connectorId).promise,
  }
}

function same(a: Transaction | undefined, b: Transaction): boolean {
  return (
    a !== undefined &&
    a.startedAt === b.startedAt &&
    a.endedAt === b.endedAt &&
    a.startRegisterWh === b.startRegisterWh &&
    a.energyNeededWh === b.energyNeededWh &&
    a.departureAt === b.departureAt
  )
}
