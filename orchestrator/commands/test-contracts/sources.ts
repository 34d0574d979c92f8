import { globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { settings } from '#contracts/compiler.ts'
import { root } from '../tool.ts'

const require = createRequire(import.meta.url)

/** Solidity sources by unit name: `contracts/X.sol`, `test/contracts/X.t.sol`. */
export type Sources = Readonly<Record<string, string>>

/** A node of the compiler's syntax tree; `src` is `start:length:file`, counted in bytes. */
export type SyntaxNode = { readonly nodeType: string; readonly src: string } & Readonly<
  Record<string, unknown>
>

export type CompiledContract = {
  readonly unit: string
  readonly name: string
  readonly abi: readonly unknown[]
  readonly bytecode: string
  readonly deployedBytecode: string
}

type SolcOutput = {
  errors?: { severity: string; formattedMessage: string }[]
  sources?: Record<string, { ast: SyntaxNode }>
  contracts?: Record<
    string,
    Record<
      string,
      {
        abi: unknown[]
        evm: { bytecode: { object: string }; deployedBytecode: { object: string } }
      }
    >
  >
}
type Solc = {
  compile(input: string, callbacks: { import(path: string): { contents: string } }): string
}

/** What is deployed, and what it is put together from; mocks stand in for other people's. */
export function readContracts(): Sources {
  return read('contracts/**/*.sol', /^contracts\/(artifacts|cache|generated|mocks)\//)
}

/** Contracts, mocks, tests and what the tests need. */
export function readContractsAndTests(): Sources {
  return {
    ...read('contracts/**/*.sol', /^contracts\/(artifacts|cache|generated)\//),
    ...read('test/contracts/**/*.sol', /^$/),
  }
}

function read(pattern: string, left: RegExp): Sources {
  const units = globSync(pattern, { cwd: root })
    .map((unit) => unit.replaceAll('\\', '/'))
    .filter((unit) => !left.test(unit))
    .toSorted()
  return Object.fromEntries(units.map((unit) => [unit, readFileSync(join(root, unit), 'utf8')]))
}

/** Syntax trees by unit name, without types: quick. */
export function parseSources(sources: Sources): Readonly<Record<string, SyntaxNode>> {
  const output = runCompiler(sources, { outputSelection: { '*': { '': ['ast'] } } }, 'parsing')
  return Object.fromEntries(Object.entries(output.sources ?? {}).map(([unit, o]) => [unit, o.ast]))
}

/** Everything compiled as it is deployed. Throws with the compiler's own words on any error. */
export function compileSources(sources: Sources): CompiledContract[] {
  const wanted = ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object']
  const { contracts = {} } = runCompiler(sources, {
    ...settings,
    outputSelection: { '*': { '*': wanted } },
  })
  return Object.entries(contracts).flatMap(([unit, inUnit]) =>
    Object.entries(inUnit).map(([name, { abi, evm }]) => ({
      unit,
      name,
      abi,
      bytecode: evm.bytecode.object,
      deployedBytecode: evm.deployedBytecode.object,
    })),
  )
}

function runCompiler(sources: Sources, chosen: object, stopAfter?: 'parsing'): SolcOutput {
  const solc = require('solc') as Solc
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(
      Object.entries(sources).map(([unit, content]) => [unit, { content }]),
    ),
    settings: { ...chosen, ...(stopAfter === undefined ? {} : { stopAfter }) },
  }
  const output = JSON.parse(
    solc.compile(JSON.stringify(input), {
      import: (path) => ({ contents: readFileSync(require.resolve(path), 'utf8') }),
    }),
  ) as SolcOutput
  const errors = (output.errors ?? []).filter(({ severity }) => severity === 'error')
  if (errors.length > 0) {
    throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'))
  }
  return output
}
