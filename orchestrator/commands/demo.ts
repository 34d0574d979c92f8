import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeOrLoadKey } from '#adapters/evm/keys.ts'
import { enrolScenario } from '#demo/enrol.ts'
import { watchMemory } from '#demo/memory.ts'
import { breaches, gatherOutcome } from '#demo/outcome.ts'
import { followCall, postCall } from '#demo/play.ts'
import { demoJson, demoTable } from '#demo/report.ts'
import { freePort, keepService, startFleet } from '#demo/stage.ts'
import { partiesFolder } from '#processes/local-parties.ts'
import { createWallTimer } from '#processes/wall-time.ts'
import { bundledScenario } from '#simulations/scenarios/bundled.ts'
import { loadRealDay } from '#simulations/scenarios/real-day.ts'
import type { Scenario } from '#simulations/scenarios/scenario.ts'

const HELP = `gridcall demo [--once] [--json] [--seed N] [--speed N] [--disobey N] [--silent N] [--drop N]
              [--feeder FILE --sessions FILE --day YYYY-MM-DD]

Starts everything on this machine, enrols a simulated fleet and runs a flexibility call from the
request to the payout. It stays up until Ctrl-C; --once ends after the payout, --json prints one
JSON object. --disobey N: that many devices say yes and do nothing.`

const OPTIONS = {
  once: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' },
  speed: { type: 'string', default: '60' },
  disobey: { type: 'string', default: '2' },
  silent: { type: 'string', default: '0' },
  drop: { type: 'string', default: '0' },
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
  const timer = createWallTimer()
  const seed = whole('seed', values.seed, 0)
  const speed = whole('speed', values.speed, 1)
  const faults = {
    disobey: whole('disobey', values.disobey, 0),
    silent: whole('silent', values.silent, 0),
    drop: whole('drop', values.drop, 0),
  }
  const scenario = await chooseScenario(values, seed)
  if (scenario.input) say(`input ${JSON.stringify(scenario.input)}`)
  const folder = await makeFolder()
  const fleetLog = join(folder, 'fleet.jsonl')
  const [port, ocppPort] = [await freePort(8080), await freePort(8887)]
  if (port !== 8080) say(`port 8080 is taken; this demo answers on ${port}`)
  const began = timer.monotonicMs()

  const dataDir = join(folder, 'data')
  const onStop = (step: () => Promise<void>) => void stop.push(step)
  const [service, fleet] = await Promise.all([
    keepService({
      dataDir,
      port,
      ocppPort,
      speed,
      clockStart: scenario.start,
      windows: { dispute: 180, epoch: 60 },
      meteringIntervalSeconds: scenario.meteringIntervalSeconds,
      timer,
      say,
      onStop,
    }).then((kept) => ({ kept, bootMs: timer.monotonicMs() - began })),
    startFleet({ scenario, folder, logFile: fleetLog, faults, timer, onStop }),
  ])
  say(`fleet runs as process ${fleet.pid}`)
  const { kept, bootMs } = service
  const memory = watchMemory(timer, () => [process.pid, ...kept.processes.map(({ pid }) => pid)])

  const payer = await makeOrLoadKey(partiesFolder(dataDir), 'dso')
  const wallet = await makeOrLoadKey(partiesFolder(dataDir), 'wallet')
  const { operatorKey, clientCertificatePem, rpcUrl } = kept.started
  if (operatorKey === null) throw new Error('a fresh database must bring an operator key')
  const { parties, stations } = await enrolScenario({
    scenario,
    url: () => kept.started.url,
    operatorKey,
    payer: payer.address,
    wallet: wallet.address,
    batteries: fleet.batteries,
  })
  await fleet.connect(stations, clientCertificatePem)
  await untilAllConnected(parties.operator, timer)
  const { anchor } = await parties.operator.post<{ anchor: Anchor }>('/v1/operator/clock', {})
  fleet.startClock(anchor)
  say(`${scenario.devices.length} devices are connected; business time runs ${speed} times as fast`)
  say(`Pages: ${kept.started.url}/dso /aggregator /owner, with these keys:`)
  for (const [role, key] of Object.entries(parties.keys)) say(`  ${role}: ${key}`)

  const callBegan = timer.monotonicMs()
  const { main, overlapping } = scenario.calls
  const id = await postCall(parties.dso, main, 'demo-main')
  const otherIds = overlapping ? [await postCall(parties.dso, overlapping, 'demo-overlapping')] : []
  const deadlineMs =
    60_000 + (Date.parse(main.windowEnd) - Date.parse(scenario.start)) / speed + 3_600_000 / speed
  const follow = (callId: string, name: string) =>
    followCall({ id: callId, name, parties, payerKey: payer.privateKey, deadlineMs, timer, say })
  const [call, ...others] = await Promise.all([
    follow(id, 'call').then((ended) => {
      callMs = timer.monotonicMs() - callBegan
      return ended
    }),
    ...otherIds.map((other) => follow(other, 'second call')),
  ])
  await untilWithdrawn(parties.operator, timer)
  const report = await fleet.report()
  const outcome = await gatherOutcome({ scenario, parties, call, others, report, rpcUrl })
  const evidenceFile = join(folder, 'evidence.json')
  if (call.evidence) {
    await writeFile(evidenceFile, await parties.dso.text(`/v1/flexibility-calls/${id}/evidence`))
  }
  const peakPssMb = await memory.stop()
  const installSeconds = Number(process.env.GRIDCALL_INSTALL_SECONDS ?? 0)
  const seconds = {
    install: installSeconds,
    boot: seconded(bootMs),
    call: seconded(callMs),
    total: seconded(timer.monotonicMs() - began + installSeconds * 1000),
  }
  const extras = {
    seed,
    fleetLog,
    evidenceFile,
    wallet: wallet.address,
    payer: payer.address,
    verifierPids: kept.processes.filter((p) => p.role.startsWith('verifier')).map((p) => p.pid),
    peakPssMb,
    seconds,
  }
  const wrong = breaches(outcome)
  if (values.json) process.stdout.write(`${JSON.stringify(demoJson(outcome, extras))}\n`)
  else process.stdout.write(demoTable(outcome, extras, kept.started.url))
  for (const sentence of wrong) say(`does not hold: ${sentence}`)
  return wrong.length === 0 ? 0 : 1
}

type Anchor = { readonly wallMs: number; readonly businessMs: number; readonly speed: number }

let callMs = 0

function seconded(ms: number): number {
  return Math.round(ms / 100) / 10
}

/** Evidence, receipts' source and the fleet's log stay; servers' data goes with the demo. */
async function makeFolder(): Promise<string> {
  const stamp = new Date().toISOString().replace(/[-:]/g, '').slice(0, 15)
  const folder = join(process.cwd(), '.data', `demo-${stamp}-${process.pid}`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return folder
}

type Timer = ReturnType<typeof createWallTimer>
type Api = Awaited<ReturnType<typeof enrolScenario>>['parties']['operator']

const CONNECT_MS = 40_000

async function untilAllConnected(operator: Api, timer: Timer): Promise<void> {
  const giveUpAt = timer.monotonicMs() + CONNECT_MS
  for (;;) {
    const resources =
      await operator.get<{ id: string; health: { connected: boolean } | null }[]>('/v1/resources')
    const away = resources.filter(({ health }) => !health?.connected)
    if (away.length === 0) return
    if (timer.monotonicMs() > giveUpAt) {
      throw new Error(`not connected: ${away.map(({ id }) => id).join(', ')}`)
    }
    await timer.sleep(150)
  }
}

/** The DSO's rest and the fee are handed out after the owners are paid. */
async function untilWithdrawn(operator: Api, timer: Timer): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const { reconciled } = await operator.get<{ reconciled: boolean }>(
      '/v1/operator/reconciliation',
    )
    const events = await operator.get<{ kind: string }[]>('/v1/operator/transactions')
    const withdrawn = events.filter(({ kind }) => kind === 'CreditWithdrawn').length
    const finals = events.some(
      ({ kind }) => kind === 'RequestFinalized' || kind === 'RequestRefunded',
    )
    if (reconciled && (withdrawn >= 2 || !finals)) return
    await timer.sleep(200)
  }
}
