import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { judgeChanges } from '#demo/change-gateways.ts'
import { watchMemory } from '#demo/memory.ts'
import { breaches, gatherOutcome } from '#demo/outcome.ts'
import { demoJson, demoTable } from '#demo/report.ts'
import { runCalls } from '#demo/run-calls.ts'
import { type Stage, setUp } from '#demo/set-up.ts'
import type { OperatorCallView } from '#demo/views.ts'
import { parseInstant } from '#domain/time.ts'
import { parseBundle } from '#domain/verification.ts'
import { bundledScenario } from '#simulations/scenarios/bundled.ts'
import { loadRealDay } from '#simulations/scenarios/real-day.ts'
import type { Scenario } from '#simulations/scenarios/scenario.ts'
import { callsPicture } from './simulate/call-picture.ts'
import { drawnCall, type DrawnRebound } from './simulate/drawn-call.ts'

const HELP = `gridcall demo [--once] [--json] [--seed N] [--speed N] [--disobey N] [--silent N] [--drop N]
              [--gateways N] [--rail evm|ledger] [--feeder FILE --sessions FILE --day YYYY-MM-DD]

Starts everything on this machine, enrols a simulated fleet and runs a flexibility call from the
request to the payout. It stays up until Ctrl-C; --once ends after the payout, --json prints one
JSON object. --disobey N: that many devices say yes and do nothing. --gateways N: devices hang on N
processes beside the service, and a third of the charge points change between them in the window.
--rail: where the money is, on a local chain (evm, the default) or on a ledger without one.`

const OPTIONS = {
  once: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' },
  speed: { type: 'string', default: '60' },
  disobey: { type: 'string', default: '2' },
  silent: { type: 'string', default: '0' },
  drop: { type: 'string', default: '0' },
  rail: { type: 'string', default: 'evm' },
  gateways: { type: 'string' },
  feeder: { type: 'string' },
  sessions: { type: 'string' },
  day: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']

/** `gridcall demo`: exit code 0 only if the call was paid and every check held. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS })
  if (values.help) {
    process.stdout.write(`${HELP}\n`)
    return 0
  }
  const stop: (() => Promise<void>)[] = []
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => resolve('interrupted'))
    }
  })
  try {
    const played = play(values, stop)
    const first = await Promise.race([played, interrupted])
    if (first === 'interrupted') {
      played.catch(() => undefined) // its world is taken away under it
      return 130
    }
    if (!values.once) {
      say('Gridcall stays up; Ctrl-C ends it.')
      await interrupted
    }
    return first
  } finally {
    await Promise.all(stop.map((step) => step()))
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

function whole(name: string, text: string | undefined, least: number): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new Error(`--${name}: expected a whole number from ${least}, got ${text}`)
}

function parseRail(text: string | undefined): 'evm' | 'ledger' {
  if (text === 'evm' || text === 'ledger') return text
  throw new Error(`--rail: expected evm or ledger, got ${text}`)
}

async function chooseScenario(values: Values, seed: number): Promise<Scenario> {
  const { feeder, sessions, day } = values
  if (feeder === undefined && sessions === undefined && day === undefined) {
    return bundledScenario(seed)
  }
  if (feeder === undefined || sessions === undefined || day === undefined) {
    throw new Error('--feeder, --sessions and --day: expected all three, got only some')
  }
  return loadRealDay(seed, day, { feeder, sessions })
}

async function play(values: Values, stop: (() => Promise<void>)[]): Promise<number> {
  const seed = whole('seed', values.seed, 0)
  const speed = whole('speed', values.speed, 1)
  const faults = {
    disobey: whole('disobey', values.disobey, 0),
    silent: whole('silent', values.silent, 0),
    drop: whole('drop', values.drop, 0),
  }
  const scenario = await chooseScenario(values, seed)
  if (scenario.input) say(`input ${JSON.stringify(scenario.input)}`)
  const onStop = (step: () => Promise<void>) => void stop.push(step)
  const gateways = values.gateways === undefined ? 0 : whole('gateways', values.gateways, 2)
  const rail = parseRail(values.rail)
  const stage = await setUp({ scenario, speed, rail, faults, gateways, say, onStop })
  const { service, timer, parties } = stage
  const memory = watchMemory(timer, () => [process.pid, ...service.processes.map((p) => p.pid)])
  const { moved, ...played } = await runCalls(stage, speed, say)
  const report = await stage.fleet.report()
  const { rpcUrl, url } = service.started
  const held = stage.gateways && {
    lines: await stage.gateways.lines(parties.operator),
    changes: await judgeChanges(stage.fleetLog, moved, scenario.calls.main.windowEnd),
  }
  const ended = { ...played, report, rpcUrl, gateways: held }
  const outcome = await gatherOutcome({ scenario, parties, ...ended })
  const evidenceFile = await saveEvidence(stage, played.call)
  const extras = {
    seed,
    fleetLog: stage.fleetLog,
    evidenceFile,
    picture: await savePicture(stage, played.call, evidenceFile),
    chainFile: await saveChain(stage),
    wallet: stage.wallet.address,
    payer: stage.payer.address,
    verifierPids: service.processes.flatMap((p) => (p.role.startsWith('verifier') ? [p.pid] : [])),
    peakPssMb: await memory.stop(),
    seconds: secondsOf(stage, played.callMs),
  }
  const wrong = breaches(outcome)
  if (values.json) process.stdout.write(`${JSON.stringify(demoJson(outcome, extras))}\n`)
  else process.stdout.write(demoTable(outcome, extras, url))
  for (const sentence of wrong) say(`does not hold: ${sentence}`)
  return wrong.length === 0 ? 0 : 1
}

/** The bundle, byte for byte as verifiers signed it; where nothing was measured, no file. */
async function saveEvidence(stage: Stage, call: OperatorCallView): Promise<string> {
  const file = join(stage.folder, 'evidence.json')
  if (call.evidence) {
    const path = `/v1/flexibility-calls/${call.id}/evidence`
    await writeFile(file, await stage.parties.dso.text(path))
  }
  return file
}

/** The call as a drawing, made from its evidence; null where nothing was measured. */
async function savePicture(
  { folder, scenario }: Stage,
  call: OperatorCallView,
  evidenceFile: string,
): Promise<string | null> {
  if (!call.evidence) return null
  const bundle = parseBundle((await readFile(evidenceFile, 'utf8')).trimEnd())
  const came = `${call.deliveredWh} of ${call.orderedWh} Wh ordered`
  const heading = `${came}: power of all that had a part, kW`
  const file = join(folder, 'call.svg')
  const title = `Call of the demo, seed ${scenario.seed}`
  await writeFile(file, callsPicture(title, [drawnCall(heading, bundle, reboundOf(call))]))
  return file
}

/** null: all devices went back at once, or were not all back yet. */
function reboundOf({ rebound }: OperatorCallView): DrawnRebound | null {
  if (!rebound?.measured) return null
  const { from, until, baselineWh } = rebound.measured
  const periods = rebound.periods.map(({ start, end, ...powers }) => {
    return { start: parseInstant(start), end: parseInstant(end), ...powers }
  })
  return { from: parseInstant(from), until: parseInstant(until), baselineWh, periods }
}

/** What `chain reconcile --offline` recomputes every balance from. */
async function saveChain(stage: Stage): Promise<string> {
  const file = join(stage.folder, 'chain.json')
  await writeFile(file, await stage.parties.operator.text('/v1/operator/books'))
  return file
}

function secondsOf({ timer, beganMs, service }: Stage, callMs: number) {
  const rounded = (ms: number) => Math.round(ms / 100) / 10
  const install = Number(process.env.GRIDCALL_INSTALL_SECONDS ?? 0)
  const total = timer.monotonicMs() - beganMs + install * 1000
  return { install, boot: rounded(service.bootMs), call: rounded(callMs), total: rounded(total) }
}
