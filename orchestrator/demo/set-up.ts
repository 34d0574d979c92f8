import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { makeOrLoadKey, type PartyKey } from '#adapters/evm/keys.ts'
import { partiesFolder } from '#processes/local-parties.ts'
import { createWallTimer } from '#processes/wall-time.ts'
import type { Scenario } from '#simulations/scenarios/scenario.ts'
import { removeServers } from '#supervisor.ts'
import type { PartyApi } from './api.ts'
import { enrolScenario, type Parties } from './enrol.ts'
import { type GatewaysKeeper, gatewayPorts, splitStations, startGateways } from './gateways.ts'
import {
  type FleetKeeper,
  freePort,
  keepService,
  type ServiceKeeper,
  type ServiceOptions,
  startFleet,
} from './stage.ts'

export type DemoTimer = ReturnType<typeof createWallTimer>

export type DemoOptions = {
  readonly scenario: Scenario
  readonly speed: number
  /** Default: a local chain. */
  readonly rail?: 'evm' | 'ledger'
  readonly faults: { readonly disobey: number; readonly silent: number; readonly drop: number }
  /** 0: the service holds the devices itself; else so many gateways beside it. */
  readonly gateways?: number
  readonly say: (line: string) => void
  readonly onStop: (stop: () => Promise<void>) => void
}

/** Everything is up, enrolled and connected; business time runs. */
export type Stage = {
  readonly scenario: Scenario
  readonly timer: DemoTimer
  readonly folder: string
  readonly fleetLog: string
  readonly service: ServiceKeeper
  readonly fleet: FleetKeeper
  readonly parties: Parties
  /** null: the service holds the devices itself. */
  readonly gateways: GatewaysKeeper | null
  readonly anchor: Anchor
  readonly payer: PartyKey
  readonly wallet: PartyKey
  readonly beganMs: number
}

const ROOT = join(import.meta.dirname, '..', '..')
/** Business seconds of the demo's pool. */
const WINDOWS = { dispute: 180, epoch: 60 }
const CONNECT_MS = 40_000
const PORT_TRIES = 4

type Anchor = { readonly wallMs: number; readonly businessMs: number; readonly speed: number }

/** Starts service and fleet, enrols everybody over REST, and sets the clock going. */
export async function setUp(options: DemoOptions): Promise<Stage> {
  const { scenario, speed, faults, say, onStop } = options
  const timer = createWallTimer()
  const beganMs = timer.monotonicMs()
  const folder = await makeFolder()
  const fleetLog = join(folder, 'fleet.jsonl')
  const { meteringIntervalSeconds } = scenario
  const { rail = 'evm' } = options
  const clock = { speed, rail, clockStart: scenario.start, windows: WINDOWS }
  const keeping = { ...clock, meteringIntervalSeconds, timer, say, onStop }
  const [{ service, dataDir, gateways }, fleet] = await Promise.all([
    keepOnFreePorts(folder, options.gateways ?? 0, keeping),
    startFleet({ scenario, folder, logFile: fleetLog, faults, timer, onStop }),
  ])
  say(`fleet runs as process ${fleet.pid}`)
  const payer = await makeOrLoadKey(partiesFolder(dataDir), 'dso')
  const wallet = await makeOrLoadKey(partiesFolder(dataDir), 'wallet')
  const { operatorKey, clientCertificatePem } = service.started
  if (operatorKey === null) throw new Error('a fresh database must bring an operator key')
  await fleet.connect([], clientCertificatePem) // batteries trust us before they are dialled
  const { parties, stations } = await enrolScenario({
    scenario,
    url: () => service.started.url,
    operatorKey,
    payer: payer.address,
    wallet: wallet.address,
    batteries: fleet.batteries,
  })
  if (rail === 'ledger') await recordDeposit(parties.operator, payer.address)
  const all = gateways === null ? stations : splitStations(stations, gateways.all)
  await fleet.connect(all, clientCertificatePem)
  await untilAllConnected(parties.operator, timer)
  const { anchor } = await parties.operator.post<{ anchor: Anchor }>('/v1/operator/clock', {})
  fleet.startClock(anchor)
  say(`${scenario.devices.length} devices are connected; business time runs ${speed} times as fast`)
  say(`Pages: ${service.started.url}/dso /aggregator /owner /operator, with these keys:`)
  for (const [role, key] of Object.entries(parties.keys)) say(`  ${role}: ${key}`)
  const world = { scenario, timer, folder, fleetLog, service, gateways, fleet, parties, anchor }
  return { ...world, payer, wallet, beganMs }
}

/** On a local chain the payer begins with as much play money. */
async function recordDeposit(operator: PartyApi, account: string): Promise<void> {
  const movement = { direction: 'in', account, amountMinor: '10000000000000' }
  const reference = 'DEMO DEPOSIT 1'
  await operator.post('/v1/operator/ledger/bank-movements', { ...movement, reference })
}

type KeepOptions = Omit<ServiceOptions, 'dataDir' | 'port' | 'ocppPort' | 'role'>

/** Another demo that starts at the same moment may be quicker: then it is the next ports. */
async function keepOnFreePorts(folder: string, count: number, options: KeepOptions) {
  const { timer, say } = options
  for (let tries = 1; ; tries++) {
    const port = await freePort(8080)
    const ports = await gatewayPorts(Math.max(1, count))
    const ocppPort = ports[0] ?? 0
    if (port !== 8080) say(`port 8080 is taken; this demo answers on ${port}`)
    const dataDir = join(folder, tries === 1 ? 'data' : `data-${tries}`)
    let gateways: GatewaysKeeper | null = null
    const onStop = (stop: () => Promise<void>) =>
      options.onStop(async () => {
        await gateways?.stop() // devices are let go before the database is gone
        await stop()
        await removeServers(dataDir, timer)
      })
    const role = count === 0 ? null : 'api,worker'
    try {
      const service = await keepService({ ...options, dataDir, port, ocppPort, role, onStop })
      const { environment, started } = service
      const { databaseUrl } = started
      if (count > 0) gateways = await startGateways({ ports, environment, databaseUrl, timer, say })
      return { service, dataDir, gateways }
    } catch (error) {
      const isTaken = (await freePort(port)) !== port || (await freePort(ocppPort)) !== ocppPort
      if (!isTaken || tries === PORT_TRIES) throw error
    }
  }
}

/** Evidence, the scenario and the fleet's log stay here. */
async function makeFolder(): Promise<string> {
  const stamp = new Date().toISOString().replace(/[-:]/g, '').slice(0, 15)
  const folder = join(ROOT, '.data', `demo-${stamp}-${process.pid}`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return folder
}

async function untilAllConnected(operator: PartyApi, timer: DemoTimer): Promise<void> {
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
