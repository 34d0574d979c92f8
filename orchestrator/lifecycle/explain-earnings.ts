import { ownerAccount } from '#domain/bank-account.ts'
import { sayTakenBack } from '#domain/charge-now.ts'
import { wordsFor } from '#domain/fair-play/words.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId, Hex, OrganisationId, OwnerId, ResourceId } from '#domain/ids.ts'
import { euros, type MicroEur, microEur } from '#domain/money.ts'
import { receiptWith } from '#domain/payment-order.ts'
import type { PayoutReceipt } from '#domain/payout.ts'
import type { Program } from '#domain/program.ts'
import { afterWindowSentence } from '#domain/rebound/words.ts'
import type { ResourceKind } from '#domain/resource.ts'
import type { LineReason, SettlementLine } from '#domain/settlement.ts'
import { formatInstant, type TimeWindow } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { returnedPayouts } from './book-returned.ts'
import { NOT_COUNTED, withHeld } from './explain-held.ts'

/** Whose earnings: an owner's own, or an aggregator's share of its owners' devices. */
export type Earner =
  | { readonly kind: 'owner'; readonly ownerId: OwnerId }
  | { readonly kind: 'aggregator'; readonly aggregatorId: OrganisationId }

/** What one resource earned in one call, and why. Energies in Wh, signed in the direction. */
export type EarningsLine = {
  readonly callId: CallId
  readonly resourceId: ResourceId
  readonly window: TimeWindow
  readonly orderedWh: number
  readonly deliveredWh: number
  /** What counts for the money: between 0 and ordered. */
  readonly payableWh: number
  readonly amount: MicroEur
  readonly status: 'being-verified' | 'to-be-paid' | 'paid' | 'held' | 'not-paid'
  /** Of the whole line, both shares: earned by the figures and still in escrow. */
  readonly held: MicroEur
  readonly reason: SettlementLine['reason'] | 'refunded'
  /** The same in one sentence for a person. */
  readonly sentence: string
  /** How it came back after the window, in a sentence; null: it went back as the window ended. */
  readonly afterWindow: string | null
  /** The payout that carried it; null before, and for aggregators. */
  readonly receipt: PayoutReceipt | null
}

/** Every line of an owner or aggregator, newest window first. */
export async function explainEarnings(ports: Ports, earner: Earner): Promise<EarningsLine[]> {
  return ports.store.transaction(async (tx) => {
    const calls = await tx.calls.list({
      states: ['measured', 'verified', 'settled', 'paid', 'refunded'],
    })
    const receipts = await receiptsFor(tx, earner)
    const rests = await tx.rests.list({})
    const returned = await returnedPayouts(tx)
    return calls
      .flatMap((call) =>
        (call.settlement?.lines ?? [])
          .filter((line) => earns(earner, line))
          .map((line) => {
            const explained = explain(call, line, earner, { receipts, returned })
            return withHeld(explained, rests, earner.kind, returned)
          }),
      )
      .sort((a, b) => b.window.start - a.window.start || compare(a.resourceId, b.resourceId))
  })
}

async function receiptsFor(tx: StoreTransaction, earner: Earner): Promise<PayoutReceipt[]> {
  if (earner.kind !== 'owner') return []
  const payments = await tx.payments.list({ payee: ownerAccount(earner.ownerId) })
  const receipts = await tx.payouts.receipts({ ownerId: earner.ownerId })
  return receipts.map((receipt) => receiptWith(receipt, payments))
}

function earns(earner: Earner, line: SettlementLine): boolean {
  return earner.kind === 'owner'
    ? line.ownerId === earner.ownerId
    : line.aggregatorId === earner.aggregatorId
}

type Known = {
  readonly receipts: readonly PayoutReceipt[]
  readonly returned: ReadonlyMap<Hex, bigint>
}

function explain(
  call: FlexibilityCall,
  line: SettlementLine,
  earner: Earner,
  { receipts, returned }: Known,
): EarningsLine {
  const refunded = call.state === 'refunded'
  const due = earner.kind === 'owner' ? line.ownerAmount : line.aggregatorAmount
  const isReturned = due > 0n && call.escrow !== null && returned.has(call.escrow.requestId)
  const isBack = refunded || isReturned
  const amount = isBack ? microEur(0n) : due
  const status = statusOf(call, line, amount)
  const paidBy = receipts.find((r) => r.lines.some(({ callId }) => callId === call.id))
  return {
    callId: call.id,
    resourceId: line.resourceId,
    window: call.request.window,
    orderedWh: line.orderedWh,
    deliveredWh: line.deliveredWh,
    payableWh: line.eligibleWh,
    amount,
    held: refunded ? microEur(0n) : line.held,
    status,
    reason: isBack ? 'refunded' : line.reason,
    sentence: isReturned
      ? returnedSentence(call, due)
      : sentence(call, line, amount, status, earner),
    afterWindow: afterWindowSentence(call.rebound, line.resourceId),
    receipt: paidBy ?? null,
  }
}

function statusOf(
  call: FlexibilityCall,
  line: SettlementLine,
  amount: MicroEur,
): EarningsLine['status'] {
  if (call.state === 'refunded') return 'not-paid'
  if (amount === 0n && line.held > 0n) return 'held'
  if (call.state === 'measured' || call.state === 'verified') return 'being-verified'
  if (amount === 0n) return 'not-paid'
  return call.state === 'paid' ? 'paid' : 'to-be-paid'
}

function returnedSentence({ request: { window } }: FlexibilityCall, due: MicroEur): string {
  const when = `From ${formatInstant(window.start)} to ${formatInstant(window.end)}`
  return `${when} nothing is paid: ${euros(due)} were due and went back to the DSO: ${NOT_COUNTED}.`
}

function sentence(
  call: FlexibilityCall,
  line: SettlementLine,
  amount: MicroEur,
  status: EarningsLine['status'],
  earner: Earner,
): string {
  const { start, end } = call.request.window
  const when = `From ${formatInstant(start)} to ${formatInstant(end)}`
  if (status === 'not-paid' && call.state === 'refunded') {
    return `${when} nothing is paid: the call could not be settled and the DSO was refunded.`
  }
  const why = whyNothing(call, line)
  if (why !== null) {
    if (amount === 0n) return `${when} nothing is paid: ${why}.`
    const forStandby = `${euros(amount)} ${verbFor(status)} for what it stood by with besides`
    return `${when} nothing is paid for delivery: ${why}; ${forStandby}.`
  }
  if (line.reason === 'stood-by') {
    const what = wordsForStandby(call.program.product)
    return `${when} the device ${what}: ${euros(amount)} ${verbFor(status)} for that.`
  }
  if (line.reason === 'held') {
    return (
      `${when} ${euros(line.held)} were earned by the figures and stay in escrow until somebody ` +
      `has looked: ${wordsFor(line.heldFor ?? [])}.`
    )
  }
  if (line.reason === 'portfolio-short') {
    return `${when} nothing is paid: all devices together delivered too little of the order.`
  }
  const price = call.candidates.find((c) => c.resourceId === line.resourceId)?.price
  const rate = price === undefined ? '' : ` at ${euros(price)} per kWh`
  const share = earner.kind === 'owner' ? "after the aggregator's share" : "the aggregator's share"
  const word = verbFor(status)
  const later = line.held > 0n ? `; ${euros(line.held)} more stay in escrow until it is final` : ''
  const until = endedBy(line.reason, kindOf(call, line))
  return (
    `${when} ${ofOrder(line)}; ${until}` +
    `${line.eligibleWh} Wh count${rate}: ${euros(amount)} ${word}, ${share}` +
    `${status === 'being-verified' ? ', once verifiers have signed' : ''}${later}.`
  )
}

/** Why nothing counts of what it was to deliver; null: something does, or nothing was called. */
function whyNothing(call: FlexibilityCall, line: SettlementLine): string | null {
  switch (line.reason) {
    case 'not-obeying':
      return 'the device did not follow its setpoint and was replaced'
    case 'overridden':
      return line.eligibleWh === 0 ? sayTakenBack(kindOf(call, line)) : null
    case 'owner-limit':
      return line.eligibleWh === 0 ? 'what its owner allows ended its part' : null
    case 'no-readings':
      return 'the meter readings needed to know what it did are missing'
    case 'nothing-delivered':
      return 'measured against its baseline the device delivered nothing'
    case 'penalised':
      return `${ofOrder(line)}, and the penalty for the rest is more than that earned`
    default:
      return null
  }
}

function ofOrder({ deliveredWh, orderedWh }: SettlementLine): string {
  return `the device delivered ${deliveredWh} Wh of ${orderedWh} Wh ordered`
}

function kindOf({ candidates }: FlexibilityCall, { resourceId }: SettlementLine): ResourceKind {
  const found = candidates.find((candidate) => candidate.resourceId === resourceId)
  return found?.kind ?? 'charger'
}

function verbFor(status: EarningsLine['status']): string {
  const verb = { 'being-verified': 'will be paid', 'to-be-paid': 'is due', paid: 'was paid' }
  return status === 'not-paid' || status === 'held' ? 'is due' : verb[status]
}

function endedBy(reason: LineReason, kind: ResourceKind): string {
  if (reason === 'overridden') return `${sayTakenBack(kind)}, which ends what counts; `
  if (reason === 'owner-limit') return 'what its owner allows ended what counts; '
  return ''
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function wordsForStandby(product: Program['product']): string {
  if (product === 'frequency-response') return "was ready to help keep the grid's frequency"
  if (product === 'voltage-support') return "was ready to help keep the grid's voltage"
  return 'stood by and was not called upon'
}
