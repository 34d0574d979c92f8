import { globSync } from 'node:fs'
import { printCounts, root } from './tool.ts'
import { printFailures, printSkipped, runSuiteApart, runVitest, sumOutcomes } from './vitest-run.ts'

/** Files that run one after the other, beside another lane. */
export type Lane = {
  readonly name: 'demos' | 'rest'
  readonly files: readonly string[]
  /** It takes what the other lane leaves of the machine. */
  readonly isPatient: boolean
}

/** Whole demos in real time: they wait most of the time, and must be on time when they do not. */
const DEMOS = 'test/faults/demos/'

/**
 * `gridcall test:faults [file…]`: kills, outages and the long walks, in two lanes side by side.
 * With options for vitest it is one run, as nobody but vitest knows which of them name files.
 */
export async function run(args: string[]): Promise<number> {
  if (args.some((arg) => arg.startsWith('-'))) return await runSuiteApart('faults', args)
  const lanes = lanesOf(globSync('test/faults/**/*.test.ts', { cwd: root }), args)
  const [first] = lanes
  if (first === undefined || lanes.length === 1) {
    return await runSuiteApart('faults', first?.files ?? args)
  }
  const outcome = sumOutcomes(
    await Promise.all(lanes.map((lane) => runVitest(lane.files, 'faults', { beside: lane }))),
  )
  printSkipped(outcome.skipped)
  printFailures(outcome.failures)
  return printCounts(outcome)
}

/** The lanes that have something to run: every file, or those whose path holds one of `wanted`. */
export function lanesOf(files: readonly string[], wanted: readonly string[]): Lane[] {
  const parts = wanted.map((part) => part.replace(/^\.\//, ''))
  const chosen = files
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
    .toSorted()
  const lanes: readonly Lane[] = [
    { name: 'demos', files: chosen.filter((file) => file.startsWith(DEMOS)), isPatient: false },
    { name: 'rest', files: chosen.filter((file) => !file.startsWith(DEMOS)), isPatient: true },
  ]
  return lanes.filter((lane) => lane.files.length > 0)
}
