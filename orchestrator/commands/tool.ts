import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'

/** The checkout. */
export const root = resolve(import.meta.dirname, '..', '..')

/** A program of an npm package, as a script for our own Node: no shell, no PATH. */
export const tools = {
  biome: '@biomejs/biome/bin/biome',
  hardhat: 'hardhat/dist/src/cli.js',
  knip: 'knip/bin/knip.js',
  oxlint: 'oxlint/bin/oxlint',
  tsc: 'typescript/bin/tsc',
  vitest: 'vitest/vitest.mjs',
} as const

export type ToolResult = { readonly exitCode: number; readonly output: string }

/**
 * Runs a tool in the checkout. What it prints goes through as it comes and, with `keepOutput`, is
 * handed back too. Signals that end us end it first.
 */
export async function runTool(
  tool: keyof typeof tools,
  args: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>
    readonly keepOutput?: boolean
  } = {},
): Promise<ToolResult> {
  const { env = {}, keepOutput = false } = options
  const script = join(root, 'node_modules', ...tools[tool].split('/'))
  const child = spawn(process.execPath, [script, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', keepOutput ? 'pipe' : 'inherit', 'inherit'],
  })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    process.stdout.write(chunk)
  })
  const pass = (signal: NodeJS.Signals) => child.kill(signal)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, pass)
  try {
    return await new Promise<ToolResult>((resolveResult, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolveResult({ exitCode: code ?? 1, output }))
    })
  } finally {
    for (const signal of signals) process.off(signal, pass)
  }
}

export type Counts = { readonly passed: number; readonly failed: number }

export function sum(counts: readonly Counts[]): Counts {
  return {
    passed: counts.reduce((total, { passed }) => total + passed, 0),
    failed: counts.reduce((total, { failed }) => total + failed, 0),
  }
}

/** The line that machines read; nothing may follow it. Returns the exit code. */
export function printCounts({ passed, failed }: Counts): number {
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0 ? 0 : 1
}
