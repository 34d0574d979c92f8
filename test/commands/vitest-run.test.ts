import { describe, expect, test } from 'vitest'
import { isSuppression } from '#commands/check.ts'
import { outcomeOf } from '#commands/vitest-run.ts'

type Report = NonNullable<Parameters<typeof outcomeOf>[0]>

function file(name: string, status: 'passed' | 'failed', tests: [string, string][] = []) {
  return { name, status, assertionResults: tests.map(([status, title]) => ({ status, title })) }
}

function report(numPassedTests: number, ...testResults: ReturnType<typeof file>[]): Report {
  return { numPassedTests, testResults }
}

describe('what counts as failed', () => {
  test('a run that ended before it could report', () => {
    expect(outcomeOf(null, 1)).toMatchObject({ passed: 0, failed: 1 })
  })

  test('a file that does not load, though it has no test that could fail', () => {
    expect(outcomeOf(report(0, file('a.test.ts', 'failed')), 1)).toMatchObject({ failed: 1 })
  })

  test('an error outside of all tests', () => {
    const all = report(1, file('a.test.ts', 'passed', [['passed', 'works']]))
    expect(outcomeOf(all, 1)).toMatchObject({ passed: 1, failed: 1 })
  })

  test('every failed test, and its file not once more', () => {
    const some = file('a.test.ts', 'failed', [
      ['passed', 'works'],
      ['failed', 'is wrong'],
      ['failed', 'is wrong too'],
    ])
    expect(outcomeOf(report(1, some), 1)).toMatchObject({ passed: 1, failed: 2, skipped: [] })
  })
})

test('the files in which something failed are named', () => {
  const well = file('a.test.ts', 'passed', [['passed', 'works']])
  const { failedFiles } = outcomeOf(report(1, well, file('b.test.ts', 'failed')), 1)
  expect(failedFiles).toEqual([expect.stringMatching(/b\.test\.ts$/)])
})

describe('what failed is told in a line each', () => {
  test('a test with its file and why, without where', () => {
    const failed = {
      status: 'failed',
      title: 'is right',
      fullName: 'a sum is right',
      failureMessages: [
        'AssertionError: expected 2 to be 3\n    at a.test.ts:3:1\n    at new Promise (<anonymous>)\n  said:\nnothing',
      ],
    }
    const some = { name: 'a.test.ts', status: 'failed', assertionResults: [failed] } as const
    const { failures } = outcomeOf({ numPassedTests: 0, testResults: [some] }, 1)
    expect(failures).toEqual([
      expect.stringMatching(
        /a\.test\.ts > a sum is right: AssertionError: expected 2 to be 3 \| said: \| nothing$/,
      ),
    ])
  })

  test('a file that does not load, with its error', () => {
    const broken = { ...file('a.test.ts', 'failed'), message: 'no such module\n    at a.ts:1:1' }
    const { failures } = outcomeOf({ numPassedTests: 0, testResults: [broken] }, 1)
    expect(failures).toEqual([expect.stringMatching(/a\.test\.ts: no such module$/)])
  })

  test('a process that said much, with how it began and how it ended', () => {
    const message = ['it ended.', ...Array(500).fill('a line'), 'the last word'].join('\n')
    const broken = { ...file('a.test.ts', 'failed'), message }
    const [told = ''] = outcomeOf({ numPassedTests: 0, testResults: [broken] }, 1).failures
    expect(told).toMatch(/a\.test\.ts: it ended\. \| a line .+ the last word$/)
    expect(told.length).toBeLessThan(2000)
  })

  test('an error outside of all tests', () => {
    expect(outcomeOf(null, 7).failures).toEqual(['outside of all tests, with exit code 7'])
  })

  test('and nothing where nothing did', () => {
    const all = report(1, file('a.test.ts', 'passed', [['passed', 'works']]))
    expect(outcomeOf(all, 0).failures).toEqual([])
  })
})

test('what was skipped is named with its reason', () => {
  const reason = 'needs redis-server: redis-server is not on PATH'
  const all = report(
    1,
    file('a.test.ts', 'passed', [
      ['skipped', reason],
      ['passed', 'works'],
    ]),
  )
  const { failed, skipped } = outcomeOf(all, 0)
  expect(failed).toBe(0)
  expect(skipped).toEqual([
    { file: expect.stringMatching(/a\.test\.ts$/), tests: 1, reasons: [reason] },
  ])
})

test('a suppression is a comment that switches a tool off, and nothing else', () => {
  const mark = '@ts-expect-error'
  expect(isSuppression(`  // ${mark} the library's type is wrong`)).toBe(true)
  expect(isSuppression(`/* ${'ox'}lint-disable no-empty */`)).toBe(true)
  expect(isSuppression(`{/* ${'biome'}-ignore format: a table */}`)).toBe(true)
  expect(isSuppression(`const text = '${mark}'`)).toBe(false)
  expect(isSuppression(`// as ${mark} would`)).toBe(false)
})
