import { concatHex, encodeAbiParameters, keccak256 } from 'viem'
import type { Hex } from '#domain/ids.ts'

/** The tree that OpenZeppelin's `MerkleProof` climbs: sorted pairs, leaves hashed twice. */
export function sortedTree(
  types: readonly string[],
  rows: readonly (readonly unknown[])[],
): { readonly root: Hex; proof(index: number): Hex[] } {
  const parameters = types.map((type) => ({ type }))
  const levels = [rows.map((row) => keccak256(keccak256(encodeAbiParameters(parameters, row))))]
  for (let level = levels[0] ?? []; level.length > 1; levels.push(level)) level = pairUp(level)
  const [root] = levels.at(-1) ?? []
  if (root === undefined) throw new RangeError('a tree needs a row')
  return {
    root,
    proof: (index) =>
      levels.slice(0, -1).flatMap((level, height) => {
        const sibling = level[Math.floor(index / 2 ** height) ^ 1]
        return sibling === undefined ? [] : [sibling] // the last of an odd level goes up as it is
      }),
  }
}

function pairUp(level: readonly Hex[]): Hex[] {
  return Array.from({ length: Math.ceil(level.length / 2) }, (_, i) => {
    const [left, right] = level.slice(2 * i, 2 * i + 2).toSorted()
    if (left === undefined) throw new RangeError('a level is never empty')
    return right === undefined ? left : keccak256(concatHex([left, right]))
  })
}
