import { accountAt, agentAccount, isPayable } from '#domain/bank-account.ts'
import { type CreditTransferFile, decimalEuros } from '#domain/credit-transfer.ts'
import { DomainError } from '#domain/errors.ts'
import type { OrganisationId } from '#domain/ids.ts'
import {
  endToEndId,
  MINOR_PER_CENT,
  messageId,
  type Payment,
  type PaymentFile,
} from '#domain/payment-order.ts'
import { payeeKey, type PayoutEpoch } from '#domain/payout.ts'
import { localDate } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

/**
 * The payments of an epoch for the agent's bank. From the first time on they are in the agent's
 * hands and the answer is always the same. null: the epoch pays nobody through the bank.
 * @throws DomainError not-found, wrong-state with what is missing
 */
export async function givePaymentFile(
  ports: Ports,
  agentId: OrganisationId,
  number: number,
): Promise<CreditTransferFile | null> {
  return ports.store.transaction(async (tx) => {
    await tx.payouts.lock()
    const epoch = await tx.payouts.find(number)
    if (epoch === null) throw new DomainError('not-found', `no payout epoch ${number}`)
    if (epoch.state !== 'paid') {
      const why = `payout epoch ${number} is ${epoch.state}: its payments are known once it is paid`
      throw new DomainError('wrong-state', why)
    }
    const all = await tx.payments.list({ epoch: number })
    const payments = all.filter(({ reason }) => reason !== 'erased')
    if (payments.length === 0) return null
    const file = (await tx.payments.file(number)) ?? (await newFile(ports, tx, agentId, number))
    return contentOf(ports, tx, { epoch, file, payments })
  })
}

async function newFile(
  { clock }: Ports,
  tx: StoreTransaction,
  agentId: OrganisationId,
  epoch: number,
): Promise<PaymentFile> {
  const now = clock.now()
  const debtor = accountAt(await tx.accounts.of(agentAccount(agentId)), now)
  if (!isPayable(debtor)) {
    const expected = 'name the account that pays with PUT /v1/agent/account first'
    throw new DomainError('wrong-state', `the payout agent has no bank account: ${expected}`)
  }
  const file = { epoch, agentId, debtorVersion: debtor.version, createdAt: now }
  await tx.payments.saveFile(file)
  return file
}

type Parts = {
  readonly epoch: PayoutEpoch
  readonly file: PaymentFile
  readonly payments: readonly Payment[]
}

async function contentOf(
  { vault, rail }: Ports,
  tx: StoreTransaction,
  { epoch, file, payments }: Parts,
): Promise<CreditTransferFile> {
  const read = async (holder: Payment['payee'], version: number) => {
    const account = (await tx.accounts.of(holder)).find((each) => each.version === version)
    if (account === undefined || account.wrappedKey === null) {
      const told = `payout epoch ${epoch.epoch}: an account in it was erased after the file was taken`
      throw new DomainError('wrong-state', `${told}; what was taken stays valid at the bank`)
    }
    const { iban, name } = vault.open(account)
    return { iban, name: name ?? holder.slice(holder.indexOf(':') + 1) }
  }
  const debtor = await read(agentAccount(file.agentId), file.debtorVersion)
  const transfers: CreditTransferFile['transfers'][number][] = []
  for (const payment of payments) {
    const creditor = await read(payment.payee, payment.accountVersion)
    const remittance = remittanceOf(epoch, payment)
    transfers.push({ endToEndId: endToEndId(payment), cents: payment.cents, creditor, remittance })
  }
  const id = messageId(rail.parties.pool, epoch.epoch)
  return { messageId: id, createdAt: file.createdAt, debtor, transfers }
}

/** What the payee reads on the bank statement. */
function remittanceOf(epoch: PayoutEpoch, { payee, cents }: Payment): string {
  const mine = epoch.shares.filter(
    (share) => share.wallet === null && payeeKey(share.payee) === payee,
  )
  const calls = new Set(mine.map(({ callId }) => callId)).size
  const earned = mine.reduce((sum, { amount }) => sum + amount, 0n) / MINOR_PER_CENT
  const whose = payee.startsWith('owner:') ? 'flexibility of your devices' : 'your share'
  const carried = cents > earned ? `, ${decimalEuros(cents - earned)} EUR of it from before` : ''
  const what = calls === 0 ? '' : ` in ${calls} ${calls === 1 ? 'call' : 'calls'}`
  const day = localDate(epoch.createdAt, 'UTC')
  return `Gridcall payout ${epoch.epoch} of ${day}: ${whose}${what}${carried}`
}
