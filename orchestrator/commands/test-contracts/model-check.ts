import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { root } from '../tool.ts'
import type { Sources } from './sources.ts'
import type { StepResult } from './step.ts'

/** What became of the asserts of a proof. */
export type Proof = {
  readonly safe: number
  readonly unproved: number
  /** The checker's own words on what it could not prove. */
  readonly doubts: readonly string[]
}

/** A source with one statement taken out. */
export type Broken = {
  readonly line: number
  readonly text: string
  readonly source: string
  /** The function that it stood in. */
  readonly within: string
}

const books = 'contracts/EscrowAccounting.sol'
const rules = 'test/contracts/support/ProvedBooks.sol'
const units = [books, 'contracts/interfaces/IEscrowAccounting.sol', rules]
const ENDED_AFTER_MS = 120_000
/** As many as the machines have cores that this is made for. */
const AT_ONCE = 2

/**
 * The compiler's model checker on the pool's books, move by move. Then on the same books with each
 * of their statements taken out once: the move that it belongs to must no longer be proved.
 */
export async function modelCheck(): Promise<StepResult> {
  const cases = proofCases()
  const proofs = await inTurn(cases, (name) => proveCase(name))
  for (const doubt of proofs.flatMap(({ doubts }) => doubts)) console.log(doubt)
  const all = sumOf(proofs)
  const broken = brokenLines(readBooks())
  const without = await inTurn(broken, ({ within, source }) => proveCase(caseOf(within), source))
  const unnoticed = broken.filter((_, i) => without[i]?.unproved === 0)
  for (const { line, text: statement } of unnoticed) {
    console.log(`  ${books}:${line} ${statement} -> STILL PROVED WITHOUT IT`)
  }
  const noticed = broken.length - unnoticed.length
  return {
    passed: all.safe + noticed,
    failed: all.unproved + unnoticed.length + (all.safe === 0 || noticed === 0 ? 1 : 0),
    says: `${figuresOf(all)} in ${cases.length} cases; ${noticed} of ${broken.length} statements missed`,
  }
}

/** `N asserts safe, M unproved`. */
export function figuresOf({ safe, unproved }: Proof): string {
  return `${safe} asserts safe, ${unproved} unproved`
}

export function sumOf(proofs: readonly Proof[]): Proof {
  return {
    safe: proofs.reduce((sum, { safe }) => sum + safe, 0),
    unproved: proofs.reduce((sum, { unproved }) => sum + unproved, 0),
    doubts: proofs.flatMap(({ doubts }) => doubts),
  }
}

/** The books as they are deployed. */
export function readBooks(): string {
  return read(books)
}

/** The contracts of the proof: a new pool, and one for each move. */
export function proofCases(): string[] {
  return [...read(rules).matchAll(/^contract (\w+) is BooksRules/gm)].map(([, name]) => `${name}`)
}

/** The case that proves an internal function of the books, or a move that goes through it. */
export function caseOf(within: string): string {
  const isMove = new RegExp(`function ${within}\\([^)]*\\)\\s+internal`).test(readBooks())
  const caller = isMove ? within : (functionsOf(readBooks()).find(isCalling(within))?.name ?? '')
  return caller.slice(1, 2).toUpperCase() + caller.slice(2)
}

/**
 * What is proved of these books in one case, for every state and every argument. Ended after two
 * minutes: then nothing is.
 */
export async function proveCase(name: string, source = readBooks()): Promise<Proof> {
  const sources = {
    ...Object.fromEntries(units.map((unit) => [unit, read(unit)])),
    [books]: source,
  }
  const messages = await askChecker(name, sources)
  const fault = messages.find(({ severity }) => severity === 'error')
  if (fault !== undefined) throw new Error(fault.formattedMessage)
  const safe = messages.filter(({ message }) => message.endsWith('violation check is safe!')).length
  const doubts = messages
    .filter(({ message }) => /violation (might happen|happens) here/.test(message))
    .map(({ formattedMessage }) => formattedMessage)
  const unproved = Math.max(assertsOf(name) - safe, doubts.length)
  return {
    safe,
    unproved,
    doubts: unproved > 0 && doubts.length === 0 ? [`${name}: ended`] : doubts,
  }
}

/** Its own, and those that every move ends with. */
function assertsOf(name: string): number {
  const [, common = '', ...others] = read(rules).split(/^(?:abstract )?contract /m)
  const own = others.find((each) => each.startsWith(`${name} is`)) ?? ''
  const count = (part: string) => part.match(/^\s*assert\(/gm)?.length ?? 0
  return count(own) + (own.includes('keepsTheRules') ? count(common) : 0)
}

type Message = {
  readonly severity: string
  readonly message: string
  readonly formattedMessage: string
}

async function askChecker(name: string, sources: Sources): Promise<readonly Message[]> {
  const checker = fileURLToPath(new URL('./model-checker.ts', import.meta.url))
  const child = spawn(process.execPath, [checker], {
    timeout: ENDED_AFTER_MS,
    killSignal: 'SIGKILL',
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(
    JSON.stringify({
      language: 'Solidity',
      sources: Object.fromEntries(
        Object.entries(sources).map(([unit, content]) => [unit, { content }]),
      ),
      settings: {
        modelChecker: {
          engine: 'bmc', // a step is a single call: nothing has to be found out about sequences
          solvers: ['z3'],
          targets: ['assert'],
          showProvedSafe: true,
          showUnproved: true,
          contracts: { [rules]: [name] },
        },
        outputSelection: { '*': { '*': ['abi'] } },
      },
    }),
  )
  const printed = await text(child.stdout)
  return printed === '' ? [] : (JSON.parse(printed) as Message[])
}

/** Every statement of a body that the rest compiles without. */
export function brokenLines(source: string): Broken[] {
  const lines = source.split('\n')
  return functionsOf(source).flatMap(({ name, first, last }) => {
    const found: Broken[] = []
    for (let from = first + 1; from < last; from += 1) {
      if (!/^ {4}\S/.test(lines[from] ?? '')) continue
      const to = lines.findIndex((line, i) => i >= from && line.endsWith(';'))
      const text = lines
        .slice(from, to + 1)
        .join(' ')
        .replaceAll(/\s+/g, ' ')
        .trim()
      const without = lines.toSpliced(from, to + 1 - from).join('\n')
      const isDeclared = /^(return\b|\w+ (memory )?\w+( =|;))/.test(text)
      if (!isDeclared) found.push({ line: from + 1, text, source: without, within: name })
      from = to
    }
    return found
  })
}

type FunctionLines = {
  readonly name: string
  readonly first: number
  readonly last: number
  readonly body: string
}

function functionsOf(source: string): FunctionLines[] {
  const lines = source.split('\n')
  return lines.flatMap((line, head) => {
    const name = /^ {2}function (\w+)\(/.exec(line)?.[1]
    if (name === undefined) return []
    const first = lines.findIndex((each, i) => i >= head && each.endsWith('{'))
    const last = lines.findIndex((each, i) => i > first && each === '  }')
    return [{ name, first, last, body: lines.slice(first + 1, last).join('\n') }]
  })
}

const isCalling =
  (name: string) =>
  ({ body }: FunctionLines): boolean =>
    body.includes(` ${name}(`)

function read(unit: string): string {
  return readFileSync(join(root, unit), 'utf8')
}

/** In order, as many at once as there are cores for. */
async function inTurn<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let i = 0; i < items.length; i += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(i, i + AT_ONCE).map(run))))
  }
  return results
}
