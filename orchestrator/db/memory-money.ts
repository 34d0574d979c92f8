import type { Dispute } from '#domain/dispute.ts'
import type { SealedAccount } from '#domain/bank-account.ts'
import type { HeldRest } from '#domain/held-rest.ts'
import type { LedgerEntry } from '#domain/ledger.ts'
import type { Payment, PaymentFile } from '#domain/payment-order.ts'
import type { PayoutEpoch, PayoutReceipt } from '#domain/payout.ts'
import type { StoreTransaction } from '#store-ports.ts'
import type { MakeTable } from './memory-store.ts'

type Money = Pick<
  StoreTransaction,
  'payouts' | 'accounts' | 'payments' | 'ledger' | 'disputes' | 'rests'
>

/** Payout epochs, receipts, bank accounts, payments, the double-entry ledger and what is on hold in memory. */
export function memoryMoney(makeTable: MakeTable): Money {
  return {
    payouts: memoryPayouts(makeTable),
    accounts: memoryAccounts(makeTable),
    payments: memoryPayments(makeTable),
    ledger: memoryLedger(makeTable),
    disputes: memoryDisputes(makeTable),
    rests: memoryRests(makeTable),
  }
}

function memoryDisputes(makeTable: MakeTable): Money['disputes'] {
  const disputes = makeTable<Dispute>()
  return {
    save: async (dispute) => disputes.set(`${dispute.callId} ${dispute.resourceId}`, dispute),
    ofCall: async (callId) =>
      disputes
        .values()
        .filter((dispute) => dispute.callId === callId)
        .sort((a, b) => (a.resourceId < b.resourceId ? -1 : 1)),
  }
}

function memoryRests(makeTable: MakeTable): Money['rests'] {
  const rests = makeTable<HeldRest>()
  return {
    save: async (rest) => rests.set(rest.id, rest),
    find: async (id) => rests.get(id) ?? null,
    list: async ({ callId, states }) =>
      rests
        .values()
        .filter((rest) => callId === undefined || rest.callId === callId)
        .filter((rest) => states === undefined || states.includes(rest.state))
        .sort((a, b) => (a.callId < b.callId ? -1 : a.callId > b.callId ? 1 : a.round - b.round)),
  }
}

function memoryPayouts(makeTable: MakeTable): Money['payouts'] {
  const epochs = makeTable<PayoutEpoch>()
  const receipts = makeTable<PayoutReceipt>()
  return {
    save: async (epoch) => epochs.set(String(epoch.epoch), epoch),
    find: async (epoch) => epochs.get(String(epoch)) ?? null,
    list: async () => epochs.values().sort((a, b) => b.epoch - a.epoch),
    lock: async () => undefined, // one transaction at a time anyway
    async saveReceipts(rows) {
      for (const receipt of rows) receipts.add(`${receipt.epoch} ${receipt.ownerId}`, receipt)
    },
    receipts: async ({ epoch, ownerId }) =>
      receipts
        .values()
        .filter(
          (r) =>
            (epoch === undefined || r.epoch === epoch) &&
            (ownerId === undefined || r.ownerId === ownerId),
        )
        .sort((a, b) => a.epoch - b.epoch || (a.ownerId < b.ownerId ? -1 : 1)),
  }
}

function memoryAccounts(makeTable: MakeTable): Money['accounts'] {
  const accounts = makeTable<SealedAccount>()
  const sorted = () =>
    accounts
      .values()
      .sort((a, b) => (a.holder < b.holder ? -1 : a.holder > b.holder ? 1 : a.version - b.version))
  return {
    save: async (account) => accounts.set(`${account.holder} ${account.version}`, account),
    remove: async (holder, version) => accounts.delete(`${holder} ${version}`),
    of: async (holder) => sorted().filter((account) => account.holder === holder),
    list: async () => sorted(),
  }
}

function memoryPayments(makeTable: MakeTable): Money['payments'] {
  const payments = makeTable<Payment>()
  const files = makeTable<PaymentFile>()
  return {
    save: async (payment) => payments.set(`${payment.epoch} ${payment.payee}`, payment),
    list: async ({ epoch, payee }) =>
      payments
        .values()
        .filter((payment) => epoch === undefined || payment.epoch === epoch)
        .filter((payment) => payee === undefined || payment.payee === payee)
        .sort((a, b) => a.epoch - b.epoch || (a.payee < b.payee ? -1 : 1)),
    saveFile: async (file) => void files.add(String(file.epoch), file),
    file: async (epoch) => files.get(String(epoch)) ?? null,
  }
}

function memoryLedger(makeTable: MakeTable): Money['ledger'] {
  const postings = makeTable<readonly LedgerEntry[]>()
  const all = () =>
    postings.entries().flatMap(([key, entries]) => entries.map((entry) => ({ ...entry, key })))
  return {
    async post(key, entries) {
      const sum = entries.reduce((total, entry) => total + entry.amount, 0n)
      if (sum !== 0n) throw new Error(`posting ${key} must sum to 0, got ${sum}`)
      postings.add(key, entries)
    },
    balance: async (account) =>
      all().reduce((total, e) => (e.account === account ? total + e.amount : total), 0n),
    entries: async (account) => all().filter((e) => e.account === account),
    async balances() {
      const sums = new Map<string, bigint>()
      for (const e of all()) sums.set(e.account, (sums.get(e.account) ?? 0n) + e.amount)
      return [...sums]
        .map(([account, balance]) => ({ account, balance }))
        .sort((a, b) => (a.account < b.account ? -1 : 1))
    },
  }
}
