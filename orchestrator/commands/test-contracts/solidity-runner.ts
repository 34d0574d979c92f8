import { createRequire } from 'node:module'
import { compilerVersion, settings } from '#contracts/compiler.ts'
import { root } from '../tool.ts'
import type { CompiledContract } from './sources.ts'

/** The EVM that Hardhat runs Solidity tests in: it takes bytecode, so a change needs no compiler. */
type Edr = {
  EdrContext: new () => EdrContext
  L1_CHAIN_TYPE: string
  l1SolidityTestRunnerFactory(): unknown
}
type EdrContext = {
  registerSolidityTestRunnerFactory(chainType: string, factory: unknown): Promise<void>
  runSolidityTests(
    chainType: string,
    artifacts: readonly EdrArtifact[],
    suites: readonly EdrArtifact['id'][],
    config: object,
    tracing: object,
    done: (suite: { id: EdrArtifact['id']; testResults: readonly TestResult[] }) => void,
  ): Promise<unknown>
}
type EdrArtifact = {
  readonly id: { readonly name: string; readonly source: string; readonly solcVersion: string }
  readonly contract: {
    readonly abi: string
    readonly bytecode: string
    readonly deployedBytecode: string
  }
}
type TestResult = {
  readonly name: string
  readonly status: string
  readonly reason?: string
  readonly valueSnapshotGroups?: readonly {
    readonly entries: readonly { readonly name: string; readonly value: string }[]
  }[]
}

export type SuiteOutcome = {
  readonly unit: string
  readonly contract: string
  readonly passed: readonly string[]
  readonly failed: readonly { readonly name: string; readonly reason: string }[]
  /** What tests noted with `vm.snapshot…`, by name. */
  readonly figures: Readonly<Record<string, number>>
}

export type RunSettings = {
  readonly fuzzRuns: number
  readonly invariantRuns: number
  readonly invariantDepth: number
  /** Tests whose name matches are left out. */
  readonly leaveOut?: string
  /** Every call of a test is a transaction of its own. */
  readonly isolate?: boolean
}

const requireFromHardhat = createRequire(createRequire(import.meta.url).resolve('hardhat'))

/** Contracts with at least one function that the runner takes for a test. */
export function isSuite({ unit, abi, bytecode }: CompiledContract): boolean {
  return (
    unit.endsWith('.t.sol') &&
    bytecode !== '' &&
    (abi as { type: string; name?: string }[]).some(
      ({ type, name = '' }) => type === 'function' && /^(test|invariant)/.test(name),
    )
  )
}

/** Opens the runner once; what it gives runs suites as often as wanted. */
export async function openRunner() {
  const edr = requireFromHardhat('@nomicfoundation/edr') as Edr
  const context = new edr.EdrContext()
  await context.registerSolidityTestRunnerFactory(
    edr.L1_CHAIN_TYPE,
    edr.l1SolidityTestRunnerFactory(),
  )

  /** Runs `suites`, with `contracts` beside them; a fixed seed makes the outcome repeatable. */
  return async function runSuites(
    contracts: readonly CompiledContract[],
    suites: readonly CompiledContract[],
    { fuzzRuns, invariantRuns, invariantDepth, leaveOut, isolate = false }: RunSettings,
  ): Promise<SuiteOutcome[]> {
    const outcomes: SuiteOutcome[] = []
    const { promise: allTold, resolve: tellAll } = Promise.withResolvers<void>()
    if (suites.length === 0) return outcomes
    const config = {
      projectRoot: root,
      hardfork: settings.evmVersion,
      isolate,
      disableBlockGasLimit: true,
      disableTransactionGasCap: true,
      fuzz: { runs: fuzzRuns, seed: '0x1' },
      invariant: { runs: invariantRuns, depth: invariantDepth, failOnRevert: true },
      ...(leaveOut === undefined ? {} : { excludeTestPattern: leaveOut }),
    }
    await context.runSolidityTests(
      edr.L1_CHAIN_TYPE,
      contracts.map(artifactOf),
      suites.map((suite) => artifactOf(suite).id),
      config,
      { buildInfos: [] },
      ({ id, testResults }) => {
        outcomes.push({
          unit: id.source,
          contract: id.name,
          passed: testResults.filter(({ status }) => status === 'Success').map(({ name }) => name),
          failed: testResults
            .filter(({ status }) => status === 'Failure')
            .map(({ name, reason = '' }) => ({ name, reason })),
          figures: Object.fromEntries(testResults.flatMap((result) => notedBy(result))),
        })
        if (outcomes.length === suites.length) tellAll()
      },
    )
    await allTold // the run may be over before the last of its suites is told
    return outcomes
  }
}

function notedBy({ valueSnapshotGroups = [] }: TestResult): [string, number][] {
  return valueSnapshotGroups.flatMap(({ entries }) =>
    entries.map(({ name, value }): [string, number] => [name, Number(value)]),
  )
}

function artifactOf({
  unit,
  name,
  abi,
  bytecode,
  deployedBytecode,
}: CompiledContract): EdrArtifact {
  return {
    id: { name, source: unit, solcVersion: compilerVersion },
    contract: {
      abi: JSON.stringify(abi),
      bytecode: `0x${bytecode}`,
      deployedBytecode: `0x${deployedBytecode}`,
    },
  }
}
