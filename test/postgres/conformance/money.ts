import { expect, test } from 'vitest'
import { callId, type Hex, ownerId } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import type { ChainEvent } from '#domain/chain.ts'
import type { PayoutReceipt } from '#domain/payout.ts'
import type { ChainIdentity } from '#ports.ts'
import type { Store } from '#store-ports.ts'
import { epoch, finalizeIntent, hexOf, minutes, NOW, openedEvent } from '../samples.ts'

export function moneyTests(open: () => Store): void {
  test('a posting that does not sum to zero is refused', async () => {
    const store = open()
    const post = store.transaction((tx) =>
      tx.ledger.post('bad', [{ account: 'fee', amount: 1n, at: NOW }]),
    )
    await expect(post).rejects.toThrow('posting bad must sum to 0, got 1')
    expect(await store.transaction((tx) => tx.ledger.balances())).toEqual([])
  })

  test('a posting is booked once, by its key, also from many at once', async () => {
    const store = open()
    const big = 2n ** 80n
    const post = () =>
      store.transaction((tx) =>
        tx.ledger.post('fund:call-1', [
          { account: 'escrow:call-1', amount: big, at: NOW },
          { account: 'dso:north', amount: -big, at: NOW },
        ]),
      )
    await Promise.all([post(), post(), post()])
    await store.transaction((tx) =>
      tx.ledger.post('pay:call-1', [
        { account: 'escrow:call-1', amount: -3n, at: minutes(1) },
        { account: 'owner:1', amount: 2n, at: minutes(1) },
        { account: 'Fee', amount: 1n, at: minutes(1) },
      ]),
    )
    await store.transaction(async (tx) => {
      expect(await tx.ledger.balance('escrow:call-1')).toBe(big - 3n)
      expect(await tx.ledger.balance('nobody')).toBe(0n)
      expect(await tx.ledger.entries('escrow:call-1')).toEqual([
        { key: 'fund:call-1', account: 'escrow:call-1', amount: big, at: NOW },
        { key: 'pay:call-1', account: 'escrow:call-1', amount: -3n, at: minutes(1) },
      ])
      expect(await tx.ledger.balances()).toEqual([
        { account: 'Fee', balance: 1n },
        { account: 'dso:north', balance: -big },
        { account: 'escrow:call-1', balance: big - 3n },
        { account: 'owner:1', balance: 2n },
      ])
    })
  })

  test('epochs are saved, changed and listed newest first', async () => {
    const store = open()
    await store.transaction(async (tx) => {
      await tx.payouts.lock()
      await tx.payouts.save(epoch(1))
      await tx.payouts.save(epoch(2))
      await tx.payouts.save(epoch(1, { state: 'paid' }))
    })
    await store.transaction(async (tx) => {
      expect(await tx.payouts.find(1)).toEqual(epoch(1, { state: 'paid' }))
      expect(await tx.payouts.find(3)).toBeNull()
      expect(await tx.payouts.list()).toEqual([epoch(2), epoch(1, { state: 'paid' })])
    })
  })

  test('receipts are written once, and found by epoch and owner', async () => {
    const store = open()
    const receipt = (owner: string, inEpoch: number): PayoutReceipt => ({
      epoch: inEpoch,
      ownerId: ownerId(owner),
      lines: [{ callId: callId('call-1'), amount: microEur(1_234_567n) }],
      amount: microEur(1_234_567n),
      paidCents: 123n,
      carried: microEur(4567n),
      route: 'agent',
    })
    await store.transaction(async (tx) => {
      await tx.payouts.saveReceipts([receipt('b', 1), receipt('a', 1), receipt('a', 2)])
      await tx.payouts.saveReceipts([{ ...receipt('a', 1), paidCents: 0n }])
      await tx.payouts.saveReceipts([])
    })
    await store.transaction(async (tx) => {
      expect(await tx.payouts.receipts({})).toEqual([
        receipt('a', 1),
        receipt('b', 1),
        receipt('a', 2),
      ])
      expect(await tx.payouts.receipts({ epoch: 1, ownerId: ownerId('a') })).toEqual([
        receipt('a', 1),
      ])
    })
  })
}

export function chainTests(open: () => Store): void {
  test('nothing can be signed or mined that was never intended', async () => {
    const store = open()
    const signed = store.transaction((tx) =>
      tx.chain.signed('finalize:1', { hash: hexOf(1), nonce: 0, raw: '0x00' }),
    )
    await expect(signed).rejects.toThrow('no chain intent finalize:1')
    const mined = store.transaction((tx) => tx.chain.mined('finalize:1', hexOf(1), 'mined'))
    await expect(mined).rejects.toThrow('no chain intent finalize:1')
    expect(await store.transaction((tx) => tx.chain.intent('finalize:1'))).toBeNull()
  })

  test('the first intent under a key stays, and walks from pending over sent to mined', async () => {
    const store = open()
    const openKeys = async () =>
      (await store.transaction((tx) => tx.chain.open())).map((row) => row.businessKey)
    await store.transaction(async (tx) => {
      await tx.chain.intend('b', finalizeIntent(1))
      await tx.chain.intend('a', finalizeIntent(2))
      await tx.chain.intend('b', finalizeIntent(3))
    })
    expect(await openKeys()).toEqual(['b', 'a'])
    const tx1 = { hash: hexOf(11), nonce: 4, raw: hexOf(12, 90) }
    await store.transaction((tx) => tx.chain.signed('b', tx1))
    expect(await store.transaction((tx) => tx.chain.intent('b'))).toEqual({
      businessKey: 'b',
      intent: finalizeIntent(1),
      state: 'sent',
      ...tx1,
      reason: null,
    })
    expect(await openKeys()).toEqual(['b', 'a'])
    await store.transaction(async (tx) => {
      await tx.chain.mined('b', hexOf(11), 'mined')
      await tx.chain.mined('a', hexOf(13), 'reverted', 'NotFinal()')
    })
    expect(await openKeys()).toEqual([])
    expect(await store.transaction((tx) => tx.chain.intent('a'))).toMatchObject({
      state: 'reverted',
      reason: 'NotFinal()',
      hash: hexOf(13),
    })
  })

  test('an intent with money in it comes back exactly', async () => {
    const store = open()
    const intent = {
      kind: 'payChunk',
      epoch: 1,
      first: 0,
      rows: hexOf(1, 112),
      proof: [{ h: hexOf(2), s: 2n ** 64n - 1n }],
    } as const
    await store.transaction((tx) => tx.chain.intend('pay:1', intent))
    expect((await store.transaction((tx) => tx.chain.intent('pay:1')))?.intent).toEqual(intent)
  })

  test('an event is recorded once, with the cursor', async () => {
    const store = open()
    const final = {
      kind: 'RequestFinalized',
      requestId: hexOf(4),
      transactionHash: hexOf(3),
      logIndex: 0,
      block: 3,
      blockHash: hexOf(103),
      payout: 1n,
      fee: 2n,
      held: 4n,
      refund: 3n,
    } as const
    const transfer = {
      kind: 'Transfer',
      from: hexOf(1, 20),
      to: hexOf(2, 20),
      amount: 5n,
      transactionHash: hexOf(2),
      logIndex: 1,
      block: 2,
      blockHash: hexOf(102),
    } as const
    expect(await store.transaction((tx) => tx.chain.cursor())).toBeNull()
    await store.transaction(async (tx) => {
      await tx.chain.record([openedEvent(2), transfer], { block: 2, hash: hexOf(102) })
      await tx.chain.record([transfer, final], { block: 3, hash: hexOf(103) })
      await tx.chain.record([], { block: 4, hash: hexOf(104) })
    })
    await store.transaction(async (tx) => {
      expect(await tx.chain.cursor()).toEqual({ block: 4, hash: hexOf(104) })
      expect(await tx.chain.events()).toEqual([openedEvent(2), transfer, final])
      expect(await tx.chain.events({ kind: 'Transfer' })).toEqual([transfer])
      expect(await tx.chain.events({ requestId: hexOf(4) })).toEqual([openedEvent(2), final])
      expect(await tx.chain.events({ requestId: hexOf(5) })).toEqual([])
    })
  })

  test('nobody signs over what another process has signed meanwhile', async () => {
    const store = open()
    const sent = (byte: number, nonce: number) => {
      return { hash: hexOf(byte), nonce, raw: hexOf(byte, 40) }
    }
    const signing = (byte: number, nonce: number, before: Hex | null) =>
      store.transaction((tx) => tx.chain.signed('a', sent(byte, nonce), before))
    await store.transaction((tx) => tx.chain.intend('a', finalizeIntent(1)))
    await signing(1, 7, null)
    const refusal = 'a: another process has signed a transaction meanwhile'
    await expect(signing(2, 7, null)).rejects.toThrow(refusal)
    await signing(3, 7, sent(1, 7).raw)
    await expect(signing(4, 7, sent(1, 7).raw)).rejects.toThrow(refusal)
    await signing(5, 8, sent(3, 7).raw)
    await store.transaction(async (tx) => {
      expect((await tx.chain.variants('a', 7)).toSorted()).toEqual([hexOf(1), hexOf(3)])
      expect(await tx.chain.variants('a', 8)).toEqual([hexOf(5)])
      expect(await tx.chain.intent('a')).toMatchObject(sent(5, 8))
    })
  })

  test('an event is recorded once, and whoever records it is told how many were new', async () => {
    const store = open()
    const at = { block: 4, hash: hexOf(104) }
    const record = (...events: ChainEvent[]) =>
      store.transaction((tx) => tx.chain.record(events, at))
    expect(await record(openedEvent(2), openedEvent(3))).toBe(2)
    expect(await record(openedEvent(3), openedEvent(4))).toBe(1)
    expect(await record()).toBe(0)
  })

  test('after a reorganisation orphaned events are gone and their intents open again', async () => {
    const store = open()
    const sent = (byte: number) => ({ hash: hexOf(byte), nonce: byte, raw: hexOf(byte, 40) })
    await store.transaction(async (tx) => {
      for (const key of ['kept', 'orphaned', 'foreign']) {
        await tx.chain.intend(key, finalizeIntent(1))
      }
      await tx.chain.signed('kept', sent(2))
      await tx.chain.signed('orphaned', sent(3))
      await tx.chain.mined('kept', hexOf(2), 'mined')
      await tx.chain.mined('orphaned', hexOf(3), 'mined')
      await tx.chain.mined('foreign', hexOf(4), 'mined') // by somebody else: no raw bytes
      await tx.chain.record([openedEvent(2), openedEvent(3), openedEvent(4)], {
        block: 4,
        hash: hexOf(104),
      })
      await tx.chain.rewind({ block: 2, hash: hexOf(102) })
    })
    await store.transaction(async (tx) => {
      expect(await tx.chain.cursor()).toEqual({ block: 2, hash: hexOf(102) })
      expect(await tx.chain.events()).toEqual([openedEvent(2)])
      const states = (await tx.chain.open()).map((row) => [row.businessKey, row.state])
      expect(states).toEqual([
        ['orphaned', 'sent'],
        ['foreign', 'pending'],
      ])
    })
  })

  test('a database remembers which pool on which chain it belongs to', async () => {
    const identity: ChainIdentity = {
      chainId: 31_337,
      genesisHash: hexOf(1),
      pool: hexOf(2, 20),
      token: hexOf(3, 20),
      registry: hexOf(4, 20),
      feeReceiver: hexOf(5, 20),
    }
    const store = open()
    expect(await store.transaction((tx) => tx.chain.identity())).toBeNull()
    await store.transaction((tx) => tx.chain.identify(identity))
    expect(await store.transaction((tx) => tx.chain.identity())).toEqual(identity)
  })
}
