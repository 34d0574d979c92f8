import { parseArgs } from 'node:util'
import { modelCheck } from './test-contracts/model-check.ts'
import { coverage, fuzz, invariants, quickRun, viaIr } from './test-contracts/hardhat-steps.ts'
import { checkGas, writeGas } from './test-contracts/gas-snapshot.ts'
import { deleteEveryRequire } from './test-contracts/require-deletion.ts'
import type { Step, StepResult } from './test-contracts/step.ts'
import { checkTrees } from './test-contracts/trees.ts'
import { type Counts, printCounts, sum } from './tool.ts'
import { printFailures } from './vitest-run.ts'

const trees: Step = { name: 'trees', run: checkTrees }
const quick: readonly Step[] = [trees, { name: 'tests', run: quickRun }]
const snapshot: readonly Step[] = [{ name: 'gas', run: writeGas }]
const deep: readonly Step[] = [
  trees,
  { name: 'fuzz', run: fuzz },
  { name: 'invariants', run: invariants },
  { name: 'require-deletion', run: deleteEveryRequire },
  { name: 'gas', run: checkGas },
  { name: 'coverage', run: coverage },
  { name: 'model-checker', run: modelCheck },
]
/** Compiling the tests that way takes longer than all the rest: only where it is asked for. */
const apart: readonly Step[] = [{ name: 'via-ir', run: viaIr }]

/**
 * `gridcall test:contracts`: the Solidity tests. `--deep` climbs the whole ladder, `--only STEP`
 * takes one rung of it, `--snapshot` writes the gas figures that the ladder compares with.
 */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      deep: { type: 'boolean', default: false },
      snapshot: { type: 'boolean', default: false },
      only: { type: 'string' },
    },
  })
  const { only } = values
  const named = only === undefined ? null : [...deep, ...apart]
  const ladder = values.snapshot ? snapshot : (named ?? (values.deep ? deep : quick))
  const steps = ladder.filter(({ name }) => only === undefined || name === only)
  if (steps.length === 0) {
    console.error(`expected one of ${ladder.map(({ name }) => name).join(', ')}, got ${only}`)
    return 1
  }
  const results: Counts[] = []
  const failures: string[] = []
  for (const step of steps) {
    const result = await climb(step)
    results.push(result)
    if (result.failed > 0) failures.push(`test:contracts ${step.name}: ${result.says}`)
  }
  printFailures(failures)
  return printCounts(sum(results))
}

/** One step and its line. A step that breaks has failed; the others still tell what they find. */
async function climb({ name, run: runStep }: Step): Promise<StepResult> {
  const since = performance.now()
  const result = await runStep().catch((error: unknown) => {
    console.log(error)
    return { passed: 0, failed: 1, says: 'broke off' }
  })
  const seconds = ((performance.now() - since) / 1_000).toFixed(0)
  console.log(`${result.failed === 0 ? 'ok' : 'FAILED'} ${name}: ${result.says} (${seconds} s)`)
  return result
}
