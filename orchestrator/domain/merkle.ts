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

/** The siblings from a leaf up to the root. @throws RangeError for an index outside the tree. */
export function merkleProof(leaves: readonly Hex[], index: number): Hex[] {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length) {
    throw new RangeError(`leaf index must be 0 to ${leaves.length - 1}, got ${index}`)
  }
  const proof: Hex[] = []
  let level = [...leaves]
  let position = index
  while (level.length > 1) {
    const sibling = level[position % 2 === 0 ? position + 1 : position - 1]
    if (sibling !== undefined) proof.push(sibling)
    level = nextLevel(level)
    position = Math.floor(position / 2)
  }
  return proof
}

export function verifyMerkleProof(root: Hex, leaf: Hex, proof: readonly Hex[]): boolean {
  return proof.reduce(pair, leaf) === root
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
