import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashOf } from '#domain/canonical.ts'
import { merkleLeaf, merkleProof, merkleRoot, rootOfProof } from '#domain/merkle.ts'

const leaves = fc.array(fc.nat(), { minLength: 1, maxLength: 40 }).map((ns) => ns.map(merkleLeaf))

test('every leaf of every tree leads to its root, and to no other with one leaf changed', () => {
  fc.assert(
    fc.property(leaves, fc.nat(), (tree, pick) => {
      const index = pick % tree.length
      const proof = merkleProof(tree, index)
      const root = merkleRoot(tree)
      expect(rootOfProof(tree[index] as `0x${string}`, proof)).toBe(root)
      expect(rootOfProof(hashOf('another leaf'), proof)).not.toBe(root)
      expect(proof.length).toBeLessThanOrEqual(Math.ceil(Math.log2(tree.length)) || 0)
    }),
  )
})
