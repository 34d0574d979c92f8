import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { lanesOf } from '#commands/test-faults.ts'
import { root, runTool } from '#commands/tool.ts'
import { sumOutcomes } from '#commands/vitest-run.ts'

const files = globSync('test/faults/**/*.test.ts', { cwd: root })

describe('the lanes of the faults', () => {
  test('have nothing to run where no file is meant', () => {
    expect(lanesOf(files, ['test/faults/nothing-of-that-name'])).toEqual([])
    expect(lanesOf([], [])).toEqual([])
  })

  test('hold every file, and none twice', () => {
    const lanes = lanesOf(files, [])
    expect(lanes.map(({ name, isPatient }) => [name, isPatient])).toEqual([
      ['demos', false],
      ['rest', true],
    ])
    expect(lanes.flatMap((lane) => lane.files).toSorted()).toEqual(files.toSorted())
  })

  test('are asked for by a part of a path, as vitest is', () => {
    const all = ['test/faults/demos/kills.test.ts', 'test/faults/new-driver.test.ts']
    expect(lanesOf(all, ['kills'])).toMatchObject([{ name: 'demos', files: all.slice(0, 1) }])
    expect(lanesOf(all, ['./test/faults/new-driver'])).toMatchObject([
      { name: 'rest', files: all.slice(1) },
    ])
    expect(lanesOf(all, ['new-driver', 'kills'])).toHaveLength(2)
  })

  test('keep what boots a whole demo in the one whose files are not disturbed', () => {
    const text = (file: string) => readFileSync(join(root, file), 'utf8')
    const bootsDemo = (file: string) => /\b(?:startDemo(?:In)?|startRealWorld)\(/.test(text(file))
    const [demos] = lanesOf(files, [])
    expect(files.filter(bootsDemo).toSorted()).toEqual(demos?.files)
  })
})

test('what two lanes found is one sum, with everything that was skipped', () => {
  const skipped = (file: string) => ({ file, tests: 1, reasons: [`needs ${file}`] })
  const demos = {
    passed: 5,
    failed: 1,
    skipped: [skipped('a')],
    failedFiles: ['a'],
    failures: ['a'],
  }
  const rest = { passed: 7, failed: 0, skipped: [skipped('b')], failedFiles: [], failures: [] }
  expect(sumOutcomes([demos, rest])).toEqual({
    passed: 12,
    failed: 1,
    skipped: [skipped('a'), skipped('b')],
    failedFiles: ['a'],
    failures: ['a'],
  })
})

describe('a tool beside another', () => {
  afterEach(() => vi.restoreAllMocks())

  test('has its name before each line', async () => {
    const said: unknown[] = []
    vi.spyOn(process.stdout, 'write').mockImplementation((line) => said.push(line) > 0)
    const beside = { name: 'rest', isPatient: true }
    expect(await runTool('tsc', ['--version'], { beside })).toMatchObject({ exitCode: 0 })
    expect(said).toEqual([expect.stringMatching(/^rest \| Version \d\S+\n$/)])
  })
})
