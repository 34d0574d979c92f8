import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { createHighsSolver } from '#adapters/highs/driver.ts'
import { createClosedVault, openAccountVault } from '#adapters/local-keys/account-vault.ts'
import { openSigner, verifyEd25519 } from '#adapters/local-keys/keystore.ts'
import { checkMeterSignature } from '#adapters/ocmf/signature.ts'
import { createDrivers, type Drivers } from '#adapters/registry.ts'
import { createApp } from '#app.ts'
import type { Config, Part } from '#config.ts'
import { migrate } from '#db/migrate.ts'
import { createPostgresStore } from '#db/store.ts'
import { gatewayId } from '#domain/ids.ts'
import { createApi } from '#http/api.ts'
import { STREAM_TIMING } from '#http/context.ts'
import { type BullWakeUps, createBullWakeUps } from '#jobs/queue.ts'
import { standingDifferences } from '#lifecycle/check-books.ts'
import { ensureFirstOperator } from '#lifecycle/first-start.ts'
import { createMetrics } from '#observability/metrics.ts'
import type { AccountVault, Log, Ports, Timer } from '#ports.ts'
import type { Store } from '#store-ports.ts'
import { clockStarter, followClock, openClock } from './processes/business-clock.ts'
import { startLocalParties } from './processes/local-parties.ts'
import { openRail } from './processes/rail.ts'
import type { Servers } from './supervisor.ts'

/** Under which readings are signed; without devices of its own a process only imports history. */
const NAMES = { withDevices: gatewayId('gateway-1'), without: gatewayId('service-1') }
const PAGES_FOLDER = join(import.meta.dirname, '..', 'dashboards', 'dist')

export type Service = {
  readonly url: string
  readonly ports: Ports
  /** Shown once, at the first start of a database. */
  readonly operatorKey: string | null
  readonly servers: Servers
  readonly drivers: Drivers
  /** Role and pid of everything that runs beside the service. */
  readonly processes: readonly { readonly role: string; readonly pid: number }[]
  /** In order: no new requests, devices, worker, verifiers, chain, database. */
  stop(): Promise<void>
}

export type StartOptions = {
  readonly config: Config
  readonly parts: ReadonlySet<Part>
  readonly timer: Timer
  readonly log: Log
  /** Already on their way while the program loads. */
  readonly servers: Promise<Servers>
  /** Told when the API answers, which is before devices and local parties are up. */
  readonly onAnswering: (url: string) => void
}

/** Builds the real ports for parts of the service and starts them. @throws Error with one sentence for the operator */
export async function startService(options: StartOptions): Promise<Service> {
  const servers = await options.servers
  const undo: (() => Promise<void>)[] = [() => servers.stop()]
  try {
    return await assemble(options, servers, undo)
  } catch (error) {
    await runAll(undo, options.log)
    throw error
  }
}

async function assemble(
  { config, parts, timer, log, onAnswering }: StartOptions,
  servers: Servers,
  undo: (() => Promise<void>)[],
): Promise<Service> {
  const url = servers.databaseUrl
  const file = config.ibanKeyFile
  await migrate({ url, log, openVault: () => openAccountVault({ file, mayMake: true }) })
  const store = createPostgresStore({ url, log })
  undo.unshift(() => store.close())
  const vault = parts.has('api') ? await openVault(file, store) : createClosedVault()
  const clock = await openClock(config, { url, log })
  if (!parts.has('api')) {
    const following = followClock(clock, { url, log }, timer)
    undo.unshift(() => following.stop())
  }
  const drivers = createDrivers(config, { clock, timer, log })
  const isWhole = parts.has('api') && parts.has('worker')
  const mayPost = () =>
    store.transaction(async (tx) => (await standingDifferences(tx)).length === 0)
  const reach = { config, servers, databaseUrl: url, store, clock, timer, log, mayPost }
  const { rail, identity, headAt, release } = await openRail({ ...reach, mayEstablish: isWhole })
  undo.unshift(release)
  const redis = config.redisUrl === null ? {} : { redisUrl: config.redisUrl }
  const wakeUps = await createBullWakeUps({ databaseUrl: url, ...redis, clock, timer, log })
  undo.unshift(() => wakeUps.close())
  const name = config.gateway ?? (parts.has('gateway') ? NAMES.withDevices : NAMES.without)
  const signer = await openSigner(join(config.dataDir, 'keys'), name)
  await store.transaction((tx) => tx.gateways.introduce(name, signer.publicKey, clock.now()))
  const ports: Ports = {
    clock,
    startedAt: clock.now(),
    timer,
    random: { bytes: (length) => randomBytes(length) },
    log,
    store,
    wakeUps,
    rail,
    gateway: { id: name, signer },
    checkMeterSignature,
    verifySignature: verifyEd25519,
    vault,
    solver: createHighsSolver(timer),
  }
  const operatorKey = await ensureFirstOperator(ports)
  const address = await startParts(config, parts, ports, {
    drivers,
    wakeUps,
    url,
    chainHeadAt: headAt,
    onAnswering,
    undo,
  })
  const bringsParties = servers.isLocalChain || (config.rail === 'ledger' && isWhole)
  const parties = bringsParties
    ? await startLocalParties({ config, ports, apiUrl: address, rpcUrl: servers.rpcUrl, identity })
    : null
  if (parties) undo.unshift(() => parties.stop())
  const processes = [...servers.processes, ...(parties?.processes ?? [])]
  const stop = () => runAll(undo, log)
  return { url: address, ports, operatorKey, servers, drivers, processes, stop }
}

/** A key file may be made only while nothing is sealed under another one. */
async function openVault(file: string, store: Store): Promise<AccountVault> {
  const accounts = await store.transaction((tx) => tx.accounts.list())
  const readable = accounts.filter(({ wrappedKey }) => wrappedKey !== null)
  const needed = [...new Set(readable.map(({ keyId }) => keyId))]
  return openAccountVault({ file, mayMake: needed.length === 0, needed })
}

type Pieces = {
  readonly drivers: Drivers
  readonly wakeUps: BullWakeUps
  readonly url: string
  readonly chainHeadAt: () => Promise<number | null>
  readonly onAnswering: (url: string) => void
  readonly undo: (() => Promise<void>)[]
}

/** Starts the parts of the service; returns where the API answers. */
async function startParts(
  config: Config,
  parts: ReadonlySet<Part>,
  ports: Ports,
  pieces: Pieces,
): Promise<string> {
  const { drivers, wakeUps, undo } = pieces
  const app = createApp(ports)
  let address = `http://${config.host}:${config.port}`
  if (parts.has('api')) {
    const api = await startApi(config, ports, pieces)
    undo.unshift(() => api.stop())
    address = api.url
    pieces.onAnswering(address)
  }
  if (parts.has('worker')) {
    const worker = app.startWorker(wakeUps, config)
    undo.unshift(() => worker.stop())
  }
  if (parts.has('gateway')) {
    const ocppUrl = () => config.ocppUrl ?? drivers.ocpp.url('')
    const gateway = await app.startGateway(drivers.all, ocppUrl)
    undo.unshift(() => gateway.stop())
  }
  return address
}

async function startApi(config: Config, ports: Ports, { drivers, url, chainHeadAt }: Pieces) {
  const stopping = new AbortController()
  const { clock } = ports
  const api = createApi({
    ports,
    metrics: createMetrics(),
    startClock: clockStarter(clock, config, { url, log: ports.log }),
    ocppUrl: (identity) =>
      config.ocppUrl === null
        ? drivers.ocpp.url(identity)
        : `${config.ocppUrl.replace(/\/$/, '')}/${encodeURIComponent(identity)}`,
    presentedThumbprint: (id) => drivers.opcua.presentedThumbprint(id as never),
    clientCertificate: () => drivers.opcua.clientCertificate(),
    chainHeadAt,
    chainHeadAgeMaxSeconds: 120 * config.speed,
    ...(config.taxNote === null ? {} : { taxNote: config.taxNote }),
    dashboardsFolder: existsSync(PAGES_FOLDER) ? PAGES_FOLDER : null,
    stopping: stopping.signal,
    stream: STREAM_TIMING,
  })
  const server = await listen(api.fetch, config)
  const { port } = server.address() as { port: number }
  return {
    url: `http://${config.host}:${port}`,
    async stop() {
      stopping.abort()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

async function listen(
  fetch: Parameters<typeof serve>[0]['fetch'],
  config: Config,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const options = { fetch, hostname: config.host, port: config.port }
    const server = serve(options, () => resolve(server as Server)) as Server
    server.once('error', reject)
  })
}

/** Every step is tried, whatever the one before it did. */
async function runAll(steps: readonly (() => Promise<void>)[], log: Log): Promise<void> {
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      log.error('a part did not stop as it should', { error: String(error) })
    }
  }
}
