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
