import { runTool } from '../tool.ts'
import type { StepResult } from './step.ts'

/**
 * The compiler's model checker on the pool's books. The test of it prints
 * `N asserts safe, M unproved`, which is what this step says and counts.
 */
export async function modelCheck(): Promise<StepResult> {
  const args = ['run', '--reporter=verbose', '--disableConsoleIntercept']
  const { exitCode, output } = await runTool(
    'vitest',
    [...args, 'test/contracts/accounting.test.ts'],
    { isQuiet: true },
  )
  const { safe, unproved, says } = modelCheckerFigures(output)
  const failed = unproved > 0 ? unproved : exitCode === 0 && safe > 0 ? 0 : 1
  if (failed > 0) console.log(output)
  return { passed: safe, failed, says }
}

/** Sums the lines of figures in what a test run printed. */
export function modelCheckerFigures(output: string) {
  const lines = [...output.matchAll(/(\d+) asserts? safe, (\d+) unproved/g)]
  const total = (group: number) => lines.reduce((sum, line) => sum + Number(line[group]), 0)
  const [safe, unproved] = [total(1), total(2)]
  return { safe, unproved, says: `${safe} asserts safe, ${unproved} unproved` }
}
