import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import type { Store } from '#store-ports.ts'
import { armingTests } from './conformance/armings.ts'
import { callTests, promiseTests, setpointTests } from './conformance/calls.ts'
import { controlTests } from './conformance/control.ts'
import { gatewayTests } from './conformance/gateways.ts'
import { heldTests } from './conformance/held.ts'
import { chainTests, moneyTests } from './conformance/money.ts'
import { partyTests, requestTests } from './conformance/parties.ts'
import { paymentTests } from './conformance/payments.ts'
import { poolTests } from './conformance/pool.ts'
import { evidenceTests, eventTests, readingTests } from './conformance/telemetry.ts'

/** Where empty stores come from. */
export type StoreSource = {
  open(): Promise<Store>
  close(): Promise<void>
}

/** What every implementation of the Store port must do; one empty store per test. */
export function describeStore(name: string, makeSource: () => Promise<StoreSource>): void {
  describe(`the store ${name}`, () => {
    let source: StoreSource
    let store: Store
    beforeAll(async () => {
      source = await makeSource()
    }, 60_000)
    afterAll(() => source.close())
    beforeEach(async () => {
      store = await source.open()
    })
    afterEach(() => store.close())
    const topics: Record<string, (open: () => Store) => void> = {
      parties: partyTests,
      'idempotent requests': requestTests,
      calls: callTests,
      promises: promiseTests,
      setpoints: setpointTests,
      'who may say what devices do': controlTests,
      'droop curves': armingTests,
      'gateways and who holds what': gatewayTests,
      'readings and sessions': readingTests,
      'evidence and attestations': evidenceTests,
      events: eventTests,
      'payouts and ledger': moneyTests,
      'bank accounts and payments': paymentTests,
      'what is on hold': heldTests,
      'chain journal': chainTests,
      'the books of a pool without a chain': poolTests,
    }
    for (const [topic, tests] of Object.entries(topics)) {
      describe(`about ${topic}`, () => {
        tests(() => store)
      })
    }
  })
}
