import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { openFleetLog } from './fleet-log.ts'
import type { FromFleet, ToFleet } from './fleet-messages.ts'
import type { Scenario } from './scenarios/scenario.ts'

/*
 * The fleet's process. Forked with an IPC channel by whoever plays a scenario (fleet-process.ts):
 *   node simulations/run.ts SCENARIO.json --log FILE [--disobey N] [--silent N] [--drop N]
 * It ends on the message 'stop', when its parent is gone, and on SIGTERM or SIGINT.
 */

const CONNECT_DEADLINE_MS = 30_000
const STOP_DEADLINE_MS = 3_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    log: { type: 'string' },
    disobey: { type: 'string', default: '0' },
    silent: { type: 'string', default: '0' },
    drop: { type: 'string', default: '0' },
  },
})

const folder = mkdtempSync(path.join(tmpdir(), 'gridcall-fleet-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

function count(name: 'disobey' | 'silent' | 'drop'): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= 0) return value
  throw new Error(`--${name}: expected a whole number of at least 0, got ${values[name]}`)
}

function readScenario(): Scenario {
  const [file] = positionals
  if (file === undefined) throw new Error('expected the path of a scenario, got none')
  const scenario = JSON.parse(readFileSync(file, 'utf8')) as Scenario
  if (values.seed === undefined || Number(values.seed) === scenario.seed) return scenario
  throw new Error(`--seed ${values.seed}: the scenario was made with seed ${scenario.seed}`)
}

function send(message: FromFleet): void {
  process.send?.(message, (error: Error | null) => {
    if (error !== null) process.exit(1) // nobody is there to be told
  })
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`fleet: ${message}\n`)
  send({ type: 'failed', message })
}

function failForGood(error: unknown): void {
  fail(error)
  setTimeout(() => process.exit(1), 100) // after the message has gone
}

async function main(): Promise<void> {
  const scenario = readScenario()
  const faults = { disobey: count('disobey'), silent: count('silent'), drop: count('drop') }
  const { Fleet } = await import('./fleet.ts') // brings the protocol stacks, which takes a second
  const log = openFleetLog(values.log ?? path.join(folder, 'fleet.jsonl'))
  const fleet = new Fleet({ scenario, faults, log, folder })

  let stopping = false
  const stop = () => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref()
    fleet.stop().then(() => process.exit(0), failForGood)
  }
  process.on('disconnect', stop)
  process.on('SIGTERM', stop)
  // Ctrl-C reaches the whole group: a parent decides itself when its devices may go.
  process.on('SIGINT', () => process.connected || stop())
  process.on('message', (message: ToFleet) => {
    if (message.type === 'stop') stop()
    if (message.type === 'clock') fleet.anchor(message.anchor)
    if (message.type === 'move') fleet.move(message.refs)
    if (message.type === 'report') send({ type: 'report', ...fleet.report() })
    if (message.type !== 'connect') return
    fleet.connect(message, CONNECT_DEADLINE_MS).then(() => send({ type: 'connected' }), fail)
  })
  send({ type: 'ready', batteries: await fleet.start() })
}

main().catch(failForGood)
