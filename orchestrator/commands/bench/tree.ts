import { keccak_256 } from '@noble/hashes/sha3.js'
import type { Address } from '#domain/ids.ts'
import { buildPayoutTree, type PayoutLeaf } from '#domain/payout-tree.ts'
import { type BenchRun, type Measurement, measurement, median } from './measurement.ts'

const ROUNDS = 3

/** The payout tree of a large programme, with the proof of each payee, beside bare hashing. */
export async function run({ size, seed, timer, say }: BenchRun): Promise<Measurement[]> {
  const count = size('leaves', 100_000)
  const leaves = Array.from({ length: count }, (_, i) => leafOf(i, seed))
  const timed = (work: () => number): number => {
    const begun = timer.monotonicMs()
    const done = work()
    const seconds = (timer.monotonicMs() - begun) / 1_000
    say(`${done} in ${seconds.toFixed(2)} s`)
    return seconds
  }
  const busyBefore = processorSeconds()
  const firstTree = timed(() => provedLeaves(leaves))
  const busy = processorSeconds() - busyBefore
  const whole: number[] = [firstTree]
  const bare: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    bare.push(timed(() => hashedNodes(count)))
    whole.push(timed(() => provedLeaves(leaves)))
  }
  const told = { unit: 's', better: 'lower' } as const
  const value = median(whole)
  const what = `${count} leaves: tree and every proof`
  const { rss } = process.memoryUsage()
  return [
    measurement({ ...told, measure: what, value, bar: 3 }),
    measurement({ ...told, measure: `${what}, the first time`, value: firstTree }),
    measurement({ ...told, measure: `${what}, processor time`, value: busy }),
    measurement({ ...told, measure: `${what}, of bare hashing`, value, reference: median(bare) }),
    measurement({ ...told, measure: 'resident memory then', value: rss / 1e6, unit: 'MB' }),
  ]
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function leafOf(index: number, seed: number): PayoutLeaf {
  const digits = (0xa11ce000 + index * 7_919 + seed).toString(16).padStart(40, '0')
  const account: Address = `0x${digits}`
  return { index, account, cumulative: BigInt(1_000_000 + ((index * 31) % 9_973)) }
}

/** How many were proved. */
function provedLeaves(leaves: readonly PayoutLeaf[]): number {
  const tree = buildPayoutTree(leaves)
  return leaves.filter(({ index }) => tree.proof(index).length === tree.depth).length
}

/** The reference: as many hashes over as many bytes, by the same library, and nothing else. */
function hashedNodes(count: number): number {
  const positions = 2 ** Math.ceil(Math.log2(count))
  const [leaf, node] = [new Uint8Array(128), new Uint8Array(96)]
  for (let i = 0; i < positions; i += 1) leaf.set(keccak_256(leaf))
  for (let i = 1; i < positions; i += 1) node.set(keccak_256(node))
  return 2 * positions - 1
}
