import fc from 'fast-check'
import { hashTypedData } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { roundIdOf } from '#domain/escrow.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { microEur } from '#domain/money.ts'
import {
  authorisationNonce,
  cancellationTypedData,
  epochStruct,
  epochTypedData,
  openingTypedData,
  requestIdOf,
  settlementStruct,
  settlementTypedData,
  termsStruct,
} from '#domain/pool-messages.ts'
import { instant } from '#domain/time.ts'
import { deployAll } from './support/chain.ts'

let world: Awaited<ReturnType<typeof deployAll>>
beforeAll(async () => {
  world = await deployAll()
})
afterAll(() => world.stop())

const domain = () => ({ chainId: world.chainId, pool: world.pool.address })
const hexOf = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes): Hex => `0x${Buffer.from(bytes).toString('hex')}`)
const address = hexOf(20).map((hex): Address => hex)
const hash = hexOf(32)
const uint = (bits: bigint) => fc.bigInt(0n, 2n ** bits - 1n)
const second = fc.nat({ max: 4_000_000_000 }).map((seconds) => instant(seconds * 1_000))

const settlement = fc.record({
  requestId: hash,
  round: fc.nat({ max: 255 }),
  evidenceRoot: hash,
  bundleHash: hash,
  linesRoot: hash,
  payoutTotal: uint(128n),
  feeTotal: uint(128n),
  heldTotal: uint(128n),
  deliveredWh: fc.maxSafeInteger(),
})
const epoch = fc.record({
  epoch: fc.maxSafeNat(),
  prevRoot: hash,
  topHash: hash,
  newTotal: uint(128n),
  requestIdsHash: hash,
  dataHash: hash,
})
const terms = fc.record({
  payer: address,
  amount: uint(128n).map(microEur),
  deliverStart: second,
  deliverEnd: second,
  settleBy: second,
  verifierSetId: fc.nat({ max: 2 ** 32 - 1 }),
  termsHash: hash,
  salt: hash,
})

/** The same random input on both sides, 50 times. */
function differ<T>(
  inputs: fc.Arbitrary<T>,
  ours: (input: T) => Hex,
  theirs: (input: T) => unknown,
) {
  return fc.assert(
    fc.asyncProperty(inputs, async (input) => {
      expect(await theirs(input)).toBe(ours(input))
    }),
    { numRuns: 50 },
  )
}

test('what verifiers sign for a call has the digest that the pool checks', () =>
  differ(
    settlement,
    (s) => hashTypedData(settlementTypedData(domain(), s)),
    (s) =>
      world.reader.readContract({
        ...world.pool,
        functionName: 'settlementDigest',
        args: [settlementStruct(s)],
      }),
  ))

test('what verifiers sign for an epoch has the digest that the pool checks', () =>
  differ(
    epoch,
    (e) => hashTypedData(epochTypedData(domain(), e)),
    (e) =>
      world.reader.readContract({
        ...world.pool,
        functionName: 'epochDigest',
        args: [epochStruct(e)],
      }),
  ))

test('what a payer signs to cancel has the digest that the pool checks', () =>
  differ(
    hash,
    (id) => hashTypedData(cancellationTypedData(domain(), id)),
    (id) => world.reader.readContract({ ...world.pool, functionName: 'cancelDigest', args: [id] }),
  ))

test('what a payer signs to open has the digest that the pool checks', () =>
  differ(
    hash,
    (id) => hashTypedData(openingTypedData(domain(), id)),
    (id) => world.reader.readContract({ ...world.pool, functionName: 'openDigest', args: [id] }),
  ))

test('terms have the id under which the pool opens them', () =>
  differ(
    terms,
    (t) => requestIdOf(domain(), t),
    (t) =>
      world.reader.readContract({
        ...world.pool,
        functionName: 'requestIdOf',
        args: [termsStruct(t)],
      }),
  ))

test('an authorisation has the nonce that the pool asks for', () =>
  differ(hash, authorisationNonce, (id) =>
    world.reader.readContract({ ...world.pool, functionName: 'authorizationNonceOf', args: [id] }),
  ))

test('what is held has the id under which the pool keeps it', () =>
  differ(
    fc.record({ id: hash, round: fc.nat({ max: 255 }) }),
    ({ id, round }) => roundIdOf(id, round),
    ({ id, round }) =>
      world.reader.readContract({
        ...world.pool,
        functionName: 'roundIdOf',
        args: [id, BigInt(round)],
      }),
  ))
