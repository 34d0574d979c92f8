import fc from 'fast-check'
import { createClient, hashTypedData, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { readContract } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recoverSigner } from '#adapters/evm/typed-data.ts'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import type { EscrowTerms } from '#domain/escrow.ts'
import type { Hex } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import {
  asPlainJson,
  authorisationNonce,
  cancellationTypedData,
  epochStruct,
  epochTypedData,
  requestIdOf,
  settlementStruct,
  settlementTypedData,
  termsStruct,
} from '#domain/pool-messages.ts'
import { instant } from '#domain/time.ts'
import type { PayoutRail } from '#ports.ts'
import { type World, makeWorld, settlementOf, termsOf, word } from './support/world.ts'

let world: World
let rail: PayoutRail

beforeAll(async () => {
  world = await makeWorld()
  rail = await world.open()
}, 30_000)

afterAll(() => world.chain.stop())

const bytes = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((data): Hex => `0x${Buffer.from(data).toString('hex')}`)
const word32 = bytes(32)
const uint128 = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
const second = fc.integer({ min: 0, max: 2 ** 42 }).map((s) => instant(s * 1000))

const terms: fc.Arbitrary<EscrowTerms> = fc.record({
  payer: bytes(20),
  amount: uint128.map(microEur),
  deliverStart: second,
  deliverEnd: second,
  settleBy: second,
  verifierSetId: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  termsHash: word32,
  salt: word32,
})

const settlement = fc.record({
  requestId: word32,
  round: fc.integer({ min: 0, max: 255 }),
  evidenceRoot: word32,
  bundleHash: word32,
  linesRoot: word32,
  payoutTotal: uint128,
  feeTotal: uint128,
  heldTotal: uint128,
  deliveredWh: fc.maxSafeInteger(),
})

const epoch = fc.record({
  epoch: fc.nat(),
  prevRoot: word32,
  topHash: word32,
  newTotal: uint128,
  requestIdsHash: word32,
  dataHash: word32,
})

describe('ids and digests are those of the pool, whatever the figures', () => {
  const pool = () => ({
    client: createClient({ transport: http(world.chain.url) }),
    at: { address: world.identity.pool, abi: flexPoolAbi },
  })
  const runs = { numRuns: 25 }

  it('the id of a request, and its ERC-3009 nonce', () =>
    fc.assert(
      fc.asyncProperty(terms, async (each) => {
        const { client, at } = pool()
        const id = requestIdOf(world.identity, each)
        const args = [termsStruct(each)] as const
        expect(await readContract(client, { ...at, functionName: 'requestIdOf', args })).toBe(id)
        const nonce = { ...at, functionName: 'authorizationNonceOf', args: [id] } as const
        expect(await readContract(client, nonce)).toBe(authorisationNonce(id))
      }),
      runs,
    ))

  it('the digest of a settlement', () =>
    fc.assert(
      fc.asyncProperty(settlement, async (each) => {
        const { client, at } = pool()
        const args = [settlementStruct(each)] as const
        const digest = { ...at, functionName: 'settlementDigest', args } as const
        const ours = hashTypedData(settlementTypedData(world.identity, each))
        expect(await readContract(client, digest)).toBe(ours)
      }),
      runs,
    ))

  it('the digest of an epoch and of a cancellation', () =>
    fc.assert(
      fc.asyncProperty(epoch, async (each) => {
        const { client, at } = pool()
        const posted = { ...at, functionName: 'epochDigest', args: [epochStruct(each)] } as const
        const ours = hashTypedData(epochTypedData(world.identity, each))
        expect(await readContract(client, posted)).toBe(ours)
        const id = each.topHash
        const cancelled = { ...at, functionName: 'cancelDigest', args: [id] } as const
        const own = hashTypedData(cancellationTypedData(world.identity, id))
        expect(await readContract(client, cancelled)).toBe(own)
      }),
      runs,
    ))
})

describe('who signed', () => {
  const statement = settlementOf(word('1'))

  it('is nobody for what the pool would not take either', async () => {
    const [attestor] = world.attestors
    if (!attestor) throw new Error('the world has three verifiers')
    const good = await attestor.signSettlement(statement)
    expect(await rail.settlementSigner(statement, good)).toBe(attestor.address)

    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const s = BigInt(`0x${good.slice(66, 130)}`)
    const flipped = good.endsWith('1b') ? '1c' : '1b'
    const mirrored = (order - s).toString(16).padStart(64, '0')
    const wrong: Hex[] = [
      '0x',
      `0x${good.slice(2, 66)}`,
      `${good}00`,
      `0x${'00'.repeat(65)}`,
      `0x${good.slice(2, 130)}${good.endsWith('1b') ? '00' : '01'}`,
      `0x${good.slice(2, 66)}${mirrored}${flipped}`,
      '0xnonsense',
    ]
    for (const each of wrong) expect(await rail.settlementSigner(statement, each)).toBeNull()
  })

  it('is somebody else when a single figure, the pool or the chain differs', async () => {
    const [attestor] = world.attestors
    if (!attestor) throw new Error('the world has three verifiers')
    const good = await attestor.signSettlement(statement)
    const other = { ...statement, deliveredWh: statement.deliveredWh + 1 }
    expect(await rail.settlementSigner(other, good)).not.toBe(attestor.address)
    for (const domain of [
      { ...world.identity, chainId: 1 },
      { ...world.identity, pool: world.identity.token },
    ]) {
      const data = settlementTypedData(domain, statement)
      expect(await recoverSigner(data, good)).not.toBe(attestor.address)
    }
    const fields = { epoch: 1, prevRoot: word('0'), topHash: word('2'), newTotal: 3n }
    const posted = { ...fields, requestIdsHash: word('4'), dataHash: word('5') }
    expect(await rail.epochSigner(posted, await attestor.signEpoch(posted))).toBe(attestor.address)
    expect(await rail.epochSigner(posted, good)).not.toBe(attestor.address)
  })

  it('may be a contract that says so itself, but not one that stays silent', async () => {
    const payer: Hex = `0x${'ab'.repeat(20)}`
    const magic = `7f1626ba7e${'00'.repeat(28)}60005260206000f3`
    const signature: Hex = '0x1234'
    expect(await rail.verifyCancellation(word('1'), payer, signature)).toBe(false)
    await world.chain.ask('anvil_setCode', payer, '0x60006000fd')
    expect(await rail.verifyCancellation(word('1'), payer, signature)).toBe(false)
    await world.chain.ask('anvil_setCode', payer, `0x${magic}`)
    expect(await rail.verifyCancellation(word('1'), payer, signature)).toBe(true)
  })
})

describe('what a wallet is shown', () => {
  it('is plain JSON that a wallet can sign as it stands', async () => {
    const own = termsOf(world)
    const shown = JSON.parse(JSON.stringify(rail.authorisationToSign(own)))
    expect(shown).toMatchObject({
      primaryType: 'ReceiveWithAuthorization',
      domain: { name: 'Test Euro', version: '1', chainId: 31337 },
      message: { from: own.payer, to: world.identity.pool, value: '100000000', validAfter: '0' },
    })
    const signature = await privateKeyToAccount(world.parties.dso.key).signTypedData(shown)
    const validity = { validAfter: 0, validBefore: own.deliverStart / 1000 }
    expect(await rail.verifyAuthorisation(own, { ...validity, signature })).toBe(true)
    expect(rail.cancellationToSign(word('1'))).toEqual(
      asPlainJson(cancellationTypedData(world.identity, word('1'))),
    )
  })
})
