import { bytesOf, hashOf, keccak } from './canonical.ts'
import type { Hex } from './ids.ts'

/**
 * A plain Merkle tree over canonical values. Leaves are hashed twice, nodes are hashed as sorted
 * pairs (as OpenZeppelin's MerkleProof checks them), so that no leaf can be taken for a node.
 */
export function merkleRoot(leaves: readonly Hex[]): Hex {
  if (leaves.length === 0) return keccak()
  let level = [...leaves]
  while (level.length > 1) level = nextLevel(level)
  return level[0] as Hex
}

/** The hashes that lead from one leaf to the root, lowest first. */
export function merkleProof(leaves: readonly Hex[], index: number): Hex[] {
  const proof: Hex[] = []
  let level = [...leaves]
  let at = index
  while (level.length > 1) {
    const sibling = level[at ^ 1]
    if (sibling !== undefined) proof.push(sibling)
    level = nextLevel(level)
    at >>= 1
  }
  return proof
}

/** Where a leaf and its proof lead. */
export function rootOfProof(leaf: Hex, proof: readonly Hex[]): Hex {
  return proof.reduce(pair, leaf)
}

export function merkleLeaf(value: unknown): Hex {
  return keccak(bytesOf(hashOf(value)))
}

function nextLevel(level: readonly Hex[]): Hex[] {
  const next: Hex[] = []
  for (let i = 0; i < level.length; i += 2) {
    const left = level[i] as Hex
    const right = level[i + 1]
    next.push(right === undefined ? left : pair(left, right)) // an odd one moves up alone
  }
  return next
}

function pair(a: Hex, b: Hex): Hex {
  return a < b ? keccak(bytesOf(a), bytesOf(b)) : keccak(bytesOf(b), bytesOf(a))
}
