import { expect, test } from 'vitest'
import type { Address, Hex } from '#domain/ids.ts'
import {
  ALLOCATABLE,
  BANK,
  ESCROW,
  LEDGER_CHAIN_ID,
  NO_EPOCHS,
  NO_GUARD,
  type PoolRequest,
  type PoolSetup,
  type PoolTransfer,
  creditOf,
  poolStateOf,
  walletOf,
} from '#domain/pool-books.ts'
import type { Store } from '#store-ports.ts'

const PAYER: Address = `0x${'Aa'.repeat(20)}`
const wallet = walletOf(PAYER)
const word = (digit: string): Hex => `0x${digit.repeat(64)}`

const setup: PoolSetup = {
  chainId: LEDGER_CHAIN_ID,
  genesisHash: word('1'),
  pool: PAYER,
  token: PAYER,
  registry: PAYER,
  feeReceiver: PAYER,
  verifierSetId: 1,
  verifiers: [PAYER],
  quorum: 1,
  disputeWindowSeconds: 60,
  epochWindowSeconds: 60,
  heldWindowSeconds: 60,
  refundGraceSeconds: 0,
  arbiter: null,
}

const request: PoolRequest = {
  payer: PAYER,
  amount: 2n ** 79n,
  deliverStart: 10,
  deliverEnd: 20,
  settleBy: 30,
  verifierSetId: 1,
  state: 'funded',
  round: 0,
  windowEnd: 0,
  payout: 0n,
  fee: 0n,
  held: 0n,
  accounted: false,
  escrow: 'open:1',
  proposals: [],
}

function transfer(id: string, fields: Partial<PoolTransfer> = {}): PoolTransfer {
  const plain = { kind: 'posted', pendingId: null, debit: BANK, credit: wallet } as const
  return { id, ...plain, amount: 100n, at: 1_768_478_400, ...fields }
}

const hold = transfer('open:1', { kind: 'pending', debit: wallet, credit: ESCROW, amount: 60n })
const end = (kind: 'post' | 'void', amount: bigint, id = `${kind}:1`) =>
  transfer(id, { kind, pendingId: 'open:1', debit: wallet, credit: ESCROW, amount })

export function poolTests(open: () => Store): void {
  const book = (...rows: PoolTransfer[]) => open().transaction((tx) => tx.pool.book(rows))
  const available = async () => {
    const accounts = await open().transaction((tx) => tx.pool.accounts())
    return poolStateOf(accounts, NO_EPOCHS)
  }

  test('a transfer that is booked already is refused, with all that came beside it', async () => {
    await book(transfer('deposit:a'))
    await expect(book(transfer('deposit:b'), transfer('deposit:a'))).rejects.toThrow()
    const ids = (await open().transaction((tx) => tx.pool.transfers())).map(({ id }) => id)
    expect(ids).toEqual(['deposit:a'])
  })

  test('nobody spends what he has not, not even what only waits', async () => {
    await book(transfer('deposit:a'))
    const spend = { debit: wallet, credit: ALLOCATABLE }
    await expect(book(transfer('spend', { ...spend, amount: 101n }))).rejects.toThrow()
    await book(hold)
    await expect(book(transfer('spend', { ...spend, amount: 41n }))).rejects.toThrow()
    await book(transfer('spend', { ...spend, amount: 40n }))
  })

  test('nothing is paid into the bank that never came from it', async () => {
    await book(transfer('deposit:a'))
    const back = { debit: wallet, credit: BANK }
    await expect(book(transfer('back', { ...back, amount: 101n }))).rejects.toThrow()
    await book(transfer('back', { ...back, amount: 100n }))
  })

  test('what is pending is ended once', async () => {
    await book(transfer('deposit:a'), hold, end('post', 50n), end('void', 10n))
    await expect(book(end('post', 1n, 'post:again'))).rejects.toThrow()
    await expect(book(end('void', 60n, 'void:again'))).rejects.toThrow()
    expect(await available()).toMatchObject({ locked: 0n, tokenBalance: 50n })
  })

  test('a transfer of nothing is refused', async () => {
    await expect(book(transfer('deposit:a', { amount: 0n }))).rejects.toThrow()
  })

  test('a pending transfer locks its money, a post spends it, a void gives it back', async () => {
    await book(transfer('deposit:a'), hold)
    expect(await available()).toMatchObject({ locked: 60n, tokenBalance: 60n })
    await book(end('post', 45n), end('void', 15n))
    await book(transfer('pay', { debit: ESCROW, credit: ALLOCATABLE, amount: 45n }))
    const owed = { debit: wallet, credit: creditOf(PAYER), amount: 15n }
    await book(transfer('owe', owed))
    const state = { locked: 0n, allocatable: 45n, credits: 15n, tokenBalance: 60n }
    expect(await available()).toMatchObject(state)
    expect(await open().transaction((tx) => tx.pool.transfer('owe'))).toEqual(transfer('owe', owed))
  })

  test('the first setup stays', async () => {
    const store = open()
    expect(await store.transaction((tx) => tx.pool.setup())).toBeNull()
    await store.transaction((tx) => tx.pool.establish(setup))
    await store.transaction((tx) => tx.pool.establish({ ...setup, quorum: 2 }))
    expect(await store.transaction((tx) => tx.pool.setup())).toEqual(setup)
  })

  test('verifier sets are added and never changed, and the guard is what was saved last', async () => {
    const store = open()
    const set = (setId: number) => ({ setId, verifiers: [PAYER], quorum: 1 })
    const add = (setId: number) => store.transaction((tx) => tx.pool.addVerifierSet(set(setId)))
    await add(2)
    await add(3)
    await expect(add(2)).rejects.toThrow()
    const found = await store.transaction(async ({ pool }) => {
      const before = await pool.guard()
      await pool.saveGuard({ ...NO_GUARD, pausedUntil: 5 })
      await pool.saveGuard({ ...NO_GUARD, pauseUsed: true, equivocated: [PAYER] })
      return { before, guard: await pool.guard(), sets: await pool.verifierSets() }
    })
    expect(found.before).toEqual(NO_GUARD)
    expect(found.guard).toEqual({ ...NO_GUARD, pauseUsed: true, equivocated: [PAYER] })
    expect(found.sets).toEqual([set(2), set(3)])
  })

  test('requests, epochs and claims come back as they were saved last', async () => {
    const store = open()
    const found = await store.transaction(async ({ pool }) => {
      await pool.lock()
      await pool.saveRequest(word('b'), request)
      await pool.saveRequest(word('a'), { ...request, state: 'final' })
      await pool.saveRequest(word('b'), { ...request, state: 'final', round: 2 })
      await pool.saveEpochs({ ...NO_EPOCHS, currentEpoch: 3 })
      await pool.saveClaimed([
        { index: 0, amount: 5n },
        { index: 4, amount: 2n ** 63n },
      ])
      await pool.saveClaimed([{ index: 0, amount: 7n }])
      return {
        none: await pool.request(word('c')),
        final: await pool.requestsIn('final'),
        epochs: await pool.epochs(),
        claimed: await pool.claimed(0, 4),
        next: await pool.claimed(4, 4),
      }
    })
    expect(found.none).toBeNull()
    expect(found.final.map(({ id }) => id)).toEqual([word('a'), word('b')])
    expect(found.final[1]?.request).toEqual({ ...request, state: 'final', round: 2 })
    expect(found.epochs).toEqual({ ...NO_EPOCHS, currentEpoch: 3 })
    expect([...found.claimed]).toEqual([[0, 7n]])
    expect([...found.next]).toEqual([[4, 2n ** 63n]])
  })
}
