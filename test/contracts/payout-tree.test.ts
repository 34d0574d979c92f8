import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { type Abi, createPublicClient, http } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compile } from '#contracts/generate.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { buildPayoutTree, type PayoutLeaf, type PayoutTree } from '#domain/payout-tree.ts'
import { root } from '#test/support/imports.ts'
import { type Anvil, startAnvil } from '../adapters/evm/support/anvil.ts'
import { START } from './support/chain.ts'

const GAS_LIMIT = 2 ** 32
const PAYEE: Address = '0x00000000000000000000000000000000000076ee'

let anvil: Anvil
let read: (functionName: string, args: readonly unknown[]) => Promise<unknown>

beforeAll(async () => {
  anvil = await startAnvil(START, '--gas-limit', String(GAS_LIMIT))
  const { abi, code } = probe()
  const [from] = (await anvil.ask('eth_accounts')) as Address[]
  const hash = (await anvil.ask('eth_sendTransaction', { from, data: code })) as Hex
  await anvil.ask('evm_mine')
  const client = createPublicClient({ transport: http(anvil.url) })
  const { contractAddress: address } = await client.getTransactionReceipt({ hash })
  if (!address) throw new Error('the receipt names no contract')
  read = (functionName, args) => client.readContract({ address, abi, functionName, args })
})
afterAll(() => anvil.stop())

/** Compiled as the product's own contracts are. */
function probe(): { abi: Abi; code: Hex } {
  const own = 'test/contracts/support/TreeProbe.sol'
  const library = 'contracts/libraries/PayoutTree.sol'
  const content = (unit: string) => ({ content: readFileSync(join(root, unit), 'utf8') })
  const { contracts } = compile({ [own]: content(own), [library]: content(library) })
  const compiled = contracts?.[own]?.['TreeProbe']
  if (compiled === undefined) throw new Error('the compiler gave no TreeProbe')
  return { abi: compiled.abi as Abi, code: `0x${compiled.evm.bytecode.object}` }
}

const someLeaves = (maxIndex: number, maxLength: number) =>
  fc.uniqueArray(
    fc.record({
      index: fc.nat({ max: maxIndex }),
      account: fc
        .bigInt(1n, 2n ** 160n - 1n)
        .map((n): Address => `0x${n.toString(16).padStart(40, '0')}`),
      cumulative: fc.bigInt(0n, 2n ** 64n - 1n),
    }),
    { selector: ({ index }) => index, minLength: 1, maxLength },
  )

const wholeOf = (tree: PayoutTree) => tree.chunk(0, 2 ** tree.depth).rows

async function expectSameRoot(tree: PayoutTree): Promise<void> {
  expect(await read('fold', [wholeOf(tree)])).toEqual([tree.topHash, tree.total])
  expect(await read('rootOf', [tree.topHash, tree.total])).toBe(tree.root)
}

const climb = ({ index, account, cumulative }: PayoutLeaf, tree: PayoutTree) =>
  read('climb', [BigInt(index), account, cumulative, tree.proof(index), tree.root, tree.total])

describe('what the EVM refuses', () => {
  const leaves = [0, 1, 5].map((index): PayoutLeaf => {
    return { index, account: PAYEE, cumulative: BigInt(10 + index) }
  })
  const tree = buildPayoutTree(leaves)

  test.each([
    ['another amount', { cumulative: 16n }, 'TotalMismatch'],
    ['another account', { account: `0x${'22'.repeat(20)}` as Address }, 'RootMismatch'],
  ])('a leaf with %s', async (_what, change, error) => {
    const leaf = leaves[2]!
    await expect(climb({ ...leaf, ...change }, tree)).rejects.toThrow(error)
    await climb(leaf, tree)
  })
})

describe('the EVM and TypeScript build the same tree', () => {
  test('from scattered payees, and every proof of one is good for the other', () =>
    fc.assert(
      fc.asyncProperty(someLeaves(500, 60), async (leaves) => {
        const tree = buildPayoutTree(leaves)
        await expectSameRoot(tree)
        for (const leaf of leaves.slice(0, 3)) await climb(leaf, tree)
      }),
      { numRuns: 25 },
    ))

  test('from the greatest amounts, whose sum needs more than 64 bits', async () => {
    const leaves = Array.from({ length: 16 }, (_, index): PayoutLeaf => {
      return { index, account: PAYEE, cumulative: 2n ** 64n - 1n }
    })
    const tree = buildPayoutTree(leaves)
    expect(tree.total).toBeGreaterThan(2n ** 64n)
    await expectSameRoot(tree)
    await climb(leaves[15]!, tree)
  })

  test('of 4,096 payees, far more than one chunk', async () => {
    const leaves = Array.from({ length: 4_096 }, (_, index): PayoutLeaf => {
      const account: Address = `0x${(2n ** 159n + BigInt(index) * 7_919n).toString(16)}`
      return { index, account, cumulative: BigInt(index) ** 5n }
    })
    const tree = buildPayoutTree(leaves)
    await expectSameRoot(tree)
    await climb(leaves[4_095]!, tree)
  })
})
