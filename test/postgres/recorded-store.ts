import { expect } from 'vitest'
import type { Store, StoreTransaction } from '#store-ports.ts'

type Repository = Record<string, (...args: unknown[]) => Promise<unknown>>
type Call = {
  readonly repository: keyof StoreTransaction
  readonly method: string
  readonly args: readonly unknown[]
  /** What it answered, or the error's message. */
  outcome: { readonly result: unknown } | { readonly error: string }
}

/** What one transaction asked and got; `committed` is false for one that failed. */
export type RecordedTransaction = { readonly calls: Call[]; committed: boolean }

/** From here on keeps everything that anybody asks this store. */
export function record(store: Store): RecordedTransaction[] {
  const recorded: RecordedTransaction[] = []
  const original = store.transaction.bind(store)
  store.transaction = async (work) => {
    const transaction: RecordedTransaction = { calls: [], committed: false }
    const result = await original((tx) => {
      recorded.push(transaction)
      return work(recording(tx, transaction.calls))
    })
    transaction.committed = true
    return result
  }
  return recorded
}

function recording(tx: StoreTransaction, calls: Call[]): StoreTransaction {
  const repositories = Object.entries(tx) as [keyof StoreTransaction, unknown][]
  return Object.fromEntries(
    repositories.map(([repository, methods]) => [
      repository,
      Object.fromEntries(
        Object.entries(methods as Repository).map(([method, run]) => [
          method,
          async (...args: unknown[]) => {
            const call: Call = { repository, method, args, outcome: { result: undefined } }
            calls.push(call)
            try {
              const result = await run(...args)
              call.outcome = { result: structuredClone(result) } // the caller may sort it
              return result
            } catch (error) {
              call.outcome = { error: (error as Error).message }
              throw error
            }
          },
        ]),
      ),
    ]),
  ) as unknown as StoreTransaction
}

class Undo extends Error {}

/** Asks another store the same, and demands the same answers. Returns how many were compared. */
export async function replay(
  recorded: readonly RecordedTransaction[],
  store: Store,
): Promise<number> {
  let compared = 0
  for (const { calls, committed } of recorded) {
    const done = store.transaction(async (tx) => {
      for (const { repository, method, args, outcome } of calls) {
        const run = (tx[repository] as unknown as Repository)[method]
        if (run === undefined) throw new Error(`no ${repository}.${method}`)
        const told = await run(...args).then(
          (result) => ({ result }),
          (error: Error) => ({ error: error.message }),
        )
        expect(told, `${repository}.${method} as call ${compared}`).toEqual(outcome)
        compared++
      }
      if (!committed) throw new Undo()
    })
    await done.catch((error: unknown) => {
      if (!(error instanceof Undo)) throw error
    })
  }
  return compared
}
