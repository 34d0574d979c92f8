import type { ChainEvent } from '#domain/chain.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { HeldRest } from '#domain/held-rest.ts'
import type { Hex, OrganisationId } from '#domain/ids.ts'
import { sumMoney } from '#domain/money.ts'
import {
  type Cell,
  type Column,
  isWithin,
  monthOf,
  type Statement,
  unfinished,
} from '#domain/statement.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { returnedKey, returnedPayouts } from './book-returned.ts'
import { escrowUse } from './invoice-dso.ts'
import { epochLines } from './reconcile-epoch.ts'

const COLUMNS: readonly Column[] = [
  { key: 'what', title: 'What', kind: 'text' },
  { key: 'subject', title: 'Of', kind: 'text' },
  { key: 'events_eur', title: "Pool's events, EUR", kind: 'money' },
  { key: 'ledger_eur', title: 'Ledger, EUR', kind: 'money' },
  { key: 'documents_eur', title: 'Documents, EUR', kind: 'money' },
  { key: 'difference_eur', title: 'Difference, EUR', kind: 'money' },
]

/** One figure, as three books have it. */
export type Line = {
  readonly what: string
  readonly subject: string
  readonly events: bigint
  readonly ledger: bigint
  /** Signed terms and settlements for a call; shares, payments and accounts for a payout. */
  readonly documents: bigint
}

/** Widest gap between the three; 0: they agree. */
function difference({ events, ledger, documents }: Line): bigint {
  const amounts = [events, ledger, documents]
  const most = amounts.reduce((a, b) => (b > a ? b : a))
  const least = amounts.reduce((a, b) => (b < a ? b : a))
  return most - least
}

/**
 * Three books of a programme's month side by side: what the pool's events say, what the ledger
 * says, and what was signed, shared out and put into the payment file. Payouts are of the whole
 * pool, because an epoch serves every programme. @throws DomainError malformed
 */
export async function reconcileProgram(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  dsoId: OrganisationId,
  monthName: string | null,
): Promise<{ readonly statement: Statement; readonly reconciled: boolean }> {
  return store.transaction(async (tx) => {
    const timeZone = (await tx.organisations.program(dsoId))?.timeZone ?? 'UTC'
    const month = monthOf(monthName, timeZone, clock.now())
    const events = await tx.chain.events()
    const entries = entriesByKey(tx)
    const rests = await tx.rests.list({})
    const calls = (await tx.calls.list({ dsoId }))
      .filter(({ request, escrow }) => escrow !== null && isWithin(month, request.window.start))
      .sort((a, b) => a.request.window.start - b.request.window.start || (a.id < b.id ? -1 : 1))
    const ofCalls: Line[] = []
    const books = { rests, events, returned: await returnedPayouts(tx), booked: entries }
    for (const call of calls) ofCalls.push(...(await callLines(call, books)))
    const epochs = (await tx.payouts.list())
      .filter(({ createdAt, state }) => state === 'paid' && isWithin(month, createdAt))
      .toReversed()
    const ofPayouts: Line[] = []
    for (const epoch of epochs) ofPayouts.push(...(await epochLines(tx, epoch, events, entries)))
    const wrong = [...ofCalls, ...ofPayouts].filter((line) => difference(line) !== 0n)
    const statement: Statement = {
      number: `reconciliation-${dsoId}-${month.name}`,
      title: `Reconciliation of ${month.name} for ${dsoId}`,
      month,
      words: [
        wrong.length === 0
          ? `${ofCalls.length + ofPayouts.length} lines, and nothing differs.`
          : `${wrong.length} of ${ofCalls.length + ofPayouts.length} lines differ.`,
        ...unfinished(month, clock.now()),
      ],
      tables: [
        table('call', 'Requests of the programme', ofCalls, 'Nothing was ordered in this month.'),
        table('payout', 'Payouts of the whole pool', ofPayouts, 'Nothing was paid in this month.'),
        table('total', 'Sums', sums([...ofCalls, ...ofPayouts]), ''),
      ],
    }
    return { statement, reconciled: wrong.length === 0 }
  })
}

function table(record: string, title: string, lines: readonly Line[], nothing: string) {
  const rows = lines.map((line): Cell[] => [
    line.what,
    line.subject,
    line.events,
    line.ledger,
    line.documents,
    difference(line),
  ])
  return { record, title, columns: COLUMNS, rows, nothing }
}

function sums(lines: readonly Line[]): Line[] {
  const groups = Map.groupBy(lines, ({ what }) => what)
  return [...groups].map(([what, group]) => ({
    what,
    subject: `${group.length} lines`,
    events: sumMoney(group.map(({ events }) => events)),
    ledger: sumMoney(group.map(({ ledger }) => ledger)),
    documents: sumMoney(group.map(({ documents }) => documents)),
  }))
}

export type Booked = (account: string, keys: ReadonlySet<string>) => Promise<bigint>

/** What an account was given under some postings; each account is read once. */
function entriesByKey(tx: StoreTransaction): Booked {
  const read = new Map<string, ReturnType<StoreTransaction['ledger']['entries']>>()
  return async (account, keys) => {
    const entries = read.get(account) ?? tx.ledger.entries(account)
    read.set(account, entries)
    return sumMoney((await entries).filter(({ key }) => keys.has(key)).map(({ amount }) => amount))
  }
}

type CallBooks = {
  readonly rests: readonly HeldRest[]
  readonly events: readonly ChainEvent[]
  readonly returned: ReadonlyMap<Hex, bigint>
  readonly booked: Booked
}

async function callLines(
  call: FlexibilityCall,
  { rests, events, returned, booked }: CallBooks,
): Promise<Line[]> {
  const mine = rests.filter(({ callId }) => callId === call.id)
  const ids = new Set([call.escrow?.requestId, ...mine.map(({ id }) => id)])
  const said = events.filter((event) => 'requestId' in event && ids.has(event.requestId))
  const of = (pick: (event: ChainEvent) => bigint) => sumMoney(said.map(pick))
  const isOpen = said.some(({ kind }) => kind === 'RequestOpened')
  if (!isOpen) return []
  const use = escrowUse(call, rests, returned)
  const settling = new Set([
    `settle:${call.id}`,
    ...mine.map(({ id }) => `settle-held:${id}`),
    ...[...ids].flatMap((id) => (id === undefined ? [] : [returnedKey(id)])),
  ])
  const backing = new Set([
    ...settling,
    `refund:${call.id}`,
    `cancel:${call.id}`,
    ...mine.map(({ id }) => `refund-held:${id}`),
  ])
  const opening = new Set([`open:${call.id}`])
  const payees = payeesOf(call, mine)
  const toPayees = await Promise.all(payees.map((payee) => booked(payee, settling)))
  const line = (what: string, fromEvents: bigint, ledger: bigint, documents: bigint): Line => ({
    what,
    subject: call.id,
    events: fromEvents,
    ledger,
    documents,
  })
  return [
    line('escrow', of(openedBy), await booked(`escrow:${call.id}`, opening), use.escrow),
    line('payout', of(paidBy), sumMoney(toPayees), use.payout),
    line('fee', of(feeOf), await booked('fee', settling), use.fee),
    line('refund', of(backBy), await booked(`dso:${call.dsoId}`, backing), use.refund),
    line(
      'on hold',
      of(openedBy) - of(paidBy) - of(feeOf) - of(backBy),
      await stillIn(call, booked, backing),
      use.held,
    ),
  ]
}

/** What of a call's money the ledger has neither paid nor given back. */
async function stillIn(
  call: FlexibilityCall,
  booked: Booked,
  closing: ReadonlySet<string>,
): Promise<bigint> {
  const all = new Set([...closing, `open:${call.id}`])
  return (await booked(`escrow:${call.id}`, all)) + (await booked(`held:${call.id}`, all))
}

function payeesOf(call: FlexibilityCall, rests: readonly HeldRest[]): string[] {
  const settled = [call.settlement, ...rests.map(({ settlement }) => settlement)]
  const lines = settled.flatMap((each) => each?.lines ?? [])
  return [
    ...new Set(
      lines.flatMap((line) => [`owner:${line.ownerId}`, `aggregator:${line.aggregatorId}`]),
    ),
  ]
}

const openedBy = (event: ChainEvent) => (event.kind === 'RequestOpened' ? event.amount : 0n)
const feeOf = (event: ChainEvent) => (event.kind === 'RequestFinalized' ? event.fee : 0n)

function paidBy(event: ChainEvent): bigint {
  if (event.kind === 'PayoutReturned') return -event.amount
  return event.kind === 'RequestFinalized' ? event.payout : 0n
}

function backBy(event: ChainEvent): bigint {
  if (event.kind === 'RequestFinalized') return event.refund
  if (event.kind === 'PayoutReturned') return event.amount
  return event.kind === 'RequestRefunded' || event.kind === 'RequestCancelled' ? event.amount : 0n
}
