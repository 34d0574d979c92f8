import { expect, test } from 'vitest'
import { ownerAccount } from '#domain/bank-account.ts'
import { organisationId, ownerId } from '#domain/ids.ts'
import type { Payment } from '#domain/payment-order.ts'
import type { Store } from '#store-ports.ts'
import { minutes, NOW, sealedAccount } from '../samples.ts'

export function paymentTests(open: () => Store): void {
  test('bank accounts are kept by holder and version, and erased in place', async () => {
    const store = open()
    const first = sealedAccount('owner:anna', 1)
    const second = { ...sealedAccount('owner:anna', 2), from: minutes(5), refused: 'AC01' }
    const upper = sealedAccount('owner:Zoe', 1)
    await store.transaction(async (tx) => {
      await tx.accounts.save(second)
      await tx.accounts.save(first)
      await tx.accounts.save(upper)
      await tx.accounts.save({ ...first, wrappedKey: null })
      await tx.accounts.save(sealedAccount('owner:anna', 3))
      await tx.accounts.remove(first.holder, 3)
      await tx.accounts.remove(first.holder, 3)
    })
    await store.transaction(async (tx) => {
      const erased = { ...first, wrappedKey: null }
      expect(await tx.accounts.of(first.holder)).toEqual([erased, second])
      expect(await tx.accounts.of(ownerAccount(ownerId('nobody')))).toEqual([])
      expect(await tx.accounts.list()).toEqual([upper, erased, second])
    })
  })

  test('payments are found by epoch and by payee; the first file of an epoch stays', async () => {
    const store = open()
    const payment = (epoch: number, owner: string): Payment => ({
      epoch,
      payee: ownerAccount(ownerId(owner)),
      accountVersion: 1,
      cents: 2n ** 40n,
      state: 'ordered',
      reason: null,
    })
    const returned: Payment = { ...payment(1, 'b'), state: 'returned', reason: 'AC04' }
    const file = { epoch: 1, agentId: organisationId('bank'), debtorVersion: 1, createdAt: NOW }
    await store.transaction(async (tx) => {
      await tx.payments.save(payment(2, 'a'))
      await tx.payments.save(payment(1, 'b'))
      await tx.payments.save(payment(1, 'a'))
      await tx.payments.save(returned)
      await tx.payments.saveFile(file)
      await tx.payments.saveFile({ ...file, debtorVersion: 2, createdAt: minutes(9) })
    })
    await store.transaction(async (tx) => {
      expect(await tx.payments.list({})).toEqual([payment(1, 'a'), returned, payment(2, 'a')])
      expect(await tx.payments.list({ epoch: 1 })).toEqual([payment(1, 'a'), returned])
      expect(await tx.payments.list({ payee: returned.payee, epoch: 1 })).toEqual([returned])
      expect(await tx.payments.file(1)).toEqual(file)
      expect(await tx.payments.file(2)).toBeNull()
    })
  })
}
