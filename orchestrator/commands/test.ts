import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { printCounts, sum } from './tool.ts'
import { printFailures, printSkipped, runVitest, type VitestOutcome } from './vitest-run.ts'

const SEED_BELOW = 2 ** 31

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
  const given = process.env.GRIDCALL_SEED
  if (given !== undefined && !/^\d{1,10}$/.test(given)) {
    console.error(`GRIDCALL_SEED: expected a whole number, got ${given}`)
    return 2
  }
  const outcomes = await playRounds(repeat, {
    files: positionals,
    drawSeed: () => (given === undefined ? randomInt(SEED_BELOW) : Number(given)),
    play: (seed) => runVitest(positionals, '', { seed }),
    say: (line) => console.log(line),
  })
  printSkipped(outcomes.at(-1)?.skipped ?? [])
  printFailures(outcomes.flatMap(({ failures }) => failures))
  return printCounts(sum(outcomes))
}

type Rounds = {
  readonly files: readonly string[]
  readonly drawSeed: () => number
  readonly play: (seed: number) => Promise<VitestOutcome>
  readonly say: (line: string) => void
}

/** Plays rounds, each with a seed of its own, until one fails; then tells how to have it again. */
export async function playRounds(
  repeat: number,
  { files, drawSeed, play, say }: Rounds,
): Promise<VitestOutcome[]> {
  const outcomes: VitestOutcome[] = []
  for (let round = 1; round <= repeat; round += 1) {
    if (repeat > 1) say(`run ${round} of ${repeat}`)
    const seed = drawSeed()
    const outcome = await play(seed)
    outcomes.push(outcome)
    if (outcome.failed === 0) continue
    const { failedFiles } = outcome
    const again = ['npm test --', ...(failedFiles.length > 0 ? failedFiles : files)].join(' ')
    say(`the same again: GRIDCALL_SEED=${seed} ${again}`)
    break
  }
  return outcomes
}
