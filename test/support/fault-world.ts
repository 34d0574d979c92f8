import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '#adapters/embedded-postgres/embedded-postgres.ts'
import { createPostgresStore } from '#db/store.ts'
import { enrolScenario } from '#demo/enrol.ts'
import { freePort, keepService } from '#demo/stage.ts'
import { callId, resourceId } from '#domain/ids.ts'
import { addSeconds, parseInstant } from '#domain/time.ts'
import { openNotifications } from '#jobs/notifications.ts'
import { bundledScenario } from '#simulations/scenarios/bundled.ts'
import type { Scenario, ScenarioBattery, ScenarioCharger } from '#simulations/scenarios/scenario.ts'
import { type Child, removeServers, startChild } from '#supervisor.ts'
import { openWire } from '../adapters/opcua/proxy.ts'
import { cli } from './demo-run.ts'
import { createMachines } from './fault-machines.ts'
import { recordingLog } from './recording-log.ts'
import { wallTimer } from './wall-timer.ts'

/** Business seconds per second: fast enough to meter, slow enough to look in between. */
export const SPEED = 10
const GATEWAYS = ['gateway-1', 'gateway-2'] as const
const PAYER = `0x${'1'.repeat(40)}`

export type FaultWorld = Awaited<ReturnType<typeof startFaultWorld>>

/**
 * A service, two gateways, PostgreSQL and a chain as real processes; one charger and one battery in
 * this process, behind wires that can be cut.
 */
export async function startFaultWorld(onStop: (stop: () => Promise<void>) => void) {
  const folder = await mkdtemp(join(tmpdir(), 'gridcall-fault-'))
  onStop(() => rm(folder, { recursive: true, force: true }))
  const dataDir = join(folder, 'data')
  const scenario = oneOfEach()
  // Not where a demo looks: one that is started again beside us finds its own port free.
  const ocppPorts = [await freePort(27_887), 0]
  ocppPorts[1] = await freePort((ocppPorts[0] ?? 0) + 1)
  const service = await keepService({
    dataDir,
    port: await freePort(27_080),
    ocppPort: ocppPorts[0] ?? 0,
    speed: SPEED,
    clockStart: scenario.start,
    windows: { dispute: 180, epoch: 60 },
    meteringIntervalSeconds: scenario.meteringIntervalSeconds,
    role: 'api,worker',
    timer: wallTimer,
    say: () => undefined,
    onStop: (stop) =>
      onStop(async () => {
        await stop()
        await removeServers(dataDir, wallTimer)
      }),
  })
  const { databaseUrl, operatorKey, clientCertificatePem } = service.started
  const log = recordingLog()
  const gateways = keepGateways(service.environment, databaseUrl, ocppPorts)
  onStop(() => gateways.stop())
  const store = createPostgresStore({ url: databaseUrl, log })
  onStop(() => store.close())
  const hints = await openNotifications({ url: databaseUrl, timer: wallTimer, log })
  onStop(() => hints.close())
  const wires = await Promise.all(ocppPorts.map((port) => openWire(port)))
  const machines = await createMachines(scenario, join(folder, 'pki'), clientCertificatePem)
  wires.push(machines.batteryWire)
  onStop(async () => {
    await machines.stop()
    await Promise.all(wires.map((wire) => wire.close()))
  })
  await Promise.all(GATEWAYS.map((id) => gateways.start(id)))
  const { parties, stations } = await enrolScenario({
    scenario,
    url: () => service.started.url,
    operatorKey: operatorKey ?? '',
    payer: PAYER,
    wallet: PAYER,
    batteries: [machines.enrolment],
  })
  const [station] = stations
  if (!station) throw new Error('the scenario has a charger')
  const identity = encodeURIComponent(station.ref)
  const urls = wires.slice(0, 2).map(({ port }) => `ws://127.0.0.1:${port}/ocpp/${identity}`)
  machines.connect({ url: urls[0] ?? '', others: urls.slice(1), password: station.password })
  const { anchor } = await parties.operator.post<{ anchor: Parameters<typeof machines.run>[0] }>(
    '/v1/operator/clock',
    {},
  )
  machines.run(anchor)
  const started = () => service.processes.filter(({ role }) => role === 'service').length
  let expected = started()
  return {
    service,
    gateways,
    machines,
    wires,
    store,
    async killService(): Promise<void> {
      const before = started()
      process.kill(service.pid, 'SIGKILL')
      expected = before + 1
    },
    /** All of it again, and not only its first answer. */
    isServiceUp: () => started() >= expected,
    /** What the operator sees of each device. */
    connected: async () => {
      const resources =
        await parties.operator.get<{ health: { connected: boolean } | null }[]>('/v1/resources')
      return resources.every(({ health }) => health?.connected === true)
    },
    /** In words, for whoever reads of a failure. */
    tell: () => parties.operator.text('/v1/resources'),
    ownerOf: async (ref: string) => {
      const owners = await store.transaction((tx) =>
        tx.gateways.owners({ resourceIds: [resourceId(ref)] }),
      )
      return owners.find(({ isHeld }) => isHeld)?.gatewayId ?? null
    },
    restartDatabase: () =>
      startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres'), log, timer: wallTimer }),
    /** Writes the next row of both devices, as a dispatch would. */
    async order(validSeconds: number) {
      const now = machines.clock.now()
      const values = machines.nextValues()
      const validUntil = addSeconds(now, validSeconds)
      const common = { callId: callId('single-fault'), validFrom: now, validUntil, orderedAt: now }
      const rows = await store.transaction((tx) =>
        tx.setpoints.order(
          values.map(({ ref, powerW }) => ({ ...common, resourceId: resourceId(ref), powerW })),
        ),
      )
      await hints.notify('setpoints')
      machines.ordered(validUntil)
      return { rows, validUntil, values }
    },
    async acknowledged(): Promise<boolean[]> {
      const rows = await store.transaction((tx) => tx.setpoints.current())
      return rows.map((row) => row.acknowledgedAt !== null)
    },
  }
}

/** One charger with a car that stays, one battery, and nobody but those they belong to. */
function oneOfEach(): Scenario {
  const whole = bundledScenario(7)
  const soon = parseInstant(whole.start) + 2 * 3_600_000
  const charger = whole.devices.find(
    (device): device is ScenarioCharger =>
      device.kind === 'charger' &&
      device.visits.some(
        ({ pluggedInAt, departureAt }) =>
          Date.parse(pluggedInAt) <= parseInstant(whole.start) && Date.parse(departureAt) > soon,
      ),
  )
  const battery = whole.devices.find(
    (device): device is ScenarioBattery => device.kind === 'battery',
  )
  if (!charger || !battery) throw new Error('the bundled scenario has a charger and a battery')
  const sites = whole.sites.filter(({ ref }) => ref === charger.site || ref === battery.site)
  const owners = whole.owners.filter(({ ref }) => sites.some(({ owner }) => owner === ref))
  return { ...whole, sites, owners, devices: [{ ...charger, history: [] }, battery] }
}

/** Gateway processes by name; one that was killed is started again only when it is asked for. */
function keepGateways(
  environment: Readonly<Record<string, string>>,
  databaseUrl: string,
  ports: readonly number[],
) {
  const running = new Map<string, Child>()
  return {
    async start(id: string): Promise<void> {
      if (running.has(id)) return
      const port = ports[GATEWAYS.findIndex((one) => one === id)] ?? 0
      const child = startChild(id, [cli, 'start', '--role', 'gateway'], {
        ...environment,
        DATABASE_URL: databaseUrl,
        OCPP_PORT: String(port),
        GRIDCALL_GATEWAY: id,
      })
      running.set(id, child)
      const up = new Promise<void>((resolve, reject) => {
        child.process.once('message', () => resolve())
        child.process.once('exit', () => reject(new Error(`${id} ended before it was up`)))
      })
      await wallTimer.deadline(up, 60_000, `the start of ${id}`)
    },
    startAll: async function startAll(): Promise<void> {
      await Promise.all(GATEWAYS.map((id) => this.start(id)))
    },
    async kill(id: string): Promise<void> {
      const child = running.get(id)
      running.delete(id)
      child?.process.kill('SIGKILL')
      await child?.stop()
    },
    async stop(): Promise<void> {
      await Promise.all([...running.values()].map((child) => child.stop()))
    },
  }
}
