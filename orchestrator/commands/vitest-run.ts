import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { type Beside, type Counts, printCounts, root, runTool, sum } from './tool.ts'

type Report = {
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: 'passed' | 'failed'
    readonly assertionResults: readonly { readonly status: string; readonly title: string }[]
  }[]
}

/** A test file with skipped tests, and the reasons that they give. */
type Skipped = { readonly file: string; readonly tests: number; readonly reasons: string[] }

export type VitestOutcome = Counts & {
  readonly skipped: readonly Skipped[]
  /** Files in which something failed. */
  readonly failedFiles: readonly string[]
}

/** Suites that are no part of `npm test`; vitest.config.ts looks for their names. */
type SuiteApart = 'faults' | 'interop' | 'bench'

/**
 * Runs vitest once, its own report on the terminal. `suite` names one of the suites kept apart; what
 * properties draw follows from `seed`.
 */
export async function runVitest(
  args: readonly string[],
  suite: SuiteApart | '' = '',
  { beside, seed }: { readonly beside?: Beside; readonly seed?: number } = {},
): Promise<VitestOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'gridcall-report-'))
  const file = join(folder, 'report.json')
  try {
    // A forgotten `test.only` would let all others pass unseen.
    const options = [
      '--allowOnly=false',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ]
    const { exitCode } = await runTool('vitest', ['run', ...options, ...args], {
      env: {
        GRIDCALL_SUITE: suite,
        NODE_ENV: 'test',
        ...(seed === undefined ? {} : { GRIDCALL_SEED: String(seed) }),
      },
      ...(beside === undefined ? {} : { beside }),
    })
    return outcomeOf(readReport(file), exitCode)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readReport(file: string): Report | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report
  } catch {
    return null // it ended before it could report, which its exit code says
  }
}

/** Counts a report; null for a run that ended before it wrote one. */
export function outcomeOf(report: Report | null, exitCode: number): VitestOutcome {
  const files = report?.testResults ?? []
  const failedTests = files.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed'),
  ).length
  // A file that does not load has no tests to fail, and counts as one.
  const failedFiles = files.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  ).length
  const failed = failedTests + failedFiles
  return {
    passed: report?.numPassedTests ?? 0,
    // An error outside of all tests shows in the exit code alone.
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: files.flatMap(skippedIn),
    failedFiles: files
      .filter(({ status }) => status === 'failed')
      .map(({ name }) => relative(root, name)),
  }
}

function skippedIn({ name, assertionResults }: Report['testResults'][number]): Skipped[] {
  const skipped = assertionResults.filter(({ status }) => status === 'skipped' || status === 'todo')
  if (skipped.length === 0) return []
  const reasons = skipped.map(({ title }) => title).filter((title) => title.startsWith('needs '))
  return [{ file: relative(root, name), tests: skipped.length, reasons: [...new Set(reasons)] }]
}

/** Names what did not run, and why. */
export function printSkipped(skipped: readonly Skipped[]): void {
  for (const { file, tests, reasons } of skipped) {
    const why = reasons.length > 0 ? reasons.join('; ') : 'not on this machine'
    console.log(`skipped: ${file} (${tests} ${tests === 1 ? 'test' : 'tests'}): ${why}`)
  }
}

/** What several runs found, as one. */
export function sumOutcomes(outcomes: readonly VitestOutcome[]): VitestOutcome {
  return {
    ...sum(outcomes),
    skipped: outcomes.flatMap(({ skipped }) => skipped),
    failedFiles: outcomes.flatMap(({ failedFiles }) => failedFiles),
  }
}

/** Runs a suite that is no part of `npm test`; returns the exit code. */
export async function runSuiteApart(suite: SuiteApart, args: readonly string[]): Promise<number> {
  if (globSync(`test/${suite}/**/*.test.ts`, { cwd: root }).length === 0) {
    console.error(`there are no tests in test/${suite}`)
    console.log('0 passed, 0 failed')
    return 0
  }
  const outcome = await runVitest(args, suite)
  printSkipped(outcome.skipped)
  return printCounts(outcome)
}
