/**
 * The cumulative Merkle-sum tree of payouts, byte for byte the contract's `PayoutTree` library.
 *
 * Every node commits to both hashes and both sums below it, so all leaves that can be proved
 * against one root never add up to more than the root's total. The order is positional: the leaf
 * at position i has index i. A position nobody holds is the leaf (i, zero account, 0).
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Address, Hex } from './ids.ts'

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

type TreeNode = { readonly hash: Uint8Array; readonly sum: bigint }

export const ZERO_ACCOUNT: Address = '0x0000000000000000000000000000000000000000'
/** One storage word of the contract holds four claimed amounts: a chunk is never smaller. */
export const CHUNK_LEAVES_MIN = 4
const CUMULATIVE_MAX = 2n ** 64n - 1n
const SUM_MAX = 2n ** 128n - 1n
const LEAF_TAG = padRight(utf8ToBytes('FlexLeaf.v1'), 32)

/**
 * Builds the tree over leaves in any order; positions between them are padding, and the number of
 * positions is a power of two, at least four.
 * @throws RangeError for a doubled index, a bad account or an amount that does not fit 64 bits
 */
export function buildPayoutTree(leaves: readonly PayoutLeaf[]): PayoutTree {
  const positions = placeLeaves(leaves)
  const levels = [positions.map(leafNode)]
  for (let level = levels[0]!; level.length > 1; ) {
    level = pairUp(level)
    levels.push(level)
  }
  const depth = levels.length - 1
  const top = levels[depth]![0]!
  const topHash = toHex(top.hash)
  return {
    topHash,
    root: payoutRoot(topHash, top.sum),
    total: top.sum,
    depth,
    proof: (index) => {
      requireIndex(index, positions.length)
      return siblings(levels, index, 0)
    },
    chunk: (first, size) => {
      requireChunk(first, size, positions.length)
      const rows = positions.slice(first, first + size).map(rowBytes)
      const level = Math.log2(size)
      return {
        first,
        rows: toHex(concatBytes(...rows)),
        proof: siblings(levels, first / size, level),
      }
    },
  }
}

/** The root the contract keeps: hash of top node and total. */
export function payoutRoot(topHash: Hex, total: bigint): Hex {
  return toHex(keccak_256(concatBytes(fromHex(topHash, 32), word(total))))
}

/** Whether a leaf belongs to a root, by the contract's own rule; what an owner's page checks. */
export function verifyPayoutProof(
  leaf: PayoutLeaf,
  proof: readonly Sibling[],
  root: Hex,
  total: bigint,
): boolean {
  let node = leafNode(leaf)
  let position = leaf.index
  for (const { h, s } of proof) {
    const sibling = { hash: fromHex(h, 32), sum: s }
    node = position % 2 === 0 ? parent(node, sibling) : parent(sibling, node)
    position = Math.floor(position / 2)
  }
  return (
    position === 0 &&
    node.sum === total &&
    payoutRoot(toHex(node.hash), total) === root.toLowerCase()
  )
}

/** Hash over the ids of the requests that an epoch accounts for, in their order. */
export function requestIdsHash(requestIds: readonly Hex[]): Hex {
  return toHex(keccak_256(concatBytes(...requestIds.map((id) => fromHex(id, 32)))))
}

/** Hash of one leaf: tag, index, account and amount as 32-byte words. */
export function payoutLeafHash(leaf: PayoutLeaf): Hex {
  return toHex(leafNode(leaf).hash)
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

function requireLeaf({ index, account, cumulative }: PayoutLeaf): void {
  // 2^24 positions would already take a gigabyte: an index above is a fault, not a payee.
  if (!Number.isInteger(index) || index < 0 || index >= 2 ** 24) {
    throw new RangeError(`a payout index must be a whole number below 2^24, got ${index}`)
  }
  if (cumulative < 0n || cumulative > CUMULATIVE_MAX) {
    throw new RangeError(`a cumulative payout must fit 64 bits, got ${cumulative}`)
  }
  if (cumulative > 0n && BigInt(account) === 0n) {
    throw new RangeError(`payout index ${index} has earned ${cumulative} but has no account`)
  }
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

function siblings(levels: readonly TreeNode[][], position: number, from: number): Sibling[] {
  return levels.slice(from, -1).map((level, height) => {
    const at = Math.floor(position / 2 ** height)
    const sibling = level[at % 2 === 0 ? at + 1 : at - 1]!
    return { h: toHex(sibling.hash), s: sibling.sum }
  })
}

function pairUp(level: readonly TreeNode[]): TreeNode[] {
  return Array.from({ length: level.length / 2 }, (_, i) =>
    parent(level[2 * i]!, level[2 * i + 1]!),
  )
}

function parent(left: TreeNode, right: TreeNode): TreeNode {
  const sum = left.sum + right.sum
  if (sum > SUM_MAX) throw new RangeError(`payouts add up to more than 128 bits: ${sum}`)
  const preimage = concatBytes(left.hash, right.hash, uint(left.sum, 16), uint(right.sum, 16))
  return { hash: keccak_256(preimage), sum }
}

function leafNode({ index, account, cumulative }: PayoutLeaf): TreeNode {
  const preimage = concatBytes(
    LEAF_TAG,
    word(BigInt(index)),
    word(BigInt(toHex(fromHex(account, 20)))),
    word(cumulative),
  )
  return { hash: keccak_256(preimage), sum: cumulative }
}

function rowBytes({ account, cumulative }: PayoutLeaf): Uint8Array {
  return concatBytes(fromHex(account, 20), uint(cumulative, 8))
}

const word = (value: bigint): Uint8Array => uint(value, 32)

/** Big-endian. */
function uint(value: bigint, bytes: number): Uint8Array {
  return hexToBytes(value.toString(16).padStart(2 * bytes, '0'))
}

function padRight(bytes: Uint8Array, length: number): Uint8Array {
  const padded = new Uint8Array(length)
  padded.set(bytes)
  return padded
}

function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`
}

function fromHex(value: Hex, length: number): Uint8Array {
  const bytes = hexToBytes(value.slice(2))
  if (bytes.length !== length) throw new RangeError(`expected ${length} bytes, got ${value}`)
  return bytes
}
