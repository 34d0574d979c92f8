import { spawn } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

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

/** How a tool runs beside others. */
export type Beside = {
  /** Stands before each of its lines. */
  readonly name: string
  /** It takes what the others leave of the machine. */
  readonly isPatient: boolean
}

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
    /** Nothing goes through; what it prints on either stream is handed back. */
    readonly isQuiet?: boolean
    readonly beside?: Beside
  } = {},
): Promise<ToolResult> {
  const { env = {}, keepOutput = false, isQuiet = false, beside } = options
  const isHeard = keepOutput || isQuiet || beside !== undefined
  const isApart = isQuiet || beside !== undefined
  const script = join(root, 'node_modules', ...tools[tool].split('/'))
  const child = spawn(process.execPath, [script, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', isHeard ? 'pipe' : 'inherit', isApart ? 'pipe' : 'inherit'],
  })
  if (beside?.isPatient) lowerPriority(child.pid)
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    if (!isApart) process.stdout.write(chunk)
  })
  if (isQuiet) child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  if (beside !== undefined) {
    passOn(child.stdout, process.stdout, beside.name)
    passOn(child.stderr, process.stderr, beside.name)
  }
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

/** Whole lines, each with the name of who said it. */
function passOn(from: Readable | null, to: Writable, name: string): void {
  if (from === null) return
  createInterface({ input: from }).on('line', (line) => void to.write(`${name} | ${line}\n`))
}

/** What it starts from now on has its priority too. */
function lowerPriority(pid: number | undefined): void {
  if (pid === undefined) return // it could not be started, which its error event says
  setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
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
