import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import type { Store } from '#ports.ts'
import { callTests, promiseTests, setpointTests } from './conformance/calls.ts'
import { chainTests, moneyTests } from './conformance/money.ts'
import { partyTests, requestTests } from './conformance/parties.ts'
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
    const open = () => store
    describe('parties', () => partyTests(open))
    describe('idempotent requests', () => requestTests(open))
    describe('calls', () => callTests(open))
    describe('promises', () => promiseTests(open))
    describe('setpoints', () => setpointTests(open))
    describe('readings and sessions', () => readingTests(open))
    describe('evidence and attestations', () => evidenceTests(open))
    describe('events', () => eventTests(open))
    describe('payouts and ledger', () => moneyTests(open))
    describe('chain journal', () => chainTests(open))
  })
}
