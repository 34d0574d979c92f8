/** The hashes of a payout tree, made in blocks of bytes: a large programme has 100,000 payees. */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Address, Hex } from './ids.ts'

type Leaf = { readonly index: number; readonly account: Address; readonly cumulative: bigint }

/**
 * A full tree, top first: node 1 is the top, 2k and 2k + 1 are the children of node k, and the leaf
 * at position i of n is node n + i. All hashes lie in one block, 32 bytes a node.
 */
export type Nodes = { readonly hashes: Uint8Array; readonly sums: readonly bigint[] }

export const HASH_BYTES = 32
const LEAF_TAG = utf8ToBytes('FlexLeaf.v1')
const UINT64_MAX = 2n ** 64n - 1n
const SUM_MAX = 2n ** 128n - 1n
const HEX_PREFIX = utf8ToBytes('0x')
const HEX_DIGITS = HEX_PREFIX.length + 2 * HASH_BYTES

/** Hashes 2^k leaves and all that is above them; the leaf at position i must have index i. */
export function hashTree(placed: readonly Leaf[]): Nodes {
  const size = placed.length
  const hashes = new Uint8Array(2 * size * HASH_BYTES)
  const sums = Array.from({ length: 2 * size }, () => 0n)
  const nodes = { hashes, sums }
  const hashLeaf = leafHasher()
  for (const [i, leaf] of placed.entries()) {
    hashLeaf(leaf, hashAt(nodes, size + i))
    sums[size + i] = leaf.cumulative
  }
  const hashNode = nodeHasher()
  for (let k = size - 1; k > 0; k -= 1) {
    const [left, right] = [sums[2 * k]!, sums[2 * k + 1]!]
    hashNode(hashAt(nodes, 2 * k), left, hashAt(nodes, 2 * k + 1), right, hashAt(nodes, k))
    sums[k] = left + right
  }
  return nodes
}

export function hashAt({ hashes }: Nodes, node: number): Uint8Array {
  return hashes.subarray(node * HASH_BYTES, (node + 1) * HASH_BYTES)
}

/** The hash of a node in the text of all. */
export function hexAt(told: string, node: number): Hex {
  return told.slice(node * HEX_DIGITS, (node + 1) * HEX_DIGITS) as Hex
}

/** All hashes in one text, 66 characters a node: proofs are cut out of it, not written anew. */
export function hashesInHex({ hashes }: Nodes): string {
  const digits = utf8ToBytes('0123456789abcdef')
  const text = new Uint8Array((hashes.length / HASH_BYTES) * HEX_DIGITS)
  for (let i = 0, at = 0; i < hashes.length; i += 1) {
    if (i % HASH_BYTES === 0) {
      text.set(HEX_PREFIX, at)
      at += HEX_PREFIX.length
    }
    text[at++] = digits[hashes[i]! >> 4]!
    text[at++] = digits[hashes[i]! & 15]!
  }
  return new TextDecoder().decode(text)
}

/** One sponge for all the hashes of a tree: a new one for each costs a fifth more. */
function sponge(): (preimage: Uint8Array, into: Uint8Array) => Uint8Array {
  const empty = keccak_256.create()
  const used = empty.clone()
  return (preimage, into) => {
    empty._cloneInto(used).update(preimage).digestInto(into)
    return into
  }
}

/** Four words: tag, index, account, amount. One preimage serves all leaves of a tree. */
export function leafHasher() {
  const preimage = new Uint8Array(128)
  const view = new DataView(preimage.buffer)
  preimage.set(LEAF_TAG)
  const hash = sponge()
  return ({ index, account, cumulative }: Leaf, into: Uint8Array = new Uint8Array(HASH_BYTES)) => {
    view.setUint32(60, index)
    preimage.set(fixedBytes(account, 20), 76)
    view.setBigUint64(120, cumulative)
    return hash(preimage, into)
  }
}

/** Left and right hash, then left and right sum as 16 bytes each. */
export function nodeHasher() {
  const preimage = new Uint8Array(96)
  const view = new DataView(preimage.buffer)
  const hash = sponge()
  return (
    left: Uint8Array,
    leftSum: bigint,
    right: Uint8Array,
    rightSum: bigint,
    into: Uint8Array = new Uint8Array(HASH_BYTES),
  ) => {
    preimage.set(left)
    preimage.set(right, HASH_BYTES)
    writeSum(view, 64, leftSum)
    writeSum(view, 80, rightSum)
    return hash(preimage, into)
  }
}

/** 16 bytes, big-endian. */
export function writeSum(view: DataView, at: number, sum: bigint): void {
  if (sum < 0n || sum > SUM_MAX) throw new RangeError(`a sum must fit 128 bits, got ${sum}`)
  view.setBigUint64(at, sum >> 64n)
  view.setBigUint64(at + 8, sum & UINT64_MAX)
}

/** @throws RangeError unless the value has so many bytes */
export function fixedBytes(value: Hex, length: number): Uint8Array {
  const bytes = hexToBytes(value.slice(2))
  if (bytes.length !== length) throw new RangeError(`expected ${length} bytes, got ${value}`)
  return bytes
}
