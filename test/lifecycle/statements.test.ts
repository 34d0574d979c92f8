import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CallId } from '#domain/ids.ts'
import { parseMonth, plainEuros, type Statement } from '#domain/statement.ts'
import { addSeconds } from '#domain/time.ts'
import { statementCsv } from '#http/documents/statement-csv.ts'
import { statementPdf } from '#http/documents/statement-pdf.ts'
import { changePayout } from '#lifecycle/change-payout.ts'
import { givePaymentFile } from '#lifecycle/give-payment-file.ts'
import { escrowUse, invoiceDso } from '#lifecycle/invoice-dso.ts'
import { reconcileProgram } from '#lifecycle/reconcile-program.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { setAgentAccount } from '#lifecycle/set-agent-account.ts'
import { stateEarnings } from '#lifecycle/state-earnings.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from '../support/builders.ts'
import { pdfText } from '../support/pdf-text.ts'
import { plugBattery, runVerifiers } from '../support/simulated-call.ts'

const IBAN = 'NL91ABNA0417164300'
const MONTH = '2026-01'
const NOTE = 'VAT: reverse charge.'

let world: World
let callId: CallId
const battery = aResource('battery', 'battery', 200_000n)

beforeAll(async () => {
  const program = aProgram()
  world = createWorld({ start: addSeconds(WINDOW_START, -1200), ...program })
  await world.boot()
  await enrolAll(world, [battery], program)
  const [agent] = await world.store.transaction((tx) => tx.organisations.list('agent'))
  if (!agent) throw new Error('no agent')
  await changePayout(world.ports(), battery.ownerId, { kind: 'agent', iban: IBAN, name: 'Anna B' })
  const account = { iban: 'GB33BUKB20201555555555', name: 'Trust' }
  await setAgentAccount(world.ports(), agent.id, { account, minimumPayoutCents: 1n })
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(addSeconds(WINDOW_START, -600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key-1', aRequest([2000, 2000]))
  callId = call.id
  await world.passTo(addSeconds(WINDOW_START, -240))
  await acceptAsDso(world.ports(), callId)
  await world.passTo(addSeconds(WINDOW_START, 3600), () => runVerifiers(world))
  await givePaymentFile(world.ports(), agent.id, 1)
})
afterAll(() => world.stop())

/** Rows of a CSV without quotes in the columns that are asked for. */
function records(csv: string, record: string): Record<string, string>[] {
  const [head = [], ...rows] = parseCsv(csv)
  return rows
    .map((row) => Object.fromEntries(head.map((name, i) => [name, row[i] ?? ''])))
    .filter((row) => row.record === record)
}

function parseCsv(csv: string): string[][] {
  return csv
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
      ),
    )
}

async function bothWays(statement: Statement) {
  const pdf = await statementPdf(statement)
  expect(Buffer.from(await statementPdf(statement)).equals(Buffer.from(pdf))).toBe(true)
  const kept = process.env.GRIDCALL_KEEP_STATEMENTS
  if (kept !== undefined) await writeFile(`${kept}/${statement.number}.pdf`, pdf)
  return { csv: statementCsv(statement), text: pdfText(pdf).replaceAll(/\s+/g, ' ') }
}

describe('an owner’s statement of a month', () => {
  test('is refused for what is no month', async () => {
    for (const month of ['2026-13', '26-01', 'January', '']) {
      const stating = stateEarnings(world.ports(), battery.ownerId, month)
      await expect(stating).rejects.toThrow('query.month: expected a month such as 2024-01')
    }
  })

  test('of a month without a call says so, with sums of 0', async () => {
    const { csv, text } = await bothWays(
      await stateEarnings(world.ports(), battery.ownerId, '2025-12'),
    )
    expect(text).toContain('Nothing was asked of your devices in this month.')
    expect(records(csv, 'total').every((row) => row.amount_eur === '0.00')).toBe(true)
  })

  test('says what, how much, why, and where it can be checked', async () => {
    const statement = await stateEarnings(world.ports(), battery.ownerId, MONTH)
    const { csv, text } = await bothWays(statement)
    const call = await world.store.transaction((tx) => tx.calls.find(callId))
    const [epoch] = await world.store.transaction((tx) => tx.payouts.list())
    const line = call?.settlement?.lines[0]
    const [row] = records(csv, 'line')
    expect(row).toMatchObject({
      call: callId,
      device: 'battery',
      counted_wh: String(line?.eligibleWh),
      price_eur_per_kwh: '0.20',
      amount_eur: plainEuros(line?.ownerAmount ?? 0n),
      status: 'paid',
      evidence_root: call?.evidence?.root,
      request_id: call?.escrow?.requestId,
      payout_root: epoch?.root,
    })
    expect(row?.leaf).toMatch(/^0x[0-9a-f]{64}$/)
    for (const part of [row?.call, row?.amount_eur, row?.evidence_root, row?.leaf, 'Wh count at']) {
      expect(text).toContain(part)
    }
    expect(text + csv).not.toContain(IBAN)
    expect(text + csv).not.toContain('Anna B')
  })

  test('adds up: what was kept, came, went and came back is what is kept in the end', async () => {
    const { csv } = await bothWays(await stateEarnings(world.ports(), battery.ownerId, MONTH))
    const micro = (text = '') => BigInt(Math.round(Number(text) * 1e6))
    const [earned, before, credited, paid, returned, after] = records(csv, 'total').map((row) =>
      micro(row.amount_eur),
    ) as [bigint, bigint, bigint, bigint, bigint, bigint]
    expect(before + credited - paid + returned).toBe(after)
    expect(credited).toBe(earned)
    const [payout] = records(csv, 'payout')
    expect(micro(payout?.paid_eur)).toBe(paid)
    expect(paid % 10_000n).toBe(0n)
    expect(paid).toBeGreaterThan(0n)
    expect(payout).toMatchObject({ status: 'sent to your bank', payout: '1' })
  })
})

describe('a DSO’s invoice and credit note', () => {
  test('splits each escrow exactly and prints the VAT note as it was set', async () => {
    const statement = await invoiceDso(world.ports(), dso, MONTH, NOTE)
    const { csv, text } = await bothWays(statement)
    expect(text).toContain(NOTE)
    const call = await world.store.transaction((tx) => tx.calls.find(callId))
    const { escrow, payout, fee, held, refund } = escrowUse(call as never, [], new Map())
    expect(payout + fee + held + refund).toBe(escrow)
    const [row] = records(csv, 'call')
    expect(row).toMatchObject({
      call: callId,
      escrow_eur: plainEuros(escrow),
      payout_eur: plainEuros(payout),
      fee_eur: plainEuros(fee),
      held_eur: '0.00',
      refund_eur: plainEuros(refund),
    })
    expect(records(csv, 'total').map(({ amount_eur: amount }) => amount)).toEqual(
      [escrow, payout, fee, payout + fee, refund, held].map((each) => plainEuros(each)),
    )
    expect(text).toContain(`${plainEuros(payout + fee)} EUR of it is owed (invoice)`)
  })
})

describe('the reconciliation of a programme', () => {
  test('finds no difference in a month that was settled and paid', async () => {
    const { statement, reconciled } = await reconcileProgram(world.ports(), dso, MONTH)
    const { csv, text } = await bothWays(statement)
    expect(reconciled).toBe(true)
    expect(text).toContain('7 lines, and nothing differs.')
    const lines = [...records(csv, 'call'), ...records(csv, 'payout')]
    expect(lines.map(({ what }) => what)).toEqual([
      'escrow',
      'payout',
      'fee',
      'refund',
      'on hold',
      "agent's leaf: file and accounts",
      'wallets',
    ])
    for (const line of lines) {
      expect(line.difference_eur).toBe('0.00')
      expect(new Set([line.events_eur, line.ledger_eur, line.documents_eur]).size).toBe(1)
    }
    expect(lines.find(({ what }) => what === 'payout')?.events_eur).not.toBe('0.00')
  })

  test('names the line and the gap where a payment file is not what the leaf was', async () => {
    await world.store
      .transaction(async (tx) => {
        const [payment] = await tx.payments.list({ epoch: 1 })
        if (!payment) throw new Error('no payment')
        await tx.payments.save({ ...payment, cents: payment.cents + 1n })
        const inside = {
          ...world.ports(),
          store: {
            ...world.store,
            transaction: (w: never) => (w as (t: typeof tx) => Promise<never>)(tx),
          },
        }
        const { statement, reconciled } = await reconcileProgram(inside, dso, MONTH)
        expect(reconciled).toBe(false)
        const wrong = records(statementCsv(statement), 'payout').filter(
          ({ difference_eur: gap }) => gap !== '0.00',
        )
        expect(wrong).toMatchObject([{ subject: 'payout 1', difference_eur: '0.01' }])
        throw new Error('taken back')
      })
      .catch((error: Error) => expect(error.message).toBe('taken back'))
  })
})

test('a month is a month of the programme’s time zone, also where the clocks change', () => {
  const march = parseMonth('2024-03', 'Europe/Amsterdam')
  expect(march.start).toBe(Date.UTC(2024, 1, 29, 23))
  expect(march.end).toBe(Date.UTC(2024, 2, 31, 22))
  expect(parseMonth('2024-12', 'UTC').end).toBe(Date.UTC(2025, 0, 1))
})

test('a name that a spreadsheet would run as a formula is made harmless', () => {
  const statement: Statement = {
    number: 'n',
    title: 't',
    month: parseMonth('2024-01', 'UTC'),
    words: [],
    tables: [
      {
        record: 'line',
        title: '',
        columns: [
          { key: 'name', title: '', kind: 'text' },
          { key: 'eur', title: '', kind: 'money' },
        ],
        rows: [['=1+1,"x"', -5n]],
        nothing: '',
      },
    ],
  }
  expect(statementCsv(statement)).toBe(
    `statement,record,name,eur\r\nn,line,"'=1+1,""x""",-0.000005\r\n`,
  )
})
