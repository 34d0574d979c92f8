import { isSuite, openRunner, type RunSettings, type SuiteOutcome } from './solidity-runner.ts'
import {
  type CompiledContract,
  compileSources,
  parseSources,
  readContracts,
  readContractsAndTests,
} from './sources.ts'
import type { StepResult } from './step.ts'
import { addSwitches, type Switch, switchOff } from './switches.ts'

/** Units first: they take a moment. The walks only for what the units let pass. */
const units: RunSettings = {
  fuzzRuns: 16,
  invariantRuns: 1,
  invariantDepth: 1,
  leaveOut: '^invariant',
}
const walks: RunSettings = { fuzzRuns: 500, invariantRuns: 24, invariantDepth: 100 }

/**
 * Deletes every `require` of every deployed contract and library, one at a time, and then every
 * single operand of their conditions: some test must fall each time.
 */
export async function deleteEveryRequire(): Promise<StepResult> {
  const own = readContracts()
  const { sources, switches } = addSwitches(own, parseSources(own))
  const all = { ...readContractsAndTests(), ...sources }
  const compiled = compileSources(all)
  const runSuites = await openRunner()
  const suites = compiled.filter((contract) => isSuite(contract))

  // What falls with every check in place (the size limit does, the switches take room) tells nothing.
  const already = new Set(namesOf(await runSuites(compiled, suites, units)))
  const firstFall = async (
    contracts: readonly CompiledContract[],
    tried: readonly CompiledContract[],
    settings: RunSettings,
  ) => namesOf(await runSuites(contracts, tried, settings)).find((name) => !already.has(name))

  const survivors: Switch[] = []
  for (const one of switches) {
    const contracts = switchOff(compiled, one)
    const likely = suites.filter(({ unit }) => all[unit]?.includes(one.error) === true)
    const fallen =
      (await firstFall(contracts, likely, units)) ??
      (await firstFall(contracts, suites, units)) ??
      (await firstFall(contracts, suites, walks))
    if (fallen === undefined) survivors.push(one)
    console.log(`  ${one.unit}:${one.line} ${short(one.text)} -> ${fallen ?? 'NO TEST FELL'}`)
  }
  const caught = (kind: Switch['kind']) => {
    const count = switches.filter((one) => one.kind === kind).length
    return `${count - survivors.filter((one) => one.kind === kind).length} of ${count}`
  }
  return {
    passed: switches.length - survivors.length,
    // Without a single test that stood before, nothing that falls would mean anything.
    failed: survivors.length + (already.size > 1 ? already.size : 0),
    says: `${caught('require')} requires, ${caught('operand')} operands of their conditions`,
  }
}

function namesOf(outcomes: readonly SuiteOutcome[]): string[] {
  return outcomes.flatMap(({ contract, failed }) =>
    failed.map(({ name }) => `${contract}.${name.replace(/\(.*$/, '')}`),
  )
}

function short(text: string): string {
  return text.length > 72 ? `${text.slice(0, 71)}…` : text
}
