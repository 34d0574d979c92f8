import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../tool.ts'
import { isSuite, openRunner } from './solidity-runner.ts'
import { compileSources, readContractsAndTests } from './sources.ts'
import type { StepResult } from './step.ts'

type Figures = Readonly<Record<string, number>>

const unit = 'test/contracts/GasSnapshot.t.sol'
const file = join(root, 'test', 'contracts', 'gas-snapshot.json')
const TOLERANCE_PERCENT = 1

/** The gas of every function against the figures in the snapshot: within 1 %, more and less. */
export async function checkGas(): Promise<StepResult> {
  const { figures, fallen } = await measureGas()
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Figures) : {}
  const deviations = gasDeviations(kept, figures)
  for (const line of [...fallen, ...deviations]) console.log(`  ${line}`)
  const failed = deviations.length + fallen.length
  if (failed > 0) console.log('  as it should be? gridcall test:contracts --snapshot')
  const count = Object.keys(figures).length
  return {
    passed: count - Math.min(count, deviations.length),
    failed: count === 0 ? Math.max(failed, 1) : failed,
    says: `${count - deviations.length} of ${count} figures within ${TOLERANCE_PERCENT} %`,
  }
}

/** Writes the figures of today's contracts. */
export async function writeGas(): Promise<StepResult> {
  const { figures, fallen } = await measureGas()
  for (const line of fallen) console.log(`  ${line}`)
  if (fallen.length === 0) writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`)
  const count = Object.keys(figures).length
  return { passed: count, failed: fallen.length, says: `${count} figures written` }
}

/** What is not as it was: one line per figure that moved, came or went. */
export function gasDeviations(kept: Figures, found: Figures): string[] {
  const names = [...new Set([...Object.keys(kept), ...Object.keys(found)])].toSorted()
  return names.flatMap((name) => {
    const [before, now] = [kept[name], found[name]]
    if (before === undefined) return [`${name}: ${now} gas, not in the snapshot`]
    if (now === undefined) return [`${name}: in the snapshot, measured by no test`]
    const percent = ((now - before) / before) * 100
    if (Math.abs(percent) <= TOLERANCE_PERCENT) return []
    return [`${name}: ${before} -> ${now} gas (${percent > 0 ? '+' : ''}${percent.toFixed(1)} %)`]
  })
}

/** Each call in a transaction of its own, so that no slot is warm by the test's doing. */
async function measureGas(): Promise<{ figures: Figures; fallen: string[] }> {
  const compiled = compileSources(readContractsAndTests())
  const suites = compiled.filter((contract) => contract.unit === unit && isSuite(contract))
  const runSuites = await openRunner()
  const settings = { fuzzRuns: 1, invariantRuns: 1, invariantDepth: 1, isolate: true }
  const outcomes = await runSuites(compiled, suites, settings)
  const entries = outcomes.flatMap(({ figures }) => Object.entries(figures))
  return {
    figures: Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    fallen: outcomes.flatMap(({ contract, failed }) =>
      failed.map(({ name, reason }) => `${contract}.${name}: ${reason}`),
    ),
  }
}
