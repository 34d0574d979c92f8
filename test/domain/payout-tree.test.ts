import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Address, Hex } from '#domain/ids.ts'
import {
  buildPayoutTree,
  payoutLeafHash,
  payoutRoot,
  requestIdsHash,
  verifyPayoutProof,
  ZERO_ACCOUNT,
} from '#domain/payout-tree.ts'
import type { PayoutLeaf } from '#domain/payout-tree.ts'

const account = (n: number): Address => `0x${n.toString(16).padStart(40, '0')}`
const leaf = (index: number, cumulative: bigint): PayoutLeaf => ({
  index,
  account: account(index + 10),
  cumulative,
})

/** Up to 40 payees on scattered indexes, in any order. */
const someLeaves = fc.uniqueArray(
  fc.record({
    index: fc.nat({ max: 70 }),
    account: fc.bigInt(1n, 2n ** 160n - 1n).map((n): Address => {
      return `0x${n.toString(16).padStart(40, '0')}`
    }),
    cumulative: fc.bigInt(0n, 2n ** 64n - 1n),
  }),
  { selector: ({ index }) => index, minLength: 1, maxLength: 40 },
)

describe('refusals', () => {
  test('an index may not be given twice', () => {
    expect(() => buildPayoutTree([leaf(1, 5n), leaf(1, 6n)])).toThrow(
      'two payout leaves at index 1',
    )
  })

  test.each([-1, 1.5, Number.NaN, 2 ** 24])('an index of %s is refused', (index) => {
    expect(() => buildPayoutTree([{ ...leaf(0, 1n), index }])).toThrow('a payout index must be')
  })

  test.each([-1n, 2n ** 64n])('a cumulative amount of %s does not fit a lane', (cumulative) => {
    expect(() => buildPayoutTree([leaf(0, cumulative)])).toThrow('must fit 64 bits')
  })

  test('money needs an account', () => {
    const orphan = { index: 2, account: ZERO_ACCOUNT, cumulative: 1n }
    expect(() => buildPayoutTree([orphan])).toThrow('has no account')
  })

  test('an account must be 20 bytes', () => {
    expect(() => buildPayoutTree([{ ...leaf(0, 1n), account: '0x1234' }])).toThrow('20 bytes')
  })

  test.each([4, -1, 0.5])('there is no proof for position %s of four', (index) => {
    expect(() => buildPayoutTree([leaf(0, 1n)]).proof(index)).toThrow('between 0 and 3')
  })

  test.each([
    [0, 2],
    [0, 3],
    [0, 6],
    [2, 4],
    [0, 0],
  ])('a chunk from %s of %s leaves is refused', (first, size) => {
    expect(() => buildPayoutTree([leaf(7, 1n)]).chunk(first, size)).toThrow('aligned leaves')
  })

  test('a chunk may not reach past the tree', () => {
    expect(() => buildPayoutTree([leaf(0, 1n)]).chunk(0, 8)).toThrow('between 0 and 3')
    expect(() => buildPayoutTree([leaf(0, 1n)]).chunk(4, 4)).toThrow('between 0 and 3')
  })

  test('a proof for another amount, account, index, total or root does not verify', () => {
    const tree = buildPayoutTree([leaf(0, 100n), leaf(1, 50n)])
    const good = leaf(0, 100n)
    const proof = tree.proof(0)
    expect(verifyPayoutProof(good, proof, tree.root, tree.total)).toBe(true)
    expect(verifyPayoutProof({ ...good, cumulative: 101n }, proof, tree.root, 150n)).toBe(false)
    expect(verifyPayoutProof({ ...good, account: account(3) }, proof, tree.root, 150n)).toBe(false)
    expect(verifyPayoutProof({ ...good, index: 4 }, proof, tree.root, 150n)).toBe(false)
    expect(verifyPayoutProof(good, proof, tree.root, 151n)).toBe(false)
    expect(verifyPayoutProof(good, proof, tree.topHash, 150n)).toBe(false)
    expect(verifyPayoutProof(good, proof.slice(1), tree.root, 150n)).toBe(false)
  })
})

describe('refusals of a proof', () => {
  const tree = buildPayoutTree([leaf(0, 100n), leaf(1, 50n)])
  const proved = (one: PayoutLeaf) => verifyPayoutProof(one, tree.proof(0), tree.root, tree.total)

  test.each([
    ['an index that is 0 in its lower 32 bits', { index: 2 ** 32 }],
    ['an index below 0', { index: -1 }],
    ['an index between two', { index: 0.5 }],
    ['an amount that is 100 in its lower 64 bits', { cumulative: 2n ** 64n + 100n }],
    ['an amount below 0', { cumulative: -100n }],
    ['money of nobody', { account: ZERO_ACCOUNT }],
  ])('%s is no leaf', (_what, change) => {
    expect(proved(leaf(0, 100n))).toBe(true)
    expect(proved({ ...leaf(0, 100n), ...change })).toBe(false)
    expect(() => payoutLeafHash({ ...leaf(0, 100n), ...change })).toThrow(RangeError)
  })

  test.each([2n ** 128n, -1n])('a neighbour whose sum is %s is no neighbour', (s) => {
    const [first, ...rest] = tree.proof(0)
    const proof = [{ h: first!.h, s }, ...rest]
    expect(() => verifyPayoutProof(leaf(0, 100n), proof, tree.root, tree.total)).toThrow('128 bits')
  })
})

describe('golden vectors, the same in test/contracts/PayoutTree.t.sol', () => {
  const a = { index: 0, account: account(0x0a), cumulative: 100n }
  const b = { index: 1, account: account(0x0b), cumulative: 50n }

  test('the leaves hash as published', () => {
    expect(payoutLeafHash(a)).toBe(
      '0xaaed8ca41d1f950cbb27d27910d6322533ef3bf4404bf561b0a057b124244efc',
    )
    expect(payoutLeafHash(b)).toBe(
      '0x19a3eca3404855e2d3eb4d9689edfba8f1abd0d3a59c13110a9cfc99a6b31293',
    )
  })

  test('their node and the root of the two bind 150', () => {
    const node = buildPayoutTree([a, b]).proof(2)[1]
    expect(node).toEqual({
      h: '0x80703399f1ac0a44d5f7a0a7d26aa0a0e81174dbba511cbd76e1dead718557bc',
      s: 150n,
    })
    expect(payoutRoot(node!.h, 150n)).toBe(
      '0xb1bb032ac097e305c99ec0a4d297bf0ccff976936b8a7932d5960550c0c80c96',
    )
  })

  test('two leaves are padded to four', () => {
    const tree = buildPayoutTree([a, b])
    expect(tree.depth).toBe(2)
    expect(tree.total).toBe(150n)
    expect(tree.root).toBe('0x9d0c72c256060d834efdd7ac2b7e563b5105a531234c57fb158c6eec624fef7e')
    expect(tree.chunk(0, 4)).toEqual({
      first: 0,
      rows: `0x${[a, b].map((l) => l.account.slice(2) + l.cumulative.toString(16).padStart(16, '0')).join('')}${'00'.repeat(56)}`,
      proof: [],
    })
  })

  test('the hash of no request ids is the hash of nothing', () => {
    expect(requestIdsHash([])).toBe(
      '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
    )
  })
})

describe('properties', () => {
  test('every leaf is proved against the root, and the total is the sum of the leaves', () => {
    fc.assert(
      fc.property(someLeaves, (leaves) => {
        const tree = buildPayoutTree(leaves)
        expect(tree.total).toBe(leaves.reduce((sum, { cumulative }) => sum + cumulative, 0n))
        for (const one of leaves) {
          expect(verifyPayoutProof(one, tree.proof(one.index), tree.root, tree.total)).toBe(true)
        }
      }),
    )
  })

  test('the order in which leaves are given does not matter', () => {
    fc.assert(
      fc.property(someLeaves, (leaves) => {
        expect(buildPayoutTree(leaves.toReversed()).root).toBe(buildPayoutTree(leaves).root)
      }),
    )
  })

  test('changing any one amount changes the root', () => {
    fc.assert(
      fc.property(someLeaves, fc.nat(), (leaves, pick) => {
        const at = pick % leaves.length
        const changed = leaves.map((one, i) =>
          i === at ? { ...one, cumulative: (one.cumulative + 1n) % 2n ** 64n } : one,
        )
        expect(buildPayoutTree(changed).root).not.toBe(buildPayoutTree(leaves).root)
      }),
    )
  })

  test('the proof of a chunk is the tail of the proofs of its leaves', () => {
    fc.assert(
      fc.property(someLeaves, fc.nat(), (leaves, pick) => {
        const tree = buildPayoutTree(leaves)
        const size = 4
        const first = (pick % (2 ** tree.depth / size)) * size
        expect(tree.chunk(first, size).proof).toEqual(tree.proof(first).slice(2))
        const hexDigits: Hex = tree.chunk(first, size).rows
        expect(hexDigits.length).toBe(2 + size * 56)
      }),
    )
  })
})
