import { parseArgs } from 'node:util'
import { printCounts, sum } from './tool.ts'
import { printSkipped, runVitest, type VitestOutcome } from './vitest-run.ts'

/** `gridcall test [--repeat N] [file…]`: every test but the suites that have a command of theirs. */
export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { repeat: { type: 'string', default: '1' } },
    allowPositionals: true,
  })
  const repeat = Number(values.repeat)
  if (!Number.isSafeInteger(repeat) || repeat < 1) {
    console.error(`--repeat: expected a whole number of runs from 1, got ${values.repeat}`)
    return 2
  }
  const outcomes: VitestOutcome[] = []
  for (let round = 1; round <= repeat; round += 1) {
    if (repeat > 1) console.log(`run ${round} of ${repeat}`)
    outcomes.push(await runVitest(positionals))
  }
  printSkipped(outcomes.at(-1)?.skipped ?? [])
  return printCounts(sum(outcomes))
}
