import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ClockAnchor } from './clock.ts'
import type { FaultCounts } from './faults.ts'
import type { FleetReport, FromFleet, ToFleet } from './fleet-messages.ts'

const RUN = fileURLToPath(new URL('./run.ts', import.meta.url))
const STOP_DEADLINE_MS = 5_000
/** A small young generation halves what the fleet holds, and must be set at birth. */
const NODE_FLAGS = ['--max-semi-space-size=1']

export type FleetStations = Extract<ToFleet, { type: 'connect' }>['stations']
export type FleetBatteries = Extract<FromFleet, { type: 'ready' }>['batteries']

/** The fleet as a child process; every promise fails with the fleet's own words when it fails. */
export type FleetProcess = {
  readonly pid: number
  /** The batteries' servers are up. */
  ready(): Promise<FleetBatteries>
  /** Resolves when every charge point has booted. */
  connect(stations: FleetStations, clientCertificatePem: string): Promise<void>
  startClock(anchor: ClockAnchor): void
  /** These charge points hang up and dial the next of their gateways. */
  move(refs: readonly string[]): void
  report(): Promise<FleetReport>
  /** Ends the process, by force if it does not go; resolves when it is gone. */
  stop(): Promise<void>
}

/**
 * Forks the fleet. Whoever waits for it sets the deadline; the fleet ends by itself when this
 * process is gone.
 */
export function forkFleet(options: {
  /** A `Scenario` as a JSON file. */
  readonly scenarioFile: string
  readonly logFile: string
  readonly faults?: Partial<FaultCounts>
  readonly env?: NodeJS.ProcessEnv
}): FleetProcess {
  const { scenarioFile, logFile, faults = {}, env = process.env } = options
  const args = [scenarioFile, '--log', logFile]
  for (const [name, value] of Object.entries(faults)) args.push(`--${name}`, String(value))
  const child = fork(RUN, args, {
    env,
    execArgv: NODE_FLAGS,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'], // stdout belongs to the parent
  })
  const heard = listen(child)
  return {
    pid: child.pid ?? 0,
    ready: async () => (await heard('ready')).batteries,
    async connect(stations, clientCertificatePem) {
      child.send({ type: 'connect', stations, clientCertificatePem } satisfies ToFleet)
      await heard('connected')
    },
    startClock(anchor) {
      child.send({ type: 'clock', anchor } satisfies ToFleet)
    },
    move(refs) {
      child.send({ type: 'move', refs } satisfies ToFleet)
    },
    async report() {
      child.send({ type: 'report' } satisfies ToFleet)
      return await heard('report')
    },
    stop: () => stop(child),
  }
}

type Heard = <T extends FromFleet['type']>(type: T) => Promise<Extract<FromFleet, { type: T }>>

/** Each message is handed to the first that waits for its kind, or kept until somebody does. */
function listen(child: ChildProcess): Heard {
  const kept: FromFleet[] = []
  const waiting: { type: string; take(message: FromFleet): void; fail(error: Error): void }[] = []
  let failure: Error | null = null
  const failAll = (error: Error) => {
    failure ??= error
    for (const { fail } of waiting.splice(0)) fail(failure)
  }
  child.on('message', (message: FromFleet) => {
    if (message.type === 'failed') return failAll(new Error(`the fleet failed: ${message.message}`))
    const index = waiting.findIndex(({ type }) => type === message.type)
    if (index === -1) kept.push(message)
    else waiting.splice(index, 1)[0]?.take(message)
  })
  child.on('error', failAll)
  child.on('exit', (code, signal) => {
    failAll(new Error(`the fleet ended with ${signal ?? `exit code ${code}`}`))
  })
  return (type) =>
    new Promise((resolve, reject) => {
      const index = kept.findIndex((message) => message.type === type)
      const take = (message: FromFleet) =>
        resolve(message as Extract<FromFleet, { type: typeof type }>)
      const [found] = index === -1 ? [] : kept.splice(index, 1)
      if (found !== undefined) take(found)
      else if (failure !== null) reject(failure)
      else waiting.push({ type, take, fail: reject })
    })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
  if (child.connected) child.send({ type: 'stop' } satisfies ToFleet)
  else child.kill('SIGTERM')
  await gone
  clearTimeout(force)
}
