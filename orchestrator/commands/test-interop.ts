import { runSuiteApart } from './vitest-run.ts'

/** `gridcall test:interop [file…]`: against peers that others wrote, which the tests bring along. */
export function run(args: string[]): Promise<number> {
  return runSuiteApart('interop', args)
}
