import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { type Beside, type Counts, printCounts, root, runTool, sum } from './tool.ts'

type Report = {
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: 'passed' | 'failed'
    /** Why a file with no tests in it fell. */
    readonly message?: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly title: string
      readonly fullName?: string
      readonly failureMessages?: readonly string[] | null
    }[]
  }[]
}

/** A test file with skipped tests, and the reasons that they give. */
type Skipped = { readonly file: string; readonly tests: number; readonly reasons: string[] }

export type VitestOutcome = Counts & {
  readonly skipped: readonly Skipped[]
  /** Files in which something failed. */
  readonly failedFiles: readonly string[]
  /** What failed: file, test and the first line of why. */
  readonly failures: readonly string[]
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
  // An error outside of all tests shows in the exit code alone.
  const isOutside = failed === 0 && exitCode !== 0
  return {
    passed: report?.numPassedTests ?? 0,
    failed: isOutside ? 1 : failed,
    skipped: files.flatMap(skippedIn),
    failedFiles: files
      .filter(({ status }) => status === 'failed')
      .map(({ name }) => relative(root, name)),
    failures: isOutside
      ? [`outside of all tests, with exit code ${exitCode}`]
      : files.flatMap(failuresIn),
  }
}

function failuresIn({ name, status, message, assertionResults }: Report['testResults'][number]) {
  const file = relative(root, name)
  const failed = assertionResults.filter((test) => test.status === 'failed')
  if (failed.length === 0 && status === 'failed') return [`${file}: ${inOneLine(message)}`]
  return failed.map(
    ({ title, fullName, failureMessages }) =>
      `${file} > ${fullName ?? title}: ${inOneLine(failureMessages?.[0])}`,
  )
}

const WHY_BEGINS = 300
const WHY_ENDS = 1200

/**
 * Why a test failed, without where: its lines as one. Of a long one, as of a process with all that it
 * said, the first characters and the last.
 */
function inOneLine(text = ''): string {
  const lines = text.split('\n').map((line) => line.trim())
  const why = lines
    .filter((line) => line !== '' && !/^at .+(:\d+|<anonymous>)/.test(line))
    .join(' | ')
  if (why.length <= WHY_BEGINS + WHY_ENDS) return why
  return `${why.slice(0, WHY_BEGINS)} … ${why.slice(-WHY_ENDS)}`
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

/** A line for each failure, right before the counts: the end of a long log is what one reads. */
export function printFailures(failures: readonly string[]): void {
  for (const failure of failures) console.log(`failed: ${failure}`)
}

/** What several runs found, as one. */
export function sumOutcomes(outcomes: readonly VitestOutcome[]): VitestOutcome {
  return {
    ...sum(outcomes),
    skipped: outcomes.flatMap(({ skipped }) => skipped),
    failedFiles: outcomes.flatMap(({ failedFiles }) => failedFiles),
    failures: outcomes.flatMap(({ failures }) => failures),
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
  printFailures(outcome.failures)
  return printCounts(outcome)
}
