import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { createAttestor } from '#adapters/evm/attestor.ts'
import { signAuthorisation, signCancellation } from '#adapters/evm/dso-signing.ts'
import { buildPayoutTree } from '#domain/payout-tree.ts'
import type { EscrowTerms } from '#domain/escrow.ts'
import type { Hex } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import type { PayoutRail } from '#ports.ts'
import {
  EUR,
  START,
  type World,
  ZERO_HASH,
  epochIntent,
  journalOf,
  makeWorld,
  minedCount,
  openIntent,
  proposeIntent,
  settleDown,
  settlementOf,
  termsOf,
} from './support/world.ts'

let world: World
let rail: PayoutRail
const journal = () => journalOf(world.store)
const sent = () => minedCount(world, world.parties.relayer.address)

beforeAll(async () => {
  world = await makeWorld()
  rail = await world.open()
}, 30_000)

afterAll(() => world.chain.stop())

/** The recorded reason, and a promise that nothing was sent for it. */
async function refusalOf(key: string, rounds = 1): Promise<string | null> {
  const before = await sent()
  await settleDown(rail, rounds)
  const row = await journal().intent(key)
  expect(row.state).toBe('reverted')
  expect(row.hash).toBe(ZERO_HASH)
  expect(await sent()).toBe(before)
  return row.reason
}

async function opened(changes: Partial<EscrowTerms> = {}): Promise<Hex> {
  const terms = termsOf(world, changes)
  const requestId = rail.requestId(terms)
  await journal().intend(`open:${requestId}`, await openIntent(world, terms))
  await settleDown(rail, 1)
  expect((await journal().intent(`open:${requestId}`)).state).toBe('mined')
  return requestId
}

describe('opening a request', () => {
  it('refuses an authorisation that somebody else signed', async () => {
    const terms = termsOf(world)
    const thief = generatePrivateKey()
    const wrong = await signAuthorisation(
      thief,
      { ...terms, payer: privateKeyToAccount(thief).address },
      world.identity,
    )
    expect(await rail.verifyAuthorisation(terms, wrong)).toBe(false)
    await journal().intend('thief', { kind: 'openRequest', terms, authorisation: wrong })
    expect(await refusalOf('thief')).toBe('ERC3009InvalidSignature')
  })

  it('refuses an authorisation for another amount, another request or another time', async () => {
    const terms = termsOf(world)
    const signed = await signAuthorisation(world.parties.dso.key, terms, world.identity)
    expect(await rail.verifyAuthorisation(terms, signed)).toBe(true)
    const more = { ...terms, amount: microEur(terms.amount + 1n) }
    expect(await rail.verifyAuthorisation(more, signed)).toBe(false)
    const other = { ...terms, salt: world.identity.genesisHash }
    expect(await rail.verifyAuthorisation(other, signed)).toBe(false)
    const longer = { ...signed, validBefore: signed.validBefore + 1 }
    expect(await rail.verifyAuthorisation(terms, longer)).toBe(false)
    await journal().intend('replay', { kind: 'openRequest', terms: other, authorisation: signed })
    expect(await refusalOf('replay')).toBe('ERC3009InvalidSignature')
  })

  it('refuses an authorisation that has run out', async () => {
    const terms = termsOf(world, { salt: `0x${'77'.repeat(32)}` })
    const signed = await signAuthorisation(world.parties.dso.key, terms, world.identity)
    const later = { ...signed, validBefore: START }
    expect(await rail.verifyAuthorisation(terms, later)).toBe(false)
  })

  it('refuses a key that is not the payer before anything leaves the house', async () => {
    const terms = termsOf(world)
    await expect(
      signAuthorisation(world.parties.fees.key, terms, world.identity),
    ).rejects.toMatchObject({ code: 'bad-authorisation' })
  })

  it('refuses a payer who has too little', async () => {
    const terms = termsOf(world, { amount: microEur(1_000_000n * EUR) })
    await journal().intend('poor', await openIntent(world, terms))
    expect(await refusalOf('poor')).toMatch(/^ERC20InsufficientBalance: sender 0x/)
  })

  it('refuses times between two seconds without holding up the next intent', async () => {
    const terms = termsOf(world)
    const odd = { ...terms, settleBy: (terms.settleBy + 1) as EscrowTerms['settleBy'] }
    const intent = await openIntent(world, terms)
    if (intent.kind !== 'openRequest') throw new Error('not an openRequest')
    await journal().intend('odd', { ...intent, terms: odd })
    expect(await refusalOf('odd')).toContain('whole seconds')
    await journal().intend('even', intent)
    await settleDown(rail, 1)
    expect((await journal().intent('even')).state).toBe('mined')
  })

  it('waits for an authorisation that is not valid yet', async () => {
    const terms = termsOf(world)
    const { domain, types, primaryType, message } = rail.authorisationToSign(terms) as never
    const account = privateKeyToAccount(world.parties.dso.key)
    const validAfter = world.clock.seconds() + 60
    const signature = await account.signTypedData({
      domain,
      types,
      primaryType,
      message: { ...(message as object), validAfter: String(validAfter) },
    } as never)
    const authorisation = { validAfter, validBefore: terms.deliverStart / 1000, signature }
    expect(await rail.verifyAuthorisation(terms, authorisation)).toBe(true)
    await journal().intend('later', { kind: 'openRequest', terms, authorisation })
    await settleDown(rail)
    expect((await journal().intent('later')).state).toBe('pending')
    world.clock.forward(61)
    await settleDown(rail, 1)
    expect((await journal().intent('later')).state).toBe('mined')
  })

  it('opens a request once, however often it is asked for', async () => {
    const terms = termsOf(world)
    const intent = await openIntent(world, terms)
    await journal().intend('first', intent)
    await settleDown(rail, 1)
    const before = await sent()
    await journal().intend('again', intent)
    await settleDown(rail, 1)
    const [first, again] = [await journal().intent('first'), await journal().intent('again')]
    expect(again).toMatchObject({ state: 'mined', hash: first.hash, raw: null })
    expect(await sent()).toBe(before)
  })
})

describe('cancelling', () => {
  it('refuses anybody but the payer, and the payer once delivery has begun', async () => {
    const requestId = await opened()
    const { dso, fees } = world.parties
    const wrong = await signCancellation(fees.key, requestId, world.identity)
    expect(await rail.verifyCancellation(requestId, dso.address, wrong)).toBe(false)
    await journal().intend('c1', { kind: 'cancel', requestId, signature: wrong })
    expect(await refusalOf('c1')).toMatch(/^NotSignedByPayer: payer 0x/)
    const right = await signCancellation(dso.key, requestId, world.identity)
    expect(await rail.verifyCancellation(requestId, dso.address, right)).toBe(true)
    await journal().intend('c2', { kind: 'cancel', requestId, signature: right })
    await settleDown(rail, 1)
    expect(await journal().events('RequestCancelled')).toMatchObject([{ requestId }])
  })
})

describe('settling', () => {
  it('refuses a single signature, a foreign one and an unordered pair', async () => {
    const requestId = await opened()
    const statement = settlementOf(requestId)
    world.clock.to(START + 5400)
    await journal().intend('one', await proposeIntent(world, statement, 1))
    expect(await refusalOf('one')).toBe('QuorumNotReached: given 1, needed 2')

    const stranger = createAttestor(generatePrivateKey(), world.identity)
    const [first, second] = world.attestors
    if (!first || !second) throw new Error('the world has three verifiers')
    const own = await first.signSettlement(statement)
    const pairs = [
      { address: first.address, signature: own },
      { address: stranger.address, signature: await stranger.signSettlement(statement) },
    ].toSorted((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1))
    const signatures = pairs.map(({ signature }) => signature)
    await journal().intend('foreign', { kind: 'proposeSettlement', statement, signatures })
    expect(await refusalOf('foreign')).toMatch(/^NotAVerifier: setId 1, signer/)

    const reversed = [await second.signSettlement(statement), own]
    await journal().intend('order', {
      kind: 'proposeSettlement',
      statement,
      signatures: reversed,
    })
    expect(await refusalOf('order')).toMatch(/^SignersNotAscending/)
  })

  it('refuses signatures over other figures, and more than the escrow holds', async () => {
    world.clock.to(START)
    const terms = termsOf(world, { deliverStart: later(7200), deliverEnd: later(9000) })
    const requestId = rail.requestId(terms)
    await journal().intend('open:figures', await openIntent(world, terms))
    await settleDown(rail, 1)
    world.clock.to(START + 9000)
    const statement = settlementOf(requestId)
    const intent = await proposeIntent(world, statement)
    if (intent.kind !== 'proposeSettlement') throw new Error('not a proposal')
    const changed = { ...statement, payoutTotal: statement.payoutTotal + 1n }
    await journal().intend('figures', { ...intent, statement: changed })
    expect(await refusalOf('figures')).toMatch(/^(NotAVerifier|SignersNotAscending)/)
    const much = settlementOf(requestId, { payoutTotal: 97n * EUR, feeTotal: 4n * EUR })
    await journal().intend('much', await proposeIntent(world, much))
    expect(await refusalOf('much')).toBe('ExceedsEscrow: asked 101000000, amount 100000000')

    await journal().intend('good', intent)
    await settleDown(rail, 1)
    const good = await journal().intent('good')
    expect(good.state).toBe('mined')

    await journal().intend('same', await proposeIntent(world, statement, 3))
    await settleDown(rail, 1)
    expect(await journal().intent('same')).toMatchObject({ state: 'mined', hash: good.hash })
    const other = settlementOf(requestId, { bundleHash: world.identity.genesisHash })
    await journal().intend('twice', await proposeIntent(world, other))
    expect(await refusalOf('twice')).toBe('WrongRound: given 1, last 1')
  })
})

describe('paying', () => {
  it('refuses a total that the requests do not cover, and a tree nobody posted', async () => {
    const tree = buildPayoutTree([{ index: 0, account: `0x${'11'.repeat(20)}`, cumulative: 5n }])
    const fields = { epoch: 1, prevRoot: ZERO_HASH, topHash: tree.topHash, newTotal: 5n }
    await journal().intend('bold', await epochIntent(world, fields, []))
    expect(await refusalOf('bold')).toBe('WrongTotal: given 5, expected 0')
    await journal().intend('chunk', { kind: 'payChunk', epoch: 1, ...tree.chunk(0, 4) })
    expect(await refusalOf('chunk')).toMatch(/^TotalMismatch|^RootMismatch/)
    await journal().intend('nothing', { kind: 'activateEpoch', epoch: 1 })
    expect(await refusalOf('nothing')).toBe('NoEpochPending')
    const account = world.parties.fees.address
    await journal().intend('none', { kind: 'withdrawCredit', account })
    expect(await refusalOf('none')).toBe(`NoCredit: account ${account}`)
  })
})

function later(seconds: number) {
  return ((START + seconds) * 1000) as EscrowTerms['deliverStart']
}
