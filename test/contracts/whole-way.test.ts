import fc from 'fast-check'
import { encodeAbiParameters, hashTypedData, keccak256, slice, stringToHex } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { buildPayoutTree, type PayoutLeaf, requestIdsHash } from '#domain/payout-tree.ts'
import {
  byAddress,
  deployAll,
  DISPUTE_WINDOW,
  EPOCH_WINDOW,
  FEE_RECEIVER,
  START,
} from './support/chain.ts'

let world: Awaited<ReturnType<typeof deployAll>>

beforeAll(async () => {
  world = await deployAll()
})
afterAll(() => world.stop())

/** The fields of a struct as the ABI has them: what EIP-712 must have too, in the same order. */
function fieldsOf(functionName: string) {
  const item = flexPoolAbi.find((one) => one.type === 'function' && one.name === functionName)
  const [input] = item !== undefined && 'inputs' in item ? item.inputs : []
  if (input === undefined || !('components' in input)) throw new Error(`no struct: ${functionName}`)
  return input.components.map(({ name, type }) => ({ name, type }))
}

const types = {
  Settlement: fieldsOf('settlementDigest'),
  Epoch: fieldsOf('epochDigest'),
  Cancel: [{ name: 'requestId', type: 'bytes32' }],
}

function typedData(primaryType: keyof typeof types, message: Record<string, unknown>) {
  const domain = {
    name: 'Gridcall FlexPool',
    version: '1',
    chainId: world.chainId,
    verifyingContract: world.pool.address,
  }
  return { domain, types, primaryType, message }
}

const signAll = (signers: readonly PrivateKeyAccount[], data: ReturnType<typeof typedData>) =>
  Promise.all(signers.toSorted(byAddress).map((signer) => signer.signTypedData(data)))

const hexOf = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes): Hex => `0x${Buffer.from(bytes).toString('hex')}`)
const uint128 = fc.bigInt(0n, 2n ** 128n - 1n)

describe("viem's digests are the contract's", () => {
  test('of a settlement', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          requestId: hexOf(32),
          round: fc.nat({ max: 255 }),
          evidenceRoot: hexOf(32),
          bundleHash: hexOf(32),
          linesRoot: hexOf(32),
          payoutTotal: uint128,
          feeTotal: uint128,
          heldTotal: uint128,
          deliveredWh: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
        }),
        async (message) => {
          const args = [message] as const
          expect(
            await world.reader.readContract({
              ...world.pool,
              functionName: 'settlementDigest',
              args,
            }),
          ).toBe(hashTypedData(typedData('Settlement', message)))
        },
      ),
      { numRuns: 20 },
    ))

  test('of an epoch', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          epoch: fc.bigInt(0n, 2n ** 64n - 1n),
          prevRoot: hexOf(32),
          topHash: hexOf(32),
          newTotal: uint128,
          requestIdsHash: hexOf(32),
          dataHash: hexOf(32),
        }),
        async (message) => {
          const args = [message] as const
          expect(
            await world.reader.readContract({ ...world.pool, functionName: 'epochDigest', args }),
          ).toBe(hashTypedData(typedData('Epoch', message)))
        },
      ),
      { numRuns: 20 },
    ))

  test('of a cancellation', () =>
    fc.assert(
      fc.asyncProperty(hexOf(32), async (requestId) => {
        const args = [requestId] as const
        expect(
          await world.reader.readContract({ ...world.pool, functionName: 'cancelDigest', args }),
        ).toBe(hashTypedData(typedData('Cancel', { requestId })))
      }),
      { numRuns: 10 },
    ))
})

describe('from a signed authorisation to the money of 300 payees', () => {
  const account = (n: number): Address => `0x${(0xa11ce000 + n).toString(16).padStart(40, '0')}`
  // Every seventh index is padding, so that chunks carry it too.
  const leaves: PayoutLeaf[] = Array.from({ length: 300 }, (_, index) => ({
    index,
    account: account(index),
    cumulative: BigInt(1_000 + 37 * index),
  })).filter(({ index }) => index % 7 !== 6)
  const tree = buildPayoutTree(leaves)

  const terms = () => ({
    payer: world.payer.address,
    amount: tree.total + 1_000n,
    deliverStart: START + 10_000,
    deliverEnd: START + 20_000,
    settleBy: START + 90_000,
    verifierSetId: 1,
    termsHash: keccak256('0x01'),
    salt: keccak256('0x02'),
  })
  const idOf = (t: ReturnType<typeof terms>) =>
    keccak256(
      encodeAbiParameters(
        [
          { type: 'bytes32' },
          { type: 'uint256' },
          { type: 'address' },
          ...fieldsOf('requestIdOf').map(({ type }) => ({ type })),
        ],
        [
          stringToHex('FlexRequest.v1', { size: 32 }),
          BigInt(world.chainId),
          world.pool.address,
          ...Object.values(t),
        ],
      ),
    )
  const balance = (of: Address) =>
    world.reader.readContract({ ...world.token, functionName: 'balanceOf', args: [of] })

  test('the payer signs, anyone opens', async () => {
    const t = terms()
    const id = idOf(t)
    const { sender, token, pool, payer } = world
    expect(
      await world.reader.readContract({ ...pool, functionName: 'requestIdOf', args: [t] }),
    ).toBe(id)
    await world.mined(
      await sender.writeContract({
        ...token,
        functionName: 'mint',
        args: [payer.address, t.amount],
      }),
    )
    const signature = await payer.signTypedData({
      domain: {
        name: 'Test Euro',
        version: '1',
        chainId: world.chainId,
        verifyingContract: token.address,
      },
      types: {
        ReceiveWithAuthorization: [
          { name: 'from', type: 'address' },
          { name: 'to', type: 'address' },
          { name: 'value', type: 'uint256' },
          { name: 'validAfter', type: 'uint256' },
          { name: 'validBefore', type: 'uint256' },
          { name: 'nonce', type: 'bytes32' },
        ],
      },
      primaryType: 'ReceiveWithAuthorization',
      message: {
        from: payer.address,
        to: pool.address,
        value: t.amount,
        validAfter: 0n,
        validBefore: BigInt(t.deliverStart),
        nonce: `${slice(id, 0, 24)}${'00'.repeat(8)}`,
      },
    })
    await world.mined(
      await sender.writeContract({
        ...pool,
        functionName: 'openRequestWithAuthorization',
        args: [t, 0n, BigInt(t.deliverStart), signature],
      }),
    )
    expect(await balance(pool.address)).toBe(t.amount)
  })

  test('two of three verifiers sign, the window passes, the escrow is split', async () => {
    const t = terms()
    const { sender, pool, verifiers } = world
    const statement = {
      requestId: idOf(t),
      round: 1,
      evidenceRoot: keccak256('0x03'),
      bundleHash: keccak256('0x04'),
      linesRoot: keccak256('0x05'),
      payoutTotal: tree.total,
      feeTotal: 900n,
      heldTotal: 0n,
      deliveredWh: -5n,
    }
    const signatures = await signAll(verifiers.slice(1), typedData('Settlement', statement))
    await world.at(t.deliverEnd)
    await world.mined(
      await sender.writeContract({
        ...pool,
        functionName: 'proposeSettlement',
        args: [statement, signatures],
        gas: 1_000_000n,
      }),
    )
    await world.at(t.deliverEnd + DISPUTE_WINDOW)
    await world.mined(
      await sender.writeContract({
        ...pool,
        functionName: 'finalize',
        args: [statement.requestId],
        gas: 1_000_000n,
      }),
    )
    const credit = (of: Address) =>
      world.reader.readContract({ ...pool, functionName: 'credit', args: [of] })
    expect(await credit(FEE_RECEIVER)).toBe(900n)
    expect(await credit(world.payer.address)).toBe(100n)
  })

  test('the tree is posted and pays by chunk and by claim, every payee exactly once', async () => {
    const t = terms()
    const { sender, pool, verifiers } = world
    const statement = {
      epoch: 1n,
      prevRoot: `0x${'00'.repeat(32)}` as Hex,
      topHash: tree.topHash,
      newTotal: tree.total,
      requestIdsHash: requestIdsHash([idOf(t)]),
      dataHash: keccak256('0x06'),
    }
    const signatures = await signAll(verifiers.slice(0, 2), typedData('Epoch', statement))
    await world.mined(
      await sender.writeContract({
        ...pool,
        functionName: 'postEpoch',
        args: [statement, [idOf(t)], signatures],
      }),
    )
    await world.at(t.deliverEnd + DISPUTE_WINDOW + EPOCH_WINDOW + 60)
    await world.mined(
      await sender.writeContract({ ...pool, functionName: 'activateEpoch', gas: 1_000_000n }),
    )
    expect(await world.reader.readContract({ ...pool, functionName: 'liveRoot' })).toBe(tree.root)

    const chunk = tree.chunk(0, 256)
    for (let times = 0; times < 2; times += 1) {
      await world.mined(
        await sender.writeContract({
          ...pool,
          functionName: 'payChunk',
          args: [BigInt(chunk.first), chunk.rows, chunk.proof],
          gas: 16_000_000n,
        }),
      )
    }
    for (const leaf of leaves.filter(({ index }) => index >= 256).slice(0, 3)) {
      await world.mined(
        await sender.writeContract({
          ...pool,
          functionName: 'claim',
          args: [BigInt(leaf.index), leaf.account, leaf.cumulative, tree.proof(leaf.index)],
        }),
      )
    }
    const rest = tree.chunk(256, 64)
    await world.mined(
      await sender.writeContract({
        ...pool,
        functionName: 'payChunk',
        args: [256n, rest.rows, rest.proof],
        gas: 16_000_000n,
      }),
    )
    const balances = await Promise.all(leaves.map(({ account: of }) => balance(of)))
    expect(balances).toEqual(leaves.map(({ cumulative }) => cumulative))
    expect(await balance(pool.address)).toBe(1_000n) // fee and refund, still to be withdrawn
  })
})
