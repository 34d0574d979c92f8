/** The ledger without a chain, over HTTP: what its parties read and what the operator books. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import { establishLedger } from '#adapters/ledger-rail/establish.ts'
import { createLedgerReader, readPool } from '#adapters/ledger-rail/reader.ts'
import type { SettlementStatement } from '#domain/evidence.ts'
import type { Hex } from '#domain/ids.ts'
import type { PoolRequest, PoolSetup } from '#domain/pool-books.ts'
import { wallTimer } from '../support/wall-timer.ts'
import { undocumented } from './documented.ts'
import { aTown, type Party, type Service, startService, type Town } from './service.ts'

const { payer, verifiers, agent } = SIMULATED_PARTIES
const word = (digit: string): Hex => `0x${digit.repeat(64)}`
const MOVEMENTS = '/v1/operator/ledger/bank-movements'
const paidIn = {
  direction: 'in',
  account: payer,
  amountMinor: '5000000000',
  reference: 'ESCROW 2026-11/1',
}

const statement: SettlementStatement = {
  requestId: word('a'),
  round: 2,
  evidenceRoot: word('1'),
  bundleHash: word('2'),
  linesRoot: word('3'),
  payoutTotal: 4_000_000n,
  feeTotal: 80_000n,
  heldTotal: 0n,
  deliveredWh: 22_463,
}
const request: PoolRequest = {
  payer,
  amount: 10_000_000n,
  deliverStart: 10,
  deliverEnd: 20,
  settleBy: 30,
  verifierSetId: 1,
  state: 'proposed',
  round: 2,
  windowEnd: 40,
  payout: 4_000_000n,
  fee: 80_000n,
  held: 0n,
  accounted: false,
  escrow: 'open:1',
  proposals: [{ ...statement, round: 1, payoutTotal: 1n }, statement],
}

let service: Service
let town: Town
beforeAll(async () => {
  service = await startService()
  town = await aTown(service)
})
afterAll(() => service.stop())

const get = (party: Party, path: string) => service.send('GET', path, { key: town.keys[party] })
const book = (body: object, party: Party = 'operator') =>
  service.send('POST', MOVEMENTS, { key: town.keys[party], body })
const readerAt = (setup: PoolSetup) => {
  const at = { apiUrl: service.url, apiKey: town.keys.verifier, timer: wallTimer }
  return createLedgerReader({ ...at, domain: setup })
}

describe('where money is on a chain', () => {
  test('no ledger is shown, and nothing can be booked on one', async () => {
    expect((await get('verifier', '/v1/ledger')).status).toBe(404)
    expect((await get('dso', `/v1/ledger/requests/${word('a')}`)).status).toBe(404)
    const refused = await book(paidIn)
    expect(refused).toMatchObject({ status: 409, body: { code: 'wrong-state' } })
    const at = { apiUrl: service.url, apiKey: town.keys.verifier, timer: wallTimer }
    await expect(readPool(at)).rejects.toThrow('its money is on a chain')
  })
})

describe('on a ledger without a chain', () => {
  let setup: PoolSetup
  beforeAll(async () => {
    const { store, random } = service.ports
    const windows = { disputeWindowSeconds: 60, epochWindowSeconds: 60, heldWindowSeconds: 60 }
    const who = { verifiers, quorum: 2, feeReceiver: agent, arbiter: null }
    const terms = { ...who, ...windows, refundGraceSeconds: 0 }
    setup = await establishLedger({ store, random, terms: async () => terms })
    await store.transaction((tx) => tx.pool.saveRequest(word('a'), request))
  })

  test('nobody but the operator books, and an owner does not see what is locked', async () => {
    expect((await book(paidIn, 'dso')).status).toBe(404)
    expect((await get('anna', '/v1/ledger')).status).toBe(404)
    expect((await get('dso', '/v1/operator/ledger/accounts')).status).toBe(404)
    expect((await get('operator', '/v1/operator/ledger/accounts')).body).toEqual([])
  })

  test.each([
    ['part of a cent', { amountMinor: '5000000001' }, 'amountMinor', 400],
    ['nothing', { amountMinor: '0' }, 'amountMinor', 400],
    ['a reference no bank writes', { reference: 'a;b' }, 'reference', 400],
    ['no address', { account: 'dso' }, 'account', 400],
    ['money from nobody that is registered', { account: `0x${'9'.repeat(40)}` }, 'account', 400],
    ['more than there is', { direction: 'out' }, 'amountMinor', 400],
  ])('%s is refused', async (_what, change, field, status) => {
    const { status: got, body } = await book({ ...paidIn, ...change })
    expect({ got, field: body.errors?.[0]?.field }).toEqual({ got: status, field })
    expect((await get('operator', '/v1/operator/ledger/accounts')).body).toEqual([])
  })

  test('a line of the bank statement is booked once, and another under its reference never', async () => {
    const first = await book(paidIn)
    expect(first).toMatchObject({ status: 200, body: { balanceMinor: '5000000000' } })
    expect((await book(paidIn)).body).toEqual(first.body)
    const other = await book({ ...paidIn, amountMinor: '6000000000' })
    expect(other).toMatchObject({ status: 409, body: { code: 'duplicate' } })
    const back = { direction: 'out', amountMinor: '1000000000', reference: 'BACK 1' }
    expect((await book({ ...paidIn, ...back })).body).toMatchObject({ balanceMinor: '4000000000' })
    const accounts = (await get('operator', '/v1/operator/ledger/accounts')).body
    expect(accounts).toEqual([
      expect.objectContaining({ account: 'bank', debitsPosted: '5000000000' }),
      expect.objectContaining({
        account: `wallet:${payer.toLowerCase()}`,
        available: '4000000000',
      }),
    ])
  })

  test('a verifier without a database reads escrow, proposals and counters', async () => {
    const reader = readerAt(setup)
    expect(await reader.escrow(word('a'))).toEqual({
      amount: 10_000_000n,
      payout: 4_000_000n,
      round: 2,
    })
    expect(await reader.escrow(word('b'))).toBeNull()
    expect(await reader.isProposed(statement)).toBe(true)
    expect(await reader.isProposed({ ...statement, feeTotal: 80_001n })).toBe(false)
    expect(await reader.isProposed({ ...statement, round: 1, payoutTotal: 1n })).toBe(false)
    expect(await reader.isRecipient(payer, payer)).toBe(false)
    const state = await reader.poolState()
    expect(state).toMatchObject({ locked: 0n, totalAllocated: 0n, currentEpoch: 0 })
    const { body } = await get('dso', '/v1/ledger')
    expect(body).toMatchObject({ chainId: 0, pool: setup.pool, token: setup.token, head: null })
  })

  test('an owner with a receipt finds the roots of its call', async () => {
    const { status, body } = await get('anna', `/v1/ledger/requests/${word('a')}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ state: 'proposed', payout: '4000000', round: 2 })
    expect(body.proposals.at(-1).evidenceRoot).toBe(statement.evidenceRoot)
  })

  test('every answer is as the document says', async () => {
    const { body } = await service.send('GET', '/openapi.json')
    const spoken = service.exchanges.filter(({ path }) => path.includes('/ledger'))
    expect(spoken.length).toBeGreaterThan(10)
    expect(undocumented(body.paths, spoken)).toEqual([])
  })
})
