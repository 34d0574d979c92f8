import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Timer } from '#ports.ts'
import type { ClockAnchor } from '#simulations/clock.ts'
import type { FleetReport } from '#simulations/fleet-messages.ts'
import { type FleetBatteries, type FleetStations, forkFleet } from '#simulations/fleet-process.ts'
import type { Scenario } from '#simulations/scenarios/scenario.ts'
import { type Child, startChild } from '#supervisor.ts'

const BOOT_MS = 90_000
const FLEET_MS = 60_000
/** A service that dies is started again, but not for ever. */
const RESTARTS_MAX = 10

/** What a started service tells whoever started it. */
export type Started = {
  readonly url: string
  readonly operatorKey: string | null
  readonly processes: readonly { readonly role: string; readonly pid: number }[]
  /** null: money is on a ledger without a chain. */
  readonly rpcUrl: string | null
  readonly databaseUrl: string
  readonly clientCertificatePem: string
}

export type ServiceKeeper = {
  readonly started: Started
  /** From the start of the process to its first HTTP answer, wall milliseconds. */
  readonly bootMs: number
  /** Every pid that the service or its children had so far, by role. */
  readonly processes: readonly { role: string; pid: number }[]
  readonly pid: number
  /** The settings that everything of this demo shares. */
  readonly environment: Readonly<Record<string, string>>
  stop(): Promise<void>
}

export type ServiceOptions = {
  readonly dataDir: string
  readonly port: number
  readonly ocppPort: number
  readonly speed: number
  readonly clockStart: string
  readonly windows: { readonly dispute: number; readonly epoch: number }
  readonly meteringIntervalSeconds: number
  /** null: the service holds the devices itself. */
  readonly role: 'api,worker' | null
  /** Default: a local chain. */
  readonly rail?: 'evm' | 'ledger'
  readonly timer: Timer
  readonly say: (line: string) => void
  /** Told at once how to end what is started, before it is up. */
  readonly onStop: (stop: () => Promise<void>) => void
}

/** Keeps `gridcall start` running on fixed ports: killed, it is started again on the same data. */
export async function keepService(options: ServiceOptions): Promise<ServiceKeeper> {
  const { timer, say } = options
  const environment = settingsOf(options)
  const cli = join(import.meta.dirname, '..', 'cli.ts')
  const processes: { role: string; pid: number }[] = []
  let stopping = false
  let restarts = 0
  let child: Child | null = null
  let started: Started
  let bootMs = 0
  const stop = async () => {
    stopping = true
    await child?.stop()
  }
  options.onStop(stop)

  async function bringUp(): Promise<void> {
    const role = options.role === null ? [] : ['--role', options.role]
    const mine = startChild('service', [cli, 'start', ...role], environment)
    child = mine
    const beganMs = timer.monotonicMs()
    mine.process.on('message', (message: { type?: string }) => {
      if (message.type === 'answering') bootMs = timer.monotonicMs() - beganMs
    })
    started = await timer.deadline(untilStarted(mine), BOOT_MS, 'the start of the service')
    processes.push({ role: 'service', pid: mine.pid }, ...started.processes)
    mine.process.once('exit', () => {
      if (!stopping)
        revive().catch((error: unknown) => say(`the service is gone: ${String(error)}`))
    })
  }

  async function revive(): Promise<void> {
    restarts += 1
    if (restarts > RESTARTS_MAX) throw new Error(`it died ${restarts} times`)
    say('the service died; it is started again on the same data')
    try {
      await bringUp()
    } catch (error) {
      if (stopping) throw error
      await revive() // killed again before it was up
    }
  }

  await bringUp()
  return {
    processes,
    environment,
    get started() {
      return started
    },
    get bootMs() {
      return bootMs
    },
    get pid() {
      return child?.pid ?? 0
    },
    stop,
  }
}

/** Its charge points are on this machine, whatever is set for a service beside it. */
function settingsOf(options: ServiceOptions): Record<string, string> {
  return {
    GRIDCALL_DATA_DIR: options.dataDir,
    GRIDCALL_RAIL: options.rail ?? 'evm',
    PORT: String(options.port),
    OCPP_PORT: String(options.ocppPort),
    GRIDCALL_OCPP_SECURITY_PROFILE: '1',
    GRIDCALL_OCPP_TLS_CERT: '',
    GRIDCALL_OCPP_TLS_KEY: '',
    GRIDCALL_OCPP_TLS_CLIENT_CA: '',
    GRIDCALL_OCPP_TLS_CLIENT_CRL: '',
    GRIDCALL_SPEED: String(options.speed),
    GRIDCALL_CLOCK_START: options.clockStart,
    GRIDCALL_DISPUTE_WINDOW: String(options.windows.dispute),
    GRIDCALL_EPOCH_WINDOW: String(options.windows.epoch),
    // A refund belongs to the day that is shown; so nothing can be paused in it.
    GRIDCALL_REFUND_GRACE: '0',
    GRIDCALL_METERING_INTERVAL: String(options.meteringIntervalSeconds),
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'error',
  }
}

function untilStarted({ process: child }: Child): Promise<Started> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code, signal) => {
      reject(new Error(`the service ended before it was up (${signal ?? `exit code ${code}`})`))
    })
    child.on('message', (message: { type?: string }) => {
      if (message.type === 'started') resolve(message as unknown as Started)
    })
  })
}

export type FleetKeeper = {
  readonly pid: number
  readonly batteries: FleetBatteries
  connect(stations: FleetStations, clientCertificatePem: string): Promise<void>
  startClock(anchor: ClockAnchor): void
  move(refs: readonly string[]): void
  report(): Promise<FleetReport>
  stop(): Promise<void>
}

/** Starts the fleet as a process of its own; it meets the service over sockets only. */
export async function startFleet(options: {
  readonly scenario: Scenario
  readonly folder: string
  readonly logFile: string
  readonly faults: { readonly disobey: number; readonly silent: number; readonly drop: number }
  readonly timer: Timer
  readonly onStop: (stop: () => Promise<void>) => void
}): Promise<FleetKeeper> {
  const { scenario, folder, logFile, faults, timer } = options
  const scenarioFile = join(folder, 'scenario.json')
  await writeFile(scenarioFile, JSON.stringify(scenario))
  const fleet = forkFleet({ scenarioFile, logFile, faults })
  options.onStop(() => fleet.stop())
  const within = <T>(promise: Promise<T>, what: string) => timer.deadline(promise, FLEET_MS, what)
  return {
    pid: fleet.pid,
    batteries: await within(fleet.ready(), "the fleet's batteries"),
    connect: (stations, pem) => within(fleet.connect(stations, pem), 'the charge points'),
    startClock: (anchor) => fleet.startClock(anchor),
    move: (refs) => fleet.move(refs),
    report: () => within(fleet.report(), "the fleet's report"),
    stop: () => fleet.stop(),
  }
}

/** The first free port from one on. */
export async function freePort(from: number, host = '127.0.0.1'): Promise<number> {
  for (let port = from; port < from + 200; port++) {
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer()
      probe.once('error', () => resolve(false))
      probe.listen(port, host, () => probe.close(() => resolve(true)))
    })
    if (isFree) return port
  }
  throw new Error(`no free port from ${from} to ${from + 199}`)
}
