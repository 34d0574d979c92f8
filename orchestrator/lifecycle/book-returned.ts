import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { Hex, OwnerId } from '#domain/ids.ts'
import type { LedgerEntry } from '#domain/ledger.ts'
import type { CallSettlement } from '#domain/settlement.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { callEvent } from './announce.ts'
import { tellOwner } from './tell-owners.ts'

/** What was final and no epoch counted for a year: its payer has it back. By request or rest. */
export async function returnedPayouts(tx: StoreTransaction): Promise<ReadonlyMap<Hex, bigint>> {
  const events = await tx.chain.events({ kind: 'PayoutReturned' })
  return new Map(
    events.flatMap((event) =>
      event.kind === 'PayoutReturned' ? [[event.requestId, event.amount] as const] : [],
    ),
  )
}

/** The posting that takes back what a settlement gave. */
export function returnedKey(requestId: Hex): string {
  return `payout-returned:${requestId}`
}

/**
 * A payout that the pool gave back is nobody's earning any more: books it back to the DSO, has it
 * handed out, and tells everybody whose it was. Safe to run twice.
 */
export async function bookReturned(
  ports: Pick<Ports, 'clock'>,
  tx: StoreTransaction,
): Promise<void> {
  for (const [requestId, amount] of await returnedPayouts(tx)) {
    const withdrawal = `withdraw-returned:${requestId}`
    if ((await tx.chain.intent(withdrawal)) !== null) continue // booked already
    const found = await settledUnder(tx, requestId)
    if (found === null) continue // a stranger's, or not booked as final yet
    const { call, settlement } = found
    const at = ports.clock.now()
    await tx.ledger.post(returnedKey(requestId), entriesBack(call, settlement, amount, at))
    const account = found.payer
    await tx.chain.intend(withdrawal, { kind: 'withdrawCredit', account })
    const message = `no payout counted ${amount} micro-EUR for a year: they are the DSO's again`
    const data = { amount: amount.toString() }
    const news = { kind: 'payout-returned', message, data } as const
    await tx.events.append([callEvent(call, news.kind, at, message, { notice: true, data })])
    for (const [ownerId, lost] of ownersOf(settlement)) {
      const theirs = `${lost} micro-EUR of ${call.id} are not paid and went back to the DSO`
      await tellOwner(ports, tx, ownerId, {
        ...news,
        message: `${theirs}, because no payout counted them for a year`,
        data: { callId: call.id, amount: lost.toString() },
      })
    }
  }
}

/** The final settlement of a call or of what it had on hold, as long as no epoch has paid it. */
async function settledUnder(tx: StoreTransaction, requestId: Hex) {
  const rest = await tx.rests.find(requestId)
  const calls = rest === null ? await tx.calls.list({ states: ['settled'] }) : []
  const call =
    rest === null
      ? calls.find(({ escrow }) => escrow?.requestId === requestId)
      : await tx.calls.find(rest.callId)
  const settlement = rest === null ? call?.settlement : rest.settlement
  const isFinal = rest === null || rest.state === 'settled'
  if (!isFinal || !call?.escrow || !settlement) return null
  return { call, settlement, payer: call.escrow.terms.payer }
}

function entriesBack(
  { dsoId }: FlexibilityCall,
  { lines }: CallSettlement,
  amount: bigint,
  at: LedgerEntry['at'],
): LedgerEntry[] {
  const sums = new Map<string, bigint>([[`dso:${dsoId}`, amount]])
  const take = (account: string, part: bigint) =>
    sums.set(account, (sums.get(account) ?? 0n) - part)
  for (const { ownerId, ownerAmount, aggregatorId, aggregatorAmount } of lines) {
    take(`owner:${ownerId}`, ownerAmount)
    take(`aggregator:${aggregatorId}`, aggregatorAmount)
  }
  return [...sums].flatMap(([account, part]) =>
    part === 0n ? [] : [{ account, amount: part, at }],
  )
}

function ownersOf({ lines }: CallSettlement): Map<OwnerId, bigint> {
  const sums = new Map<OwnerId, bigint>()
  for (const { ownerId, ownerAmount } of lines) {
    if (ownerAmount > 0n) sums.set(ownerId, (sums.get(ownerId) ?? 0n) + ownerAmount)
  }
  return sums
}
