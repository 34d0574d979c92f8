import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '#test/support/imports.ts'

const page = readFileSync(join(root, 'contracts', 'README.md'), 'utf8')
const files = globSync(['contracts/**/*.{sol,ts}', 'test/**/*.{sol,ts,tree,json}'], {
  cwd: root,
  exclude: (name) => /(^|\/)(artifacts|cache|generated)$/.test(name),
})
const suite = files
  .filter((file) => /^test\/contracts\/[^/]+\.t\.sol$/.test(file))
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n')

/** What stands in backquotes and looks like what is wanted. */
function named(text: string, wanted: RegExp): string[] {
  return [...text.matchAll(/`([^`\s]+)`/g)].flatMap(([, name = '']) =>
    wanted.test(name) ? [name] : [],
  )
}

const missingTests = (text: string) =>
  named(text, /^(test|invariant)(Fuzz)?_\w+$/).filter((name) => {
    return !new RegExp(`function ${name}\\(`).test(suite)
  })
const missingFiles = (text: string) =>
  named(text, /^[\w/.-]+\.(sol|ts|tree|json)$/).filter((name) => {
    return !files.some((file) => file === name || file.endsWith(`/${name}`))
  })

/** The row of a table that begins with a mark. */
function row(mark: string): string {
  const found = page.split('\n').find((line) => line.startsWith(`| ${mark} |`))
  if (found === undefined) throw new Error(`no row ${mark} in contracts/README.md`)
  return found
}

describe('the page of the contracts', () => {
  test('would be caught naming a test or a file that is not there', () => {
    expect(missingTests('`test_nobodyEverWroteThis`')).toEqual(['test_nobodyEverWroteThis'])
    expect(missingFiles('`Nowhere.t.sol`')).toEqual(['Nowhere.t.sol'])
  })

  test('names tests and files that are there', () => {
    expect(missingTests(page)).toEqual([])
    expect(missingFiles(page)).toEqual([])
    expect(named(page, /^(test|invariant)(Fuzz)?_/).length).toBeGreaterThan(50)
  })

  const marks = (letter: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${letter}${i + 1}`)
  test.each([...marks('I', 14), ...marks('T', 18)])('%s has a row of its own', (mark) => {
    expect(row(mark)).toBeTruthy()
  })

  test.each(marks('T', 18))('threat %s is covered by a test', (mark) => {
    const tests = named(row(mark), /^(test|invariant)(Fuzz)?_|\.t(est)?\.(sol|ts)$/)
    expect(tests).not.toEqual([])
  })
})
