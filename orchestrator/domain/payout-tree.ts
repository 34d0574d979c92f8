/**
 * The cumulative Merkle-sum tree of payouts, byte for byte the contract's `PayoutTree` library.
 *
 * Every node commits to both hashes and both sums below it, so all leaves that can be proved
 * against one root never add up to more than the root's total. The order is positional: the leaf
 * at position i has index i. A position nobody holds is the leaf (i, zero account, 0).
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import type { Address, Hex } from './ids.ts'
import {
  fixedBytes,
  HASH_BYTES,
  hashAt,
  hashesInHex,
  hashTree,
  hexAt,
  leafHasher,
  nodeHasher,
  writeSum,
} from './payout-tree-hashes.ts'

/** What one index has ever earned, in micro-EUR; an index keeps its account for ever. */
export type PayoutLeaf = {
  readonly index: number
  readonly account: Address
  readonly cumulative: bigint
}

/** A neighbour on the way up; field names are the ABI's. */
export type Sibling = { readonly h: Hex; readonly s: bigint }

/** An aligned full subtree, as `payChunk` takes it. */
export type PayoutChunk = {
  readonly first: number
  /** 28 bytes per leaf: account, then the cumulative amount as 8 bytes. */
  readonly rows: Hex
  readonly proof: readonly Sibling[]
}

export type PayoutTree = {
  readonly topHash: Hex
  readonly root: Hex
  readonly total: bigint
  readonly depth: number
  /** Siblings from the leaf upwards. @throws RangeError outside the tree */
  proof(index: number): readonly Sibling[]
  /** @throws RangeError unless size is a power of two >= 4 that divides first, inside the tree */
  chunk(first: number, size: number): PayoutChunk
}

export const ZERO_ACCOUNT: Address = '0x0000000000000000000000000000000000000000'
/** One storage word of the contract holds four claimed amounts: a chunk is never smaller. */
export const CHUNK_LEAVES_MIN = 4
const CUMULATIVE_MAX = 2n ** 64n - 1n
const ROW_BYTES = 28

/**
 * Builds the tree over leaves in any order; positions between them are padding, and the number of
 * positions is a power of two, at least four.
 * @throws RangeError for a doubled index, a bad account or an amount that does not fit 64 bits
 */
export function buildPayoutTree(leaves: readonly PayoutLeaf[]): PayoutTree {
  const placed = placeLeaves(leaves)
  const positions = placed.length
  const nodes = hashTree(placed)
  const topHash = toHex(hashAt(nodes, 1))
  const total = nodes.sums[1]!
  let told: string | null = null
  const proofFrom = (node: number): Sibling[] => {
    told ??= hashesInHex(nodes)
    const proof: Sibling[] = []
    for (let at = node; at > 1; at >>= 1) {
      proof.push({ h: hexAt(told, at ^ 1), s: nodes.sums[at ^ 1]! })
    }
    return proof
  }
  return {
    topHash,
    root: payoutRoot(topHash, total),
    total,
    depth: Math.log2(positions),
    proof: (index) => {
      requireIndex(index, positions)
      return proofFrom(positions + index)
    },
    chunk: (first, size) => {
      requireChunk(first, size, positions)
      return {
        first,
        rows: rowsOf(placed.slice(first, first + size)),
        proof: proofFrom((positions + first) / size),
      }
    },
  }
}

/** The root the contract keeps: hash of top node and total. */
export function payoutRoot(topHash: Hex, total: bigint): Hex {
  const preimage = new Uint8Array(2 * HASH_BYTES)
  preimage.set(fixedBytes(topHash, HASH_BYTES))
  writeSum(new DataView(preimage.buffer), 48, total)
  return toHex(keccak_256(preimage))
}

/** Whether a leaf belongs to a root, by the contract's own rule; what an owner's page checks. */
export function verifyPayoutProof(
  leaf: PayoutLeaf,
  proof: readonly Sibling[],
  root: Hex,
  total: bigint,
): boolean {
  if (leafFault(leaf) !== null) return false
  const hashNode = nodeHasher()
  let hash = leafHasher()(leaf)
  let sum = leaf.cumulative
  let position = leaf.index
  for (const { h, s } of proof) {
    const sibling = fixedBytes(h, HASH_BYTES)
    hash = position % 2 === 0 ? hashNode(hash, sum, sibling, s) : hashNode(sibling, s, hash, sum)
    sum += s
    position = Math.floor(position / 2)
  }
  return position === 0 && sum === total && payoutRoot(toHex(hash), total) === root.toLowerCase()
}

/** Hash over the ids of the requests that an epoch accounts for, in their order. */
export function requestIdsHash(requestIds: readonly Hex[]): Hex {
  return toHex(keccak_256(concatBytes(...requestIds.map((id) => fixedBytes(id, HASH_BYTES)))))
}

/**
 * Hash of one leaf: tag, index, account and amount as 32-byte words.
 * @throws RangeError for a leaf that no tree can hold
 */
export function payoutLeafHash(leaf: PayoutLeaf): Hex {
  requireLeaf(leaf)
  return toHex(leafHasher()(leaf))
}

function placeLeaves(leaves: readonly PayoutLeaf[]): PayoutLeaf[] {
  const byIndex = new Map<number, PayoutLeaf>()
  let last = CHUNK_LEAVES_MIN - 1
  for (const leaf of leaves) {
    requireLeaf(leaf)
    if (byIndex.has(leaf.index)) throw new RangeError(`two payout leaves at index ${leaf.index}`)
    byIndex.set(leaf.index, leaf)
    last = Math.max(last, leaf.index)
  }
  let size = CHUNK_LEAVES_MIN
  while (size <= last) size *= 2
  return Array.from(
    { length: size },
    (_, index) => byIndex.get(index) ?? { index, account: ZERO_ACCOUNT, cumulative: 0n },
  )
}

function requireLeaf(leaf: PayoutLeaf): void {
  const fault = leafFault(leaf)
  if (fault !== null) throw new RangeError(fault)
}

/** What keeps a leaf out of any tree. */
function leafFault({ index, account, cumulative }: PayoutLeaf): string | null {
  // 2^24 positions would already take a gigabyte: an index above is a fault, not a payee.
  if (!Number.isInteger(index) || index < 0 || index >= 2 ** 24) {
    return `a payout index must be a whole number below 2^24, got ${index}`
  }
  if (cumulative < 0n || cumulative > CUMULATIVE_MAX) {
    return `a cumulative payout must fit 64 bits, got ${cumulative}`
  }
  if (cumulative > 0n && BigInt(account) === 0n) {
    return `payout index ${index} has earned ${cumulative} but has no account`
  }
  return null
}

function requireIndex(index: number, size: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= size) {
    throw new RangeError(`payout index must be between 0 and ${size - 1}, got ${index}`)
  }
}

function requireChunk(first: number, size: number, positions: number): void {
  const powerOfTwo = Number.isInteger(Math.log2(size))
  if (!powerOfTwo || size < CHUNK_LEAVES_MIN || first % size !== 0) {
    throw new RangeError(`a chunk is 2^k >= 4 aligned leaves, got ${size} from ${first}`)
  }
  requireIndex(first, positions)
  requireIndex(first + size - 1, positions)
}

function rowsOf(leaves: readonly PayoutLeaf[]): Hex {
  const rows = new Uint8Array(leaves.length * ROW_BYTES)
  const view = new DataView(rows.buffer)
  for (const [i, { account, cumulative }] of leaves.entries()) {
    rows.set(fixedBytes(account, 20), i * ROW_BYTES)
    view.setBigUint64(i * ROW_BYTES + 20, cumulative)
  }
  return toHex(rows)
}

function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`
}
