import { DomainError, fieldError } from '#domain/errors.ts'
import { ownerId as asOwnerId } from '#domain/ids.ts'
import { euros } from '#domain/money.ts'
import { endToEndId, MINOR_PER_CENT, type Payment, returnEntries } from '#domain/payment-order.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** Reasons that lie in the account (ISO 20022 external codes): nothing more is sent to it. */
const ACCOUNT_REASONS: ReadonlySet<string> = new Set(['AC01', 'AC03', 'AC04', 'AC06', 'MD07'])

/**
 * The bank sent a payment back: its amount is on the payee's account again and goes with a later
 * payout. Where the account itself is the reason, only to another one. Safe to run twice.
 * @throws DomainError not-found, malformed, wrong-state (another reason was given before)
 */
export async function returnPayment(
  ports: Ports,
  reference: string,
  reason: string,
): Promise<Payment> {
  if (!/^[A-Z]{2}[0-9]{2}$/.test(reason)) {
    throw fieldError('malformed', 'reason', 'an ISO 20022 reason code such as AC01', reason)
  }
  const epoch = Number(/^GC-E([1-9][0-9]{0,8})-[0-9a-f]{16}$/.exec(reference)?.[1] ?? 0)
  const returned = await ports.store.transaction(async (tx) => {
    await tx.payouts.lock()
    const payments = await tx.payments.list({ epoch })
    const payment = payments.find((each) => endToEndId(each) === reference)
    const file = await tx.payments.file(epoch)
    if (payment === undefined || file === null) {
      throw new DomainError('not-found', `no payment ${reference} was handed to the agent`)
    }
    return putBack(ports, tx, payment, reason)
  })
  await ports.wakeUps.notify('events')
  return returned
}

/** @throws DomainError wrong-state if it came back for another reason */
export async function putBack(
  { clock }: Pick<Ports, 'clock'>,
  tx: StoreTransaction,
  payment: Payment,
  reason: string,
): Promise<Payment> {
  const { epoch, payee, cents } = payment
  if (payment.state === 'returned') {
    if (payment.reason === reason) return payment
    const told = `the payment came back with reason ${payment.reason} already`
    throw new DomainError('wrong-state', told)
  }
  const now = clock.now()
  const returned: Payment = { ...payment, state: 'returned', reason }
  await tx.payments.save(returned)
  await tx.ledger.post(`returned:${epoch}:${payee}`, returnEntries(payment, now))
  if (ACCOUNT_REASONS.has(reason)) {
    const versions = await tx.accounts.of(payee)
    const used = versions.find(({ version }) => version === payment.accountVersion)
    if (used !== undefined) await tx.accounts.save({ ...used, refused: reason })
  }
  const owner = payee.startsWith('owner:')
    ? await tx.resources.owner(asOwnerId(payee.slice('owner:'.length)))
    : null
  await tx.events.append([
    {
      kind: 'payment-returned',
      at: now,
      callId: null,
      resourceId: null,
      organisationIds: owner === null ? [] : [owner.aggregatorId],
      ownerId: owner?.id ?? null,
      notice: false,
      message: `${euros(cents * MINOR_PER_CENT)} of epoch ${epoch} came back (${reason})`,
      data: { epoch, cents: cents.toString(), reason },
    },
  ])
  return returned
}
