import { globSync } from 'node:fs'
import { join } from 'node:path'
import { printCounts, root } from './tool.ts'
import { printSkipped, runVitest } from './vitest-run.ts'

/** `gridcall test:faults [file…]`: kills, outages and the long walks, one file after the other. */
export async function run(args: string[]): Promise<number> {
  if (globSync('test/faults/**/*.test.ts', { cwd: root }).length === 0) {
    console.error(`no fault tests in ${join(root, 'test', 'faults')}`)
    console.log('0 passed, 0 failed')
    return 0
  }
  const outcome = await runVitest(args, 'faults')
  printSkipped(outcome.skipped)
  return printCounts(outcome)
}
