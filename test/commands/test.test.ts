import { expect, test } from 'vitest'
import { playRounds, run } from '#commands/test.ts'
import type { VitestOutcome } from '#commands/vitest-run.ts'

const well: VitestOutcome = { passed: 3, failed: 0, skipped: [], failedFiles: [], failures: [] }
const ill: VitestOutcome = { ...well, failed: 1, failedFiles: ['test/b.test.ts'] }

async function played(repeat: number, ...outcomes: VitestOutcome[]) {
  const [said, seeds]: [string[], number[]] = [[], []]
  let seed = 100
  const found = await playRounds(repeat, {
    files: ['test/asked.test.ts'],
    drawSeed: () => seed++,
    play: async (drawn) => outcomes[seeds.push(drawn) - 1] ?? well,
    say: (line) => void said.push(line),
  })
  return { said, seeds, found }
}

test('a number of rounds that is none is refused', async () => {
  expect(await run(['--repeat', '0'])).toBe(2)
  expect(await run(['--repeat', 'often'])).toBe(2)
})

test('the first round that fails is the last, and how to have it again is told', async () => {
  const { said, seeds, found } = await played(5, well, ill)
  expect(said).toEqual([
    'run 1 of 5',
    'run 2 of 5',
    'the same again: GRIDCALL_SEED=101 npm test -- test/b.test.ts',
  ])
  expect(seeds).toEqual([100, 101])
  expect(found).toEqual([well, ill])
})

test('where no file is to blame it is all that was asked for', async () => {
  const { said } = await played(1, { ...ill, failedFiles: [] })
  expect(said).toEqual(['the same again: GRIDCALL_SEED=100 npm test -- test/asked.test.ts'])
})

test('rounds that hold are all played, each with a seed of its own', async () => {
  const { seeds, found } = await played(3)
  expect(seeds).toEqual([100, 101, 102])
  expect(found).toEqual([well, well, well])
})
