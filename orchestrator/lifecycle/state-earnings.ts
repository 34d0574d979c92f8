import { ownerAccount } from '#domain/bank-account.ts'
import { decimalEuros } from '#domain/credit-transfer.ts'
import { DomainError } from '#domain/errors.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId, Hex, OwnerId } from '#domain/ids.ts'
import { merkleLeaf } from '#domain/merkle.ts'
import { euros, microEur, sumMoney } from '#domain/money.ts'
import {
  endToEndId,
  MINOR_PER_CENT,
  onAccount,
  type Payment,
  receiptWith,
} from '#domain/payment-order.ts'
import type { PayoutEpoch, PayoutReceipt } from '#domain/payout.ts'
import { paidByIndex, putOffOf } from '#domain/put-off.ts'
import { parseReceipt } from '#domain/receipt.ts'
import {
  type Cell,
  type Column,
  isWithin,
  type Month,
  monthOf,
  type Statement,
  unfinished,
} from '#domain/statement.ts'
import { reservedWhOf } from '#domain/standby.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { type EarningsLine, explainEarnings } from './explain-earnings.ts'
import { giveReceipt } from './give-receipt.ts'

const LINES: readonly Column[] = [
  { key: 'call', title: 'Request', kind: 'text' },
  { key: 'device', title: 'Device', kind: 'text' },
  { key: 'start', title: 'From', kind: 'instant' },
  { key: 'end', title: 'Until', kind: 'instant' },
  { key: 'ordered_wh', title: 'Ordered Wh', kind: 'number' },
  { key: 'reserved_wh', title: 'Stood by with Wh', kind: 'number', isBelow: true },
  { key: 'delivered_wh', title: 'Delivered Wh', kind: 'number' },
  { key: 'counted_wh', title: 'Counted Wh', kind: 'number' },
  { key: 'price_eur_per_kwh', title: 'EUR per kWh', kind: 'money' },
  { key: 'amount_eur', title: 'Yours, EUR', kind: 'money' },
  { key: 'held_eur', title: 'On hold, EUR', kind: 'money' },
  { key: 'status', title: 'Status', kind: 'text' },
  { key: 'payout', title: 'Payout', kind: 'number' },
  { key: 'why', title: 'Why', kind: 'text', isBelow: true },
  { key: 'after_window', title: 'After the window', kind: 'text', isBelow: true },
  { key: 'request_id', title: 'Kept by the pool under', kind: 'text', isBelow: true },
  { key: 'evidence_root', title: 'Evidence root', kind: 'text', isBelow: true },
  { key: 'leaf', title: 'Your leaf in it', kind: 'text', isBelow: true },
  { key: 'payout_root', title: 'Payout root', kind: 'text', isBelow: true },
]
const PAYOUTS: readonly Column[] = [
  { key: 'payout', title: 'Payout', kind: 'number' },
  { key: 'at', title: 'Date', kind: 'instant' },
  { key: 'earned_eur', title: 'Earned, EUR', kind: 'money' },
  { key: 'paid_eur', title: 'To your bank, EUR', kind: 'money' },
  { key: 'wallet_eur', title: 'To your wallet, EUR', kind: 'money' },
  { key: 'put_off_eur', title: 'Put off, EUR', kind: 'money' },
  { key: 'carried_eur', title: 'Kept for you, EUR', kind: 'money' },
  { key: 'status', title: 'Status', kind: 'text' },
  { key: 'end_to_end_id', title: 'Reference at your bank', kind: 'text' },
  { key: 'payout_root', title: 'Payout root', kind: 'text', isBelow: true },
]
const TOTALS: readonly Column[] = [
  { key: 'what', title: 'In this month', kind: 'text' },
  { key: 'amount_eur', title: 'EUR', kind: 'money' },
]

/** What an owner earned in a month, why, and what was paid. @throws DomainError malformed */
export async function stateEarnings(
  ports: Ports,
  ownerId: OwnerId,
  monthName: string | null,
): Promise<Statement> {
  const earned = await explainEarnings(ports, { kind: 'owner', ownerId })
  const calls = await ports.store.transaction(async (tx) => {
    const ids = new Set(earned.map(({ callId }) => callId))
    return (await tx.calls.list()).filter(({ id }) => ids.has(id))
  })
  const timeZone = calls.at(-1)?.program.timeZone ?? 'UTC'
  const month = monthOf(monthName, timeZone, ports.clock.now())
  const mine = earned.filter(({ window }) => isWithin(month, window.start)).toReversed()
  const leaves = await leavesOf(ports, ownerId, mine)
  const { epochs, receipts, payments, entries, paid } = await ports.store.transaction((tx) =>
    booksOf(tx, ownerId),
  )
  const roots = new Map(epochs.map((epoch) => [epoch.epoch, epoch.root]))
  const paidIn = receipts.filter(({ epoch: number }) =>
    epochs.some(({ epoch, createdAt }) => epoch === number && isWithin(month, createdAt)),
  )
  const putOff = putOffIn(paidIn, epochs, paid)
  const totals = totalsOf(mine, paidIn, entries, month, putOff)
  return {
    number: `earnings-${ownerId}-${month.name}`,
    title: `What your devices earned in ${month.name}`,
    month,
    words: [...wordsOf(totals), ...unfinished(month, ports.clock.now())],
    tables: [
      {
        record: 'line',
        title: 'Each device and request',
        columns: LINES,
        rows: mine.map((line) => lineCells(line, calls, leaves, roots)),
        nothing: 'Nothing was asked of your devices in this month.',
      },
      {
        record: 'payout',
        title: 'Payouts',
        columns: PAYOUTS,
        rows: paidIn.map((receipt) => payoutCells(receipt, epochs, payments, putOff)),
        nothing: 'Nothing was paid out in this month.',
      },
      {
        record: 'total',
        title: 'Sums',
        columns: TOTALS,
        rows: [
          ['Earned by your devices, paid or due', totals.earned],
          ['Kept for you at the start of the month', totals.before],
          ['Came to your account with the payout agent', totals.credited],
          ['Went to your bank', totals.paid],
          ['Came back from your bank', totals.returned],
          ['Kept for you at the end of the month', totals.after],
          ['Went to your wallet', totals.wallet],
          ['Could not be paid to your wallet yet', totals.putOff],
        ],
        nothing: '',
      },
    ],
  }
}

async function booksOf(tx: StoreTransaction, ownerId: OwnerId) {
  if ((await tx.resources.owner(ownerId)) === null) {
    throw new DomainError('not-found', `no owner ${ownerId}`)
  }
  const payee = ownerAccount(ownerId)
  const payments = await tx.payments.list({ payee })
  const receipts = await tx.payouts.receipts({ ownerId })
  return {
    epochs: (await tx.payouts.list()).toReversed(),
    receipts: receipts.map((receipt) => receiptWith(receipt, payments)),
    payments,
    entries: await tx.ledger.entries(onAccount(payee)),
    paid: paidByIndex(await tx.chain.events({ kind: 'Paid' })),
  }
}

/** By epoch: what of a receipt the pool has tried in vain to pay to the owner's wallet. */
function putOffIn(
  receipts: readonly PayoutReceipt[],
  epochs: readonly PayoutEpoch[],
  paid: ReadonlyMap<number, bigint>,
): ReadonlyMap<number, bigint> {
  const waits = new Map<number, bigint>()
  for (const { epoch: number, ownerId } of receipts) {
    const epoch = epochs.find((each) => each.epoch === number)
    const mine = (epoch?.shares ?? []).flatMap(({ payee, wallet, amount }) =>
      payee.kind === 'owner' && payee.ownerId === ownerId && wallet ? [{ wallet, amount }] : [],
    )
    const [first] = mine
    if (!epoch || !first) continue
    waits.set(number, putOffOf(epoch, first.wallet, sumMoney(mine.map((m) => m.amount)), paid))
  }
  return waits
}

/** The hash of each line's leaf under the evidence root, by call and device. */
async function leavesOf(
  ports: Ports,
  ownerId: OwnerId,
  lines: readonly EarningsLine[],
): Promise<Map<string, Hex>> {
  const leaves = new Map<string, Hex>()
  for (const callId of new Set(lines.map((line) => line.callId))) {
    const text = await giveReceipt(ports, callId, { kind: 'owner', ownerId })
    if (text === null) continue
    for (const { leaf } of parseReceipt(text).leaves) {
      if (leaf.kind === 'line') leaves.set(`${callId} ${leaf.line.resourceId}`, merkleLeaf(leaf))
    }
  }
  return leaves
}

function lineCells(
  line: EarningsLine,
  calls: readonly FlexibilityCall[],
  leaves: ReadonlyMap<string, Hex>,
  roots: ReadonlyMap<number, Hex>,
): Cell[] {
  const { callId, resourceId, window, receipt } = line
  const call = calls.find(({ id }: { id: CallId }) => id === callId)
  const price = call?.candidates.find((each) => each.resourceId === resourceId)?.price ?? null
  return [
    callId,
    resourceId,
    window.start,
    window.end,
    line.orderedWh,
    call === undefined ? null : reservedWhOf(call, resourceId),
    line.deliveredWh,
    line.payableWh,
    price,
    line.amount,
    line.held,
    line.status,
    receipt?.epoch ?? null,
    line.sentence,
    line.afterWindow,
    call?.escrow?.requestId ?? null,
    call?.evidence?.root ?? null,
    leaves.get(`${callId} ${resourceId}`) ?? null,
    receipt === null ? null : (roots.get(receipt.epoch) ?? null),
  ]
}

function payoutCells(
  { epoch: number, amount, paidCents, carried, route }: PayoutReceipt,
  epochs: readonly PayoutEpoch[],
  payments: readonly Payment[],
  putOff: ReadonlyMap<number, bigint>,
): Cell[] {
  const waits = putOff.get(number) ?? 0n
  const epoch = epochs.find((each) => each.epoch === number)
  const payment = payments.find((each) => each.epoch === number)
  const isReturned = payment?.state === 'returned'
  const status = payment === undefined ? 'carried' : isReturned ? 'came back' : 'sent to your bank'
  return [
    number,
    epoch?.createdAt ?? null,
    amount,
    paidCents * MINOR_PER_CENT,
    route === 'wallet' ? amount - waits : 0n,
    waits,
    carried,
    route === 'wallet' && payment === undefined ? walletStatus(waits) : status,
    payment === undefined ? null : endToEndId(payment),
    epoch?.root ?? null,
  ]
}

function walletStatus(waits: bigint): string {
  return waits > 0n ? 'put off: your wallet could not be paid' : 'sent to your wallet'
}

type Entries = Awaited<ReturnType<StoreTransaction['ledger']['entries']>>

function totalsOf(
  lines: readonly EarningsLine[],
  receipts: readonly PayoutReceipt[],
  entries: Entries,
  month: Month,
  putOff: ReadonlyMap<number, bigint>,
) {
  const waits = [...putOff.values()].reduce((sum, each) => sum + each, 0n)
  const until = (limit: number) =>
    sumMoney(entries.filter(({ at }) => at < limit).map(({ amount }) => amount))
  const within = entries.filter(({ at }) => isWithin(month, at))
  const returned = sumMoney(
    within.filter(({ key }) => key.startsWith('returned:')).map(({ amount }) => amount),
  )
  const moved = within.filter(({ key }) => !key.startsWith('returned:')).map(({ amount }) => amount)
  const due = lines.filter(({ status }) => status === 'paid' || status === 'to-be-paid')
  return {
    earned: sumMoney(due.map(({ amount }) => amount)),
    before: until(month.start),
    credited: sumMoney(moved.filter((amount) => amount > 0n)),
    paid: microEur(0n - sumMoney(moved.filter((amount) => amount < 0n))),
    returned,
    after: until(month.end),
    wallet: microEur(
      sumMoney(receipts.filter(({ route }) => route === 'wallet').map((r) => r.amount)) - waits,
    ),
    putOff: microEur(waits),
  }
}

function wordsOf(totals: ReturnType<typeof totalsOf>): string[] {
  const { earned, paid, after, wallet, putOff } = totals
  const bank = `${decimalEuros(paid / MINOR_PER_CENT)} EUR went to your bank account`
  const kept =
    after === 0n
      ? 'Nothing was left over.'
      : `${euros(after)} is kept for you and goes with a later payout: banks take whole cents only, ` +
        'and amounts below the minimum wait until they reach it.'
  return [
    `Your devices earned ${euros(earned)}; each line below says why. ${bank}` +
      `${wallet > 0n ? ` and ${euros(wallet)} to your wallet` : ''}. ${kept}`,
    ...(putOff > 0n
      ? [
          `${euros(putOff)} could not be paid to your wallet: it stays yours and waits in the pool. ` +
            'It is tried again, at the latest with the next payout, and your wallet can claim it itself.',
        ]
      : []),
    'Every line can be checked: its receipt (GET /v1/owner/receipts/REQUEST) leads to the evidence ' +
      'root that the verifiers signed, with gridcall verify --receipt FILE.',
  ]
}
