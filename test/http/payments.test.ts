import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { create } from 'xmlbuilder2'
import { accountsOf } from '#domain/payment-order.ts'
import { startAgent } from '#processes/agent-process.ts'
import { paidEpoch } from '../support/paid-epoch.ts'
import { aTown, IBANS, type Service, startService, type Town } from './service.ts'

const BANK = { iban: 'GB33BUKB20201555555555', name: 'Trust & Söhne' }

let service: Service
let keys: Town['keys']
beforeEach(async () => {
  service = await startService()
  keys = (await aTown(service)).keys
})
afterEach(() => service.stop())

const get = (path: string, key = keys.agent) => service.send('GET', path, { key })
const put = (path: string, body: unknown, key = keys.agent) =>
  service.send('PUT', path, { key, body })
const named = (changes: object = {}) => put('/v1/agent/account', { ...BANK, ...changes })
const fileOf = (epoch: number) => get(`/v1/payouts/epochs/${epoch}/pain001`)
const onAccount = async () =>
  Object.fromEntries(
    accountsOf(await service.world.store.transaction((tx) => tx.ledger.balances())),
  )

describe('the payment file of an epoch', () => {
  test('is refused before the epoch is paid and before the agent has an account', async () => {
    expect((await fileOf(1)).status).toBe(404)
    await paidEpoch(service.ports, [['anna', 612_345n]])
    const refused = await fileOf(1)
    expect(refused.status).toBe(409)
    expect(refused.body.detail).toContain('name the account that pays')
  })

  test('an account of the agent is refused where number, name or minimum are not valid', async () => {
    expect((await named({ iban: 'GB33BUKB20201555555556' })).body.code).toBe('bad-iban')
    expect((await named({ name: '王' })).body.errors[0].field).toBe('account.name')
    expect((await named({ minimumPayoutCents: '0' })).body.errors[0].field).toContain('minimum')
    expect((await get('/v1/agent/account')).body).toEqual({
      hasAccount: false,
      minimumPayoutCents: '1',
    })
  })

  test('is valid, sums up, and is the same bytes whenever it is asked for', async () => {
    await named()
    await paidEpoch(service.ports, [
      ['anna', 612_345n],
      ['bert', 5_009_999n, 'call-2'],
      ['bert', 1n],
      ['agg:agg-1', 100_000n],
    ])
    const answer = await fileOf(1)
    expect(answer.headers.get('content-type')).toBe('application/xml')
    expect(wrong(answer.text)).toEqual([])
    const pool = service.ports.rail.parties.pool.slice(2, 14)
    expect(answer.headers.get('content-disposition')).toContain(`GC-${pool}-E1.xml`)
    for (const part of [
      '<CtrlSum>5.62</CtrlSum>',
      '<NbOfTxs>2</NbOfTxs>',
      '<InstdAmt Ccy="EUR">0.61</InstdAmt>',
      `<IBAN>${IBANS.anna}</IBAN>`,
      '<Nm>Trust + Sohne</Nm>',
      '<Ustrd>Gridcall payout 1 of 2026-01-14: flexibility of your devices in 1 call</Ustrd>',
    ]) {
      expect(answer.text).toContain(part)
    }
    await put('/v1/agent/account', { ...BANK, iban: 'DE89370400440532013000' })
    expect((await fileOf(1)).text).toBe(answer.text)
    expect(await onAccount()).toEqual({
      'owner:anna': 2345n,
      'aggregator:agg-1': 100_000n,
    })
  })

  test('holds nobody below the minimum; what is carried goes with the payout that reaches it', async () => {
    await named({ minimumPayoutCents: '500' })
    await paidEpoch(service.ports, [['anna', 4_999_999n]])
    expect((await fileOf(1)).status).toBe(204)
    const { body: receipts } = await get('/v1/payouts/receipts?epoch=1')
    expect(receipts[0]).toMatchObject({ paidCents: '0', carriedMinor: '4999999' })
    await paidEpoch(service.ports, [['anna', 1n, 'call-2']])
    const { text } = await fileOf(2)
    expect(text).toContain('<InstdAmt Ccy="EUR">5.00</InstdAmt>')
    expect(text).toContain('in 1 call, 5.00 EUR of it from before')
    expect(await onAccount()).toEqual({})
  })

  test('a payment that comes back is on account again, once, and not sent there again', async () => {
    await named()
    await paidEpoch(service.ports, [['anna', 612_345n]])
    const [payment] = (await get('/v1/payouts/epochs/1/payments')).body
    expect(payment).toMatchObject({ payee: 'owner:anna', cents: '61', state: 'ordered' })
    const path = `/v1/payouts/payments/${payment.endToEndId}/return`
    expect((await put(path, { reason: 'AC01' })).status).toBe(404) // nobody has taken the file yet
    const { text } = await fileOf(1)
    expect(text).toContain(`<EndToEndId>${payment.endToEndId}</EndToEndId>`)
    expect((await put(path, { reason: 'wrong' })).body.errors[0].field).toBe('reason')
    const returned = { ...payment, state: 'returned', reason: 'AC01' }
    expect((await put(path, { reason: 'AC01' })).body).toEqual(returned)
    expect((await put(path, { reason: 'AC01' })).body).toEqual(returned)
    expect((await put(path, { reason: 'AC04' })).status).toBe(409)
    expect(await onAccount()).toEqual({ 'owner:anna': 612_345n })
    expect((await fileOf(1)).text).toBe(text)
    await paidEpoch(service.ports, [['anna', 10_000n]])
    expect((await fileOf(2)).status).toBe(204)
    expect(await onAccount()).toEqual({ 'owner:anna': 622_345n })
  })
})

test('the agent lays each file out once, for nobody else to read', async () => {
  await paidEpoch(service.ports, [['anna', 612_345n]])
  await paidEpoch(service.ports, [['anna', 1n]])
  const folder = await mkdtemp(join(tmpdir(), 'agent-'))
  const agent = await startAgent({
    GRIDCALL_PARTY: 'agent',
    GRIDCALL_API_URL: service.url,
    GRIDCALL_API_KEY: keys.agent,
    GRIDCALL_AGENT_IBAN: BANK.iban,
    GRIDCALL_AGENT_NAME: BANK.name,
    GRIDCALL_PAYMENTS_DIR: join(folder, 'payments'),
    LOG_LEVEL: 'silent',
  })
  try {
    const file = join(folder, 'payments', 'pain001-epoch-1.xml')
    const laidOut = () => readdir(join(folder, 'payments'))
    await expect.poll(laidOut, { timeout: 15_000 }).toEqual(['pain001-epoch-1.xml'])
    expect(await readFile(file, 'utf8')).toBe((await fileOf(1)).text)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await laidOut()).toEqual(['pain001-epoch-1.xml'])
  } finally {
    await agent.stop()
    await rm(folder, { recursive: true })
  }
})

type Tree = { [name: string]: Tree | string | (Tree | string)[] }

/** In which order ISO 20022 has the elements that we use (pain.001.001.09). */
const ORDER = {
  Document: ['CstmrCdtTrfInitn'],
  CstmrCdtTrfInitn: ['GrpHdr', 'PmtInf'],
  GrpHdr: ['MsgId', 'CreDtTm', 'NbOfTxs', 'CtrlSum', 'InitgPty'],
  PmtInf:
    'PmtInfId PmtMtd BtchBookg NbOfTxs CtrlSum PmtTpInf ReqdExctnDt Dbtr DbtrAcct DbtrAgt ChrgBr CdtTrfTxInf'.split(
      ' ',
    ),
  CdtTrfTxInf: ['PmtId', 'Amt', 'Cdtr', 'CdtrAcct', 'RmtInf'],
} as const

/** One sentence per rule of ISO 20022 or of the EPC's guidelines that a file breaks. */
function wrong(xml: string): string[] {
  const tree = create(xml).end({ format: 'object' }) as unknown as Tree
  const { PmtInf, GrpHdr } = (tree.Document as Tree).CstmrCdtTrfInitn as {
    PmtInf: Tree
    GrpHdr: Tree
  }
  const transfers = [PmtInf.CdtTrfTxInf].flat() as Tree[]
  const amounts = transfers.map((t) => ((t.Amt as Tree).InstdAmt as Tree)['#'] as string)
  const cents = amounts.reduce((sum, amount) => sum + BigInt(amount.replace('.', '')), 0n)
  const ids = transfers.map((t) => (t.PmtId as Tree).EndToEndId as string)
  const texts = (xml.match(/>[^<>]+</g) ?? []).map((text) => text.slice(1, -1))
  const shortIds = [...ids, GrpHdr.MsgId, PmtInf.PmtInfId].map(String)
  const rules: [string, boolean][] = [
    ['namespace', xml.includes('xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"')],
    ['order of Document', keysOf(tree.Document).every((k) => k === 'CstmrCdtTrfInitn')],
    ['order of GrpHdr', keysOf(GrpHdr).join() === ORDER.GrpHdr.join()],
    ['order of PmtInf', keysOf(PmtInf).join() === ORDER.PmtInf.join()],
    ...transfers.map((t): [string, boolean] => [
      'order of CdtTrfTxInf',
      keysOf(t).join() === ORDER.CdtTrfTxInf.join(),
    ]),
    ['count', [GrpHdr, PmtInf].every((at) => at.NbOfTxs === String(transfers.length))],
    ['sum', [GrpHdr, PmtInf].every((at) => String(at.CtrlSum).replace('.', '') === String(cents))],
    ['amounts', amounts.every((amount) => /^(0|[1-9]\d{0,8})\.\d\d$/.test(amount))],
    ['ids of at most 35 characters', shortIds.every((id) => /^[A-Za-z0-9-]{1,35}$/.test(id))],
    ['ids differ', new Set(ids).size === ids.length],
    ['time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(String(GrpHdr.CreDtTm))],
    ['basic Latin', texts.every((text) => /^[A-Za-z0-9/\-?:().,'+\s]*$/.test(text))],
    ['lengths', texts.every((text) => text.length <= 140)],
  ]
  return rules.filter(([, holds]) => !holds).map(([rule]) => rule)
}

function keysOf(tree: Tree[string] | undefined): string[] {
  return Object.keys(tree as Tree).filter((key) => !key.startsWith('@'))
}
