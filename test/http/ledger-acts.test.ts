/** What others than the service do at a ledger without a chain, over HTTP and by the command. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { establishLedger } from '#adapters/ledger-rail/establish.ts'
import { createLedgerRail } from '#adapters/ledger-rail/rail.ts'
import { SIMULATED_PARTIES } from '#adapters/simulated/rail.ts'
import type { Hex } from '#domain/ids.ts'
import { run } from '#commands/ledger.ts'
import { runWord } from '../support/run-word.ts'
import { undocumented } from './documented.ts'
import { aTown, type Party, type Service, startService, type Town } from './service.ts'

const { payer, verifiers, agent } = SIMULATED_PARTIES
const word = (digit: string): Hex => `0x${digit.repeat(64)}`
const back = { kind: 'returnUnallocated', requestId: word('a') }
const statement = {
  requestId: word('a'),
  round: 1,
  evidenceRoot: word('1'),
  bundleHash: word('2'),
  linesRoot: word('3'),
  payoutTotal: '4000000',
  feeTotal: '80000',
  heldTotal: '0',
  deliveredWh: 22_463,
}
const signature = `0x${'12'.repeat(64)}1b`

let service: Service
let town: Town
beforeAll(async () => {
  service = await startService()
  town = await aTown(service)
})
afterAll(() => service.stop())

const act = (party: Party, body: object) =>
  service.send('POST', '/v1/ledger/acts', { key: town.keys[party], body })
const actAsOperator = (body: object, party: Party = 'operator') =>
  service.send('POST', '/v1/operator/ledger/acts', { key: town.keys[party], body })

function gridcall(...args: string[]) {
  const { operator: GRIDCALL_API_KEY } = town.keys
  return runWord(run, args, { GRIDCALL_API_URL: service.url, GRIDCALL_API_KEY })
}

test('where money is on a chain they are sent there', async () => {
  expect(await act('dso', back)).toMatchObject({ status: 409, body: { code: 'wrong-state' } })
  expect(await actAsOperator({ kind: 'rearmPause' })).toMatchObject({ status: 409 })
})

describe('on a ledger without a chain', () => {
  beforeAll(async () => {
    const { store, random, clock, log } = service.ports
    const setup = await establishLedger({
      store,
      random,
      terms: async () => ({
        verifiers,
        quorum: 2,
        feeReceiver: agent,
        arbiter: null,
        disputeWindowSeconds: 60,
        epochWindowSeconds: 60,
        heldWindowSeconds: 60,
        refundGraceSeconds: 600,
      }),
    })
    Object.assign(service.ports.rail, { act: createLedgerRail({ store, clock, log, setup }).act })
  })

  test('an owner does nothing there, and nobody but the operator adds verifiers or pauses', async () => {
    expect((await act('anna', back)).status).toBe(404)
    expect((await actAsOperator({ kind: 'rearmPause' }, 'dso')).status).toBe(404)
    expect((await act('operator', { kind: 'rearmPause' })).status).toBe(400)
  })

  const one = { kind: 'proveEquivocation', setId: 1, one: statement, signatureOne: signature }
  const both = { ...one, other: { ...statement, deliveredWh: 1 }, signatureOther: signature }
  test.each([
    ['half an id', { ...back, requestId: '0x12' }, 'requestId'],
    ['no signature', { ...both, signatureOther: '0x' }, 'signatureOther'],
    ['a part of a unit', { ...both, one: { ...statement, feeTotal: '1.5' } }, 'one.feeTotal'],
    ['no address', { ...back, kind: 'challenge', challenger: 'me', signature }, 'challenger'],
  ])('%s is refused by the name of its field', async (_what, body, field) => {
    const { status, body: answer } = await act('verifier', body)
    expect([status, answer.errors?.[0]?.field]).toEqual([400, field])
  })

  test('the pool’s own refusal is told', async () => {
    expect((await act('dso', back)).body.detail).toMatch(/^WrongState: .* found None/)
    expect((await act('dso', both)).body.detail).toMatch(/^SignersDiffer: one 0x/)
    expect((await act('dso', { ...both, other: statement })).body.detail).toMatch(
      /^NoEquivocation: requestId 0xa+, round 1$/,
    )
    const far = { kind: 'pause', seconds: 301 }
    expect((await actAsOperator(far)).body.detail).toMatch(/^PauseTooLong: /)
    const set = { kind: 'addVerifierSet', verifiers: [payer], quorum: 2 }
    expect((await actAsOperator(set)).body.detail).toBe('QuorumOutOfRange: quorum 2, signers 1')
  })

  test('what was done has an entry in the journal', async () => {
    const { status, body } = await actAsOperator({ kind: 'pause', seconds: 60 })
    expect(status).toBe(200)
    const { head } = (await service.send('GET', '/v1/ledger', { key: town.keys.dso })).body
    expect(head.entry).toBe(1)
    const [paused] = await service.ports.store.transaction((tx) => tx.chain.events())
    expect(paused).toMatchObject({ kind: 'Paused', transactionHash: body.entry, block: 1 })
    await gridcall('verifiers', '--quorum', '1', payer)
    const [set] = await service.ports.store.transaction((tx) => tx.pool.verifierSets())
    expect(set).toEqual({ setId: 2, verifiers: [payer.toLowerCase()], quorum: 1 })
  })

  test('a credit is asked for by anyone, and it is told where there is none', async () => {
    const owed = { kind: 'withdrawCredit', account: payer }
    expect((await act('verifier', owed)).body.detail).toMatch(/^NoCredit: account 0x/)
    await expect(gridcall('withdraw', payer)).rejects.toThrow(/answered 409.*NoCredit/)
    await expect(gridcall('withdraw', 'me')).rejects.toThrow(/answered 400.*account/)
  })

  test('the operator books what the bank says, in euros and once', async () => {
    const line = ['--account', payer, '--reference', 'ESCROW 1', '--json']
    const { stdout } = await gridcall('deposit', '--eur', '1234.56', ...line)
    expect(JSON.parse(stdout)).toMatchObject({ balanceMinor: '1234560000' })
    const again = await gridcall('deposit', '--eur', '1234,56', ...line)
    expect(again.stdout).toBe(stdout)
    const other = gridcall('deposit', '--eur', '1234.57', ...line)
    await expect(other).rejects.toThrow(/answered 409.*duplicate/)
  })

  test('every answer is as the document says', async () => {
    const { body } = await service.send('GET', '/openapi.json')
    const spoken = service.exchanges.filter(({ path }) => path.endsWith('/ledger/acts'))
    expect(spoken.length).toBeGreaterThan(10)
    expect(undocumented(body.paths, spoken)).toEqual([])
  })
})
