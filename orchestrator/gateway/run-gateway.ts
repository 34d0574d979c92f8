import { recordSession } from '#lifecycle/record-session.ts'
import type { DeviceDriver, DeviceSink, GatewayPorts } from '#ports.ts'
import { armDevices } from './arm-devices.ts'
import { createConnectionLog } from './connection-log.ts'
import { createDeviceReports } from './device-reports.ts'
import { holdDevices } from './hold-devices.ts'
import { keepSetpoints } from './keep-setpoints.ts'
import { watchLeases } from './leases.ts'
import { renewCredentials } from './renew-credentials.ts'
import { createTelemetryBuffer } from './telemetry-buffer.ts'

/** Wall time: beats, devices and desired rows are looked at this often, told of a change or not. */
const TICK_MS = 500

export type Gateway = {
  /** Settles when another process acts under this gateway's name: this one has let go. */
  readonly displaced: Promise<void>
  stop(): Promise<void>
}

/**
 * Holds device connections: attaches enrolled resources, takes their readings in, and makes each
 * device that this gateway holds agree with its desired setpoint, again after a reconnect. Several
 * gateways share the devices of one store.
 * @throws DomainError 'duplicate' if its name is known with another key
 */
export async function runGateway(
  ports: GatewayPorts,
  drivers: readonly DeviceDriver[],
  ocppUrl: () => string | null = () => null,
): Promise<Gateway> {
  const { store, clock, timer } = ports
  const { id, signer } = ports.gateway
  const leases = watchLeases(timer, id)
  const devices = holdDevices(ports, drivers, leases)
  const keeper = keepSetpoints(ports, devices.attached)
  const armer = armDevices(ports, devices.attached)
  const buffer = createTelemetryBuffer(ports, (readings) => keeper.heard(readings))
  const connections = createConnectionLog(ports, (changes) => {
    for (const { resourceId, connected } of changes) {
      if (!connected) continue
      keeper.forget(resourceId)
      armer.forget(resourceId)
    }
    keeper.wake()
    armer.wake()
  })
  const reports = createDeviceReports(ports)
  const credentials = renewCredentials(ports, devices.attached)
  const instance = Buffer.from(ports.random.bytes(8)).toString('hex')
  await store.transaction((tx) => tx.gateways.introduce(id, signer.publicKey, clock.now()))
  for (const driver of drivers)
    await driver.start(sinkOf(ports, driver, { connections, buffer, reports, credentials }))
  await store.transaction(async (tx) => {
    await tx.gateways.begin({ id, instance, ocppUrl: ocppUrl() })
    await tx.gateways.beat(id, instance, clock.now())
  })
  const holding = keepHolding(ports, instance, async () => {
    connections.claimAgain(await devices.attachAll())
  })
  await holding.look()
  const subscriptions = [
    ports.wakeUps.subscribe('setpoints', () => {
      keeper.wake()
      armer.wake()
    }),
    ports.wakeUps.subscribe('resources', () => void holding.look()),
  ]
  const displaced = Promise.withResolvers<void>()
  const tick = timer.every(TICK_MS, 'gateway tick', async () => {
    if (!(await holding.beat())) displaced.resolve()
    await holding.look()
    credentials.look()
    keeper.wake()
    armer.wake()
  })
  keeper.wake()
  armer.wake()
  const stop = async () => {
    for (const subscription of subscriptions) subscription.stop()
    await tick.stop()
    await keeper.stop()
    await armer.stop()
    await credentials.stop()
    await Promise.all(drivers.map((driver) => driver.stop()))
    await connections.stop()
    await reports.stop()
    await buffer.stop()
    await holding.leave()
  }
  return { displaced: displaced.promise, stop: once(stop) }
}

/** The lease of this process, and what it holds under it. A store that is away may come back. */
function keepHolding(ports: GatewayPorts, instance: string, attachAll: () => Promise<void>) {
  const { store, clock, log } = ports
  const { id } = ports.gateway
  let looking: Promise<void> | null = null
  let isAsked = false
  const attempt = async <T>(what: string, work: Promise<T>): Promise<T | null> => {
    try {
      return await work
    } catch (error) {
      log.error(`${what} failed`, { error: String(error) })
      return null
    }
  }
  async function lookWhileAsked(): Promise<void> {
    while (isAsked) {
      isAsked = false
      await attempt('attaching resources', attachAll())
    }
  }
  return {
    /** False: another process acts under this name. */
    async beat(): Promise<boolean> {
      const beating = store.transaction((tx) => tx.gateways.beat(id, instance, clock.now()))
      return (await attempt('renewing the lease', beating)) !== false
    },
    /**
     * One look at a time: two would attach a device twice. Who asks while one runs may know of
     * something that it has not seen: then another one follows.
     */
    async look(): Promise<void> {
      isAsked = true
      looking ??= lookWhileAsked().finally(() => {
        looking = null
      })
      await looking
    },
    async leave(): Promise<void> {
      await looking
      await attempt(
        'leaving',
        store.transaction((tx) => tx.gateways.leave(id, instance)),
      )
    },
  }
}

/** Who writes down what devices tell. */
type Takers = {
  readonly connections: ReturnType<typeof createConnectionLog>
  readonly buffer: ReturnType<typeof createTelemetryBuffer>
  readonly reports: ReturnType<typeof createDeviceReports>
  readonly credentials: ReturnType<typeof renewCredentials>
}

function sinkOf(
  ports: GatewayPorts,
  { protocol }: DeviceDriver,
  { connections, buffer, reports, credentials }: Takers,
): DeviceSink {
  const later = (what: string, work: Promise<void>) => {
    work.catch((error: unknown) => ports.log.error(`${what} failed`, { error: String(error) }))
  }
  return {
    connected(resourceId, detail) {
      credentials.note(resourceId, true)
      connections.note(protocol, resourceId, true, detail)
    },
    disconnected(resourceId, detail) {
      credentials.note(resourceId, false)
      connections.note(protocol, resourceId, false, detail)
    },
    renewed: (resourceId, passwordSha256) => credentials.adopt(resourceId, passwordSha256),
    measured: (reading) => buffer.add(reading),
    session: (session) => later('recording a session', recordSession(ports, session)),
    capability: reports.capability,
    limitedElsewhere: reports.limitedElsewhere,
    overridden: reports.overridden,
    signed: reports.signed,
    security: reports.security,
  }
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  return () => (running ??= run())
}
