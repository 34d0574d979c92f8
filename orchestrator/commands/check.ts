import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { printCounts, root, runTool, type tools } from './tool.ts'
import { printFailures } from './vitest-run.ts'

type Check = {
  readonly what: string
  readonly tool: keyof typeof tools
  readonly args: readonly string[]
}

const checks: readonly Check[] = [
  { what: 'types', tool: 'tsc', args: ['--noEmit', '-p', '.'] },
  { what: 'lint', tool: 'oxlint', args: ['--quiet'] },
  { what: 'format', tool: 'biome', args: ['format', '.'] },
  { what: 'dead code', tool: 'knip', args: ['--no-progress'] },
]

const folders = ['orchestrator', 'adapters', 'contracts', 'simulations', 'dashboards', 'test']
const generated = /(^|\/)(generated|artifacts|cache|dist|node_modules)\//

/** `gridcall check`: types, lint, format and dead code; lists what was told to look away. */
export async function run(): Promise<number> {
  let passed = 0
  const failures: string[] = []
  for (const { what, tool, args } of checks) {
    console.log(`${what} (${tool})`)
    const { exitCode } = await runTool(tool, args)
    if (exitCode === 0) passed += 1
    else failures.push(`check ${what} (${tool})`)
  }
  const suppressions = findSuppressions()
  console.log(`suppressions: ${suppressions.length}`)
  for (const suppression of suppressions) console.log(`  ${suppression}`)
  printFailures(failures)
  return printCounts({ passed, failed: checks.length - passed })
}

/** Comments that tell a tool to look away, as `file:line text`. */
function findSuppressions(): string[] {
  return sourceFiles().flatMap((file) => {
    const lines = readFileSync(file, 'utf8').split('\n')
    return lines.flatMap((line, index) =>
      isSuppression(line) ? [`${relative(root, file)}:${index + 1} ${line.trim()}`] : [],
    )
  })
}

/** True for a comment that switches a tool off; a mention in a text or later in a comment is none. */
export function isSuppression(line: string): boolean {
  return /(?:\/\/|\/\*|<!--)\s*(?:@ts-(?:expect-error|ignore|nocheck)|\w+lint-disable|biome-ignore)/.test(
    line,
  )
}

function sourceFiles(): string[] {
  const nested = folders.flatMap((folder) => {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    return names.map((name) => join(folder, name))
  })
  return [...nested, ...readdirSync(root)]
    .filter((name) => /\.([cm]?[jt]sx?|sol|css)$/.test(name) && !generated.test(name))
    .toSorted()
    .map((name) => join(root, name))
}
