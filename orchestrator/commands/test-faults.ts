import { runSuiteApart } from './vitest-run.ts'

/** `gridcall test:faults [file…]`: kills, outages and the long walks, one file after the other. */
export function run(args: string[]): Promise<number> {
  return runSuiteApart('faults', args)
}
