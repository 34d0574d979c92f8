import { parseArgs } from 'node:util'
import { printCounts, runTool } from './tool.ts'

/** `gridcall test:contracts [--deep]`: the Solidity tests; deep ones run longer and find more. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { deep: { type: 'boolean', default: false } } })
  const deep = values.deep ? ['--test-profile', 'deep'] : []
  const result = await runTool('hardhat', ['test', 'solidity', ...deep], { keepOutput: true })
  const count = (word: string) => {
    return Number(new RegExp(`^\\s*(\\d+) ${word}`, 'm').exec(result.output)?.[1] ?? 0)
  }
  const [passed, failed] = [count('passing'), count('failing')]
  // A contract that does not compile fails without a failing test.
  const isFailure = result.exitCode !== 0 || passed === 0
  return printCounts({ passed, failed: failed === 0 && isFailure ? 1 : failed })
}
