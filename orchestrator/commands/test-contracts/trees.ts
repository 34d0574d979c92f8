import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root } from '../tool.ts'
import type { StepResult } from './step.ts'

/**
 * A branch tree (`test/contracts/trees/*.tree`) says for a group of functions under which condition
 * what comes out; each leaf names the test that shows it. The first line names the test files.
 */
export type BranchTree = {
  readonly name: string
  readonly files: readonly string[]
  readonly leaves: readonly { readonly line: number; readonly test: string | null }[]
}

/** Every leaf names a test that exists, and every test of those files hangs in a tree. */
export function checkTrees(): Promise<StepResult> {
  const read = (pattern: string): [string, string][] =>
    globSync(pattern, { cwd: root })
      .toSorted()
      .map((path) => [basename(path), readFileSync(join(root, path), 'utf8')])
  const trees = read('test/contracts/trees/*.tree').map(([name, text]) => parseTree(name, text))
  const tests = new Map(read('test/contracts/*.t.sol').map(([name, text]) => [name, testsIn(text)]))
  const problems = treeProblems(trees, tests)
  for (const problem of problems) console.log(`  ${problem}`)
  const leaves = trees.reduce((sum, tree) => sum + tree.leaves.length, 0)
  return Promise.resolve({
    passed: Math.max(leaves - problems.length, 0),
    failed: leaves === 0 ? 1 : problems.length,
    says: `${leaves} leaves of ${trees.length} trees, each a test`,
  })
}

export function parseTree(name: string, text: string): BranchTree {
  const [head = '', ...lines] = text.trimEnd().split('\n')
  const depths = lines.map((line) => line.search(/[^│├└─\s]/))
  const leaves = lines.flatMap((line, i) => {
    if ((depths[i + 1] ?? -1) > (depths[i] ?? 0)) return [] // a condition with others below it
    return [{ line: i + 2, test: / -> (\w+\.\w+)$/.exec(line)?.[1] ?? null }]
  })
  return { name, files: head.match(/\w+\.t\.sol/g) ?? [], leaves }
}

/** `Contract.test_name` of each test and property in a Solidity source. */
export function testsIn(source: string): string[] {
  let contract = ''
  return source.split('\n').flatMap((line) => {
    contract = /^(?:abstract )?contract (\w+)/.exec(line)?.[1] ?? contract
    const test = /^ {2}function (test\w*)\(/.exec(line)?.[1]
    return test === undefined ? [] : [`${contract}.${test}`]
  })
}

export function treeProblems(
  trees: readonly BranchTree[],
  tests: ReadonlyMap<string, readonly string[]>,
): string[] {
  const named = new Set(trees.flatMap(({ leaves }) => leaves.map(({ test }) => test)))
  return trees.flatMap(({ name, files, leaves }) => {
    const known = new Set(files.flatMap((file) => tests.get(file) ?? []))
    return [
      ...(files.length === 0 ? [`${name}: its first line names no test file`] : []),
      ...leaves.flatMap(({ line, test }) => {
        if (test === null) return [`${name}:${line} names no test`]
        return known.has(test) ? [] : [`${name}:${line} names ${test}, which does not exist`]
      }),
      ...[...known].filter((test) => !named.has(test)).map((test) => `${name}: ${test} is no leaf`),
    ]
  })
}
