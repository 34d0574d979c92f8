import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, runTool } from '../tool.ts'
import { uncoveredLines } from './coverage.ts'
import type { StepResult } from './step.ts'

/** Tests of the size of the code; instrumented code is larger than what is deployed. */
const ABOUT_SIZE = 'SizeLimit'

/** Everything once, with few runs: what one calls while working. */
export function quickRun(): Promise<StepResult> {
  return hardhatTest([], ({ passed }) => `${passed} tests`)
}

/** Every test and property, each property 10,000 times. */
export function fuzz(): Promise<StepResult> {
  const args = ['--test-profile', 'deep', '--grep', '^test']
  return hardhatTest(args, ({ passed, output }) => {
    const properties = [...output.matchAll(/\(runs: (\d+)\)/g)].map(([, runs]) => Number(runs))
    return `${passed} tests, ${properties.length} of them fuzzed, ${fewest(properties)} runs each`
  })
}

/** Random walks; after every step the books must be right. */
export function invariants(): Promise<StepResult> {
  const args = ['--test-profile', 'deep', '--grep', '^invariant']
  return hardhatTest(args, ({ passed, output }) => {
    const runs = [...output.matchAll(/\(runs: (\d+)\)/g)].map(([, count]) => Number(count))
    return `${passed} invariants, ${fewest(runs)} walks each`
  })
}

/** The same tests on code of the compiler's second code generator. */
export function viaIr(): Promise<StepResult> {
  return hardhatTest(['--build-profile', 'viair'], ({ passed }) => `${passed} tests via-IR`)
}

/** Every line of every contract is executed by a test. That every revert is, the deletions show. */
export async function coverage(): Promise<StepResult> {
  const report = join(root, 'coverage')
  try {
    const args = ['--coverage', '--grep', '^test', '--grep-exclude', ABOUT_SIZE]
    const result = await hardhatTest(args, () => '')
    if (result.failed > 0) return { ...result, passed: 0, says: 'the tests fall' }
    const { files, lines, missed } = uncoveredLines(readFileSync(join(report, 'lcov.info'), 'utf8'))
    for (const line of missed) console.log(`  never executed: ${line}`)
    return {
      passed: lines - missed.length,
      failed: missed.length + (files === 0 ? 1 : 0),
      says: `${lines - missed.length} of ${lines} lines in ${files} files`,
    }
  } finally {
    rmSync(report, { recursive: true, force: true })
  }
}

/** Runs the Solidity tests; what they print is shown only where one falls. */
async function hardhatTest(
  args: readonly string[],
  says: (outcome: { passed: number; output: string }) => string,
): Promise<StepResult> {
  const { exitCode, output } = await runTool('hardhat', ['test', 'solidity', ...args], {
    isQuiet: true,
  })
  const count = (word: string) =>
    Number(new RegExp(`^\\s*(\\d+) ${word}`, 'm').exec(output)?.[1] ?? 0)
  const [passed, failed] = [count('passing'), count('failing')]
  if (exitCode === 0 && failed === 0 && passed > 0) {
    return { passed, failed, says: says({ passed, output }) }
  }
  console.log(output)
  // A contract that does not compile fails without a failing test.
  return { passed, failed: Math.max(failed, 1), says: `${passed} tests pass, ${failed} fall` }
}

function fewest(counts: readonly number[]): number {
  return counts.length === 0 ? 0 : Math.min(...counts)
}
