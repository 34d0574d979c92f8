import { cutAt } from '#domain/allocation.ts'
import { orderedEnergy } from '#domain/delivery.ts'
import { deliveryEnd, type FlexibilityCall } from '#domain/flexibility-call.ts'
import type { HeldRest } from '#domain/held-rest.ts'
import type { Hex, OrganisationId } from '#domain/ids.ts'
import { euros, type MicroEur, microEur, sumMoney } from '#domain/money.ts'
import { reboundSentence } from '#domain/rebound/words.ts'
import {
  type Cell,
  type Column,
  isWithin,
  monthOf,
  type Statement,
  unfinished,
} from '#domain/statement.ts'
import { addSeconds } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import { returnedPayouts } from './book-returned.ts'

const CALLS: readonly Column[] = [
  { key: 'call', title: 'Request', kind: 'text' },
  { key: 'start', title: 'From', kind: 'instant' },
  { key: 'end', title: 'Until', kind: 'instant' },
  { key: 'state', title: 'State', kind: 'text' },
  { key: 'ordered_wh', title: 'Ordered Wh', kind: 'number' },
  { key: 'delivered_wh', title: 'Delivered Wh', kind: 'number' },
  { key: 'escrow_eur', title: 'Escrow, EUR', kind: 'money' },
  { key: 'payout_eur', title: 'Payout, EUR', kind: 'money' },
  { key: 'fee_eur', title: 'Fee, EUR', kind: 'money' },
  { key: 'held_eur', title: 'On hold, EUR', kind: 'money' },
  { key: 'refund_eur', title: 'Refund, EUR', kind: 'money' },
  { key: 'congestion_point', title: 'Congestion point', kind: 'text', isBelow: true },
  { key: 'reserved_wh', title: 'Stood by with Wh', kind: 'number', isBelow: true },
  { key: 'penalty_eur', title: 'Penalty taken from the payout, EUR', kind: 'money', isBelow: true },
  { key: 'after_window', title: 'After the window', kind: 'text', isBelow: true },
  { key: 'request_id', title: 'Kept by the pool under', kind: 'text', isBelow: true },
  { key: 'evidence_root', title: 'Evidence root', kind: 'text', isBelow: true },
]
const TOTALS: readonly Column[] = [
  { key: 'what', title: 'In this month', kind: 'text' },
  { key: 'amount_eur', title: 'EUR', kind: 'money' },
]

/** Where the escrow of a call is: the five sum to it, exactly, at any time. */
export type EscrowUse = {
  readonly escrow: MicroEur
  readonly payout: MicroEur
  readonly fee: MicroEur
  /** Not settled yet, or on hold for a later round. */
  readonly held: MicroEur
  readonly refund: MicroEur
}

/**
 * What became of a call's escrow, with the later rounds of what it held; `returned`: payouts that
 * the pool gave back because no epoch counted them.
 */
export function escrowUse(
  call: FlexibilityCall,
  rests: readonly HeldRest[],
  returned: ReadonlyMap<Hex, bigint>,
): EscrowUse {
  const escrow = call.escrow?.terms.amount ?? microEur(0n)
  const mine = rests.filter(({ callId }) => callId === call.id)
  const isFinal = call.state === 'settled' || call.state === 'paid'
  const final = isFinal ? call.settlement : null
  const later = mine.filter(({ state }) => state === 'settled' || state === 'paid')
  const settled = [final, ...later.map(({ settlement }) => settlement)].flatMap((s) => s ?? [])
  const back = mine.filter(({ state }) => state === 'refunded')
  const ids = [...(final && call.escrow ? [call.escrow.requestId] : []), ...later.map(idOf)]
  const gone = sumMoney(ids.map((id) => returned.get(id) ?? 0n))
  const payout = microEur(sumMoney(settled.map((each) => each.payout)) - gone)
  const fee = sumMoney(settled.map((each) => each.fee))
  const isBack = call.state === 'refunded' || (call.state === 'cancelled' && final === null)
  const refund = isBack
    ? escrow
    : sumMoney([gone, ...settled.map((each) => each.refund), ...back.map(({ amount }) => amount)])
  return { escrow, payout, fee, held: microEur(escrow - payout - fee - refund), refund }
}

function idOf({ id }: HeldRest): Hex {
  return id
}

/**
 * What a DSO ordered in a month, what came of it, what it owes and what comes back. `taxNote` is
 * the operator's setting and printed as it stands. @throws DomainError malformed
 */
export async function invoiceDso(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  dsoId: OrganisationId,
  monthName: string | null,
  taxNote: string,
): Promise<Statement> {
  return store.transaction(async (tx) => {
    const timeZone = (await tx.organisations.program(dsoId))?.timeZone ?? 'UTC'
    const month = monthOf(monthName, timeZone, clock.now())
    const name = (await tx.organisations.find(dsoId))?.name ?? dsoId
    const calls = (await tx.calls.list({ dsoId }))
      .filter(
        ({ request, escrow }) => escrow?.authorisation && isWithin(month, request.window.start),
      )
      .sort((a, b) => a.request.window.start - b.request.window.start || (a.id < b.id ? -1 : 1))
    const rests = await tx.rests.list({})
    const returned = await returnedPayouts(tx)
    const uses = calls.map((call) => escrowUse(call, rests, returned))
    const sum = (part: keyof EscrowUse) => sumMoney(uses.map((use) => use[part]))
    const owed = sumMoney([sum('payout'), sum('fee')])
    return {
      number: `dso-${dsoId}-${month.name}`,
      title: `Invoice and credit note of ${month.name} for ${name}`,
      month,
      words: [
        `For ${calls.length} ${calls.length === 1 ? 'request' : 'requests'} of this month ` +
          `${euros(sum('escrow'))} stood in escrow. ${euros(owed)} of it is owed (invoice): ` +
          `${euros(sum('payout'))} paid to participants and ${euros(sum('fee'))} fee. ` +
          `${euros(sum('refund'))} came back (credit note), and ${euros(sum('held'))} is not decided.`,
        taxNote,
        ...unfinished(month, clock.now()),
      ],
      tables: [
        {
          record: 'call',
          title: 'Each request',
          columns: CALLS,
          rows: calls.map((call, i) => callCells(call, uses[i] as EscrowUse)),
          nothing: 'Nothing was ordered in this month.',
        },
        {
          record: 'total',
          title: 'Sums',
          columns: TOTALS,
          rows: [
            ['Locked in escrow', sum('escrow')],
            ['Invoice: paid to participants', sum('payout')],
            ['Invoice: fee', sum('fee')],
            ['Invoice: together', owed],
            ['Credit note: back from escrow', sum('refund')],
            ['Not decided yet', sum('held')],
          ],
          nothing: '',
        },
      ],
    }
  })
}

function callCells(call: FlexibilityCall, use: EscrowUse): Cell[] {
  const { id, request, state, settlement, escrow, evidence } = call
  return [
    id,
    request.window.start,
    request.window.end,
    state,
    settlement?.orderedWh ?? null,
    settlement?.deliveredWh ?? null,
    use.escrow,
    use.payout,
    use.fee,
    use.held,
    use.refund,
    request.congestionPointId,
    heldWhOf(call),
    settlement === null ? null : settlement.penalty,
    reboundSentence(call.rebound),
    escrow?.requestId ?? null,
    evidence?.root ?? null,
  ]
}

/** Wh reserved at the point until the call ended, used or not; null where nothing stands by. */
function heldWhOf(call: FlexibilityCall): number | null {
  const { activations, orderedW, program, request } = call
  if (activations === undefined) return null
  const held = request.periods.map(({ start }, i) => {
    const end = addSeconds(start, program.settlementPeriodSeconds)
    return { start, end, powerW: orderedW[i] ?? 0, setpointW: 0 }
  })
  return cutAt(held, deliveryEnd(call)).reduce((sum, period) => sum + orderedEnergy(period), 0)
}
