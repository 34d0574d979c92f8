import { createGasEuro, type GasChain, startGasChain } from './gas-chain.ts'
import { createGasPool, type EpochGas, type GasPool, payeesOf } from './gas-pool.ts'
import { measureRivals } from './gas-rivals.ts'
import { type ClaimGas, type ProgrammeGas, stepsOf, tableOf } from './gas-table.ts'
import type { BenchRun, Measurement } from './measurement.ts'

/** What the table is about: how many are paid, and for how many calls at once. */
const PROGRAMMES = [10, 100, 1_000]
const CALLS = [1, 2, 4, 8, 20]
/** Its tree has depth 10. */
const CLAIM_PAYEES = 1_000
const CLAIMS = 20

/**
 * Gas of the product's own contracts on a real EVM, every transaction of a call counted, beside
 * three other ways to pay with the same euro. The others stand on the same escrow: what opening,
 * proposing and finalising cost is theirs too. Beyond that they do the least that pays at all.
 */
export async function run({ size, timer, say }: BenchRun): Promise<Measurement[]> {
  const calls = CALLS.filter((count) => count <= size('calls', 20))
  const programmes = PROGRAMMES.filter((count) => count <= size('payees', 1_000))
  const chain = await startGasChain(timer)
  try {
    const euro = await createGasEuro(chain)
    const deploy = (name: string, payees: number) =>
      createGasPool(chain, timer, euro, payeesOf(name, payees))
    const agent = await epochsOf(await deploy('agent', 1), calls)
    const measured: ProgrammeGas[] = []
    for (const payees of programmes) {
      const pool = await deploy(`relayed ${payees}`, payees)
      const first = await pool.runEpoch(1)
      const relayed = await epochsOf(pool, calls)
      const withdraw = await pool.withdrawCredits()
      const afterwards = await pool.runEpoch(1)
      const rivals = await measureRivals(chain, euro, payees)
      measured.push({ payees, first, relayed, withdraw, afterwards, agent, rivals })
      say(`${payees} payees are paid, by the pool and by the others`)
    }
    const claims = await measureClaims(chain, await deploy('claims', CLAIM_PAYEES))
    const steps = stepsOf(measured, claims)
    say('| transaction | gas | asked |')
    say('| --- | ---: | ---: |')
    for (const { measure, value, bar } of steps) say(`| ${measure} | ${value} | ${bar ?? ''} |`)
    return [...steps, ...tableOf(measured, say)]
  } finally {
    await chain.stop()
  }
}

async function epochsOf(pool: GasPool, calls: readonly number[]): Promise<Map<number, EpochGas>> {
  await pool.runEpoch(1) // what comes after it repeats
  const epochs = new Map<number, EpochGas>()
  for (const count of calls) epochs.set(count, await pool.runEpoch(count))
  return epochs
}

/** Payees all over the tree claim what they first earn, and then what they earn again. */
async function measureClaims(chain: GasChain, pool: GasPool): Promise<ClaimGas> {
  const claimAll = async () => {
    await pool.runUnpaidEpoch(1)
    const step = Math.floor(CLAIM_PAYEES / CLAIMS)
    return chain.send(Array.from({ length: CLAIMS }, (_, i) => pool.claim(i * step)))
  }
  return {
    depth: Math.ceil(Math.log2(CLAIM_PAYEES)),
    first: await claimAll(),
    repeat: await claimAll(),
  }
}
