import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Protocol, Resource } from '#domain/resource.ts'
import { recordHealth, recordSession } from '#lifecycle/record-health.ts'
import { recordSetpoint } from '#lifecycle/record-setpoint.ts'
import type { DeviceDriver, EffectiveSetpoint, Ports } from '#ports.ts'
import { createTelemetryBuffer } from './telemetry-buffer.ts'

/** Wall time: the desired rows are looked at this often even when nobody tells of a change. */
const TICK_MS = 500
const APPLY_DEADLINE_MS = 10_000
const READ_BACK_DEADLINE_MS = 5000
/** A device is asked again this often until it says that it is back at its default. */
const READ_BACK_TRIES = 10
const READ_BACK_PAUSE_MS = 300

export type Gateway = { stop(): Promise<void> }

/**
 * Holds the device connections of this process: attaches enrolled resources, takes their readings
 * in, and makes each device agree with its desired setpoint, again after a reconnect.
 */
export async function runGateway(ports: Ports, drivers: readonly DeviceDriver[]): Promise<Gateway> {
  const keeper = createKeeper(ports, drivers)
  const buffer = createTelemetryBuffer(ports)
  const later = (what: string, work: Promise<void>) => {
    work.catch((error: unknown) => ports.log.error(`${what} failed`, { error: String(error) }))
  }
  for (const driver of drivers) {
    await driver.start({
      connected(resourceId, detail) {
        keeper.forget(resourceId)
        later('recording a connection', noteHealth(ports, resourceId, true, detail))
        keeper.wake()
      },
      disconnected(resourceId, detail) {
        later('recording a lost connection', noteHealth(ports, resourceId, false, detail))
      },
      measured: (reading) => buffer.add(reading),
      session: (session) => later('recording a session', recordSession(ports, session)),
    })
  }
  await keeper.attachAll()
  const subscriptions = [
    ports.wakeUps.subscribe('setpoints', () => keeper.wake()),
    ports.wakeUps.subscribe('resources', () => later('attaching resources', keeper.attachAll())),
  ]
  const tick = ports.timer.every(TICK_MS, 'gateway tick', async () => {
    await keeper.attachAll()
    keeper.wake()
  })
  keeper.wake()
  return {
    async stop() {
      for (const subscription of subscriptions) subscription.stop()
      await tick.stop()
      await keeper.stop()
      await Promise.all(drivers.map((driver) => driver.stop()))
      await buffer.stop()
    },
  }
}

async function noteHealth(
  ports: Ports,
  resourceId: ResourceId,
  connected: boolean,
  detail: string,
): Promise<void> {
  await recordHealth(ports, { resourceId, connected, since: ports.clock.now(), detail })
}

function createKeeper(ports: Ports, drivers: readonly DeviceDriver[]) {
  const { store, log } = ports
  const driverOf = new Map<Protocol, DeviceDriver>(drivers.map((d) => [d.protocol, d]))
  const attached = new Map<ResourceId, { resource: Resource; key: string }>()
  /** The version that was last made true on the connection that stands now. */
  const applied = new Map<ResourceId, number>()
  const busy = new Map<ResourceId, Promise<void>>()
  let stopped = false

  async function attachAll(): Promise<void> {
    const resources = await store.transaction((tx) => tx.resources.list())
    for (const resource of resources) {
      const key = JSON.stringify([resource.connection, resource.rating])
      const driver = driverOf.get(resource.connection.protocol)
      if (!driver || attached.get(resource.id)?.key === key) continue
      attached.set(resource.id, { resource, key })
      await driver.attach(resource)
    }
  }

  async function applyAll(): Promise<void> {
    const rows = await store.transaction((tx) => tx.setpoints.current([...attached.keys()]))
    for (const row of rows) {
      if (applied.get(row.resourceId) === row.version || busy.has(row.resourceId)) continue
      const driver = driverOf.get(
        attached.get(row.resourceId)?.resource.connection.protocol ?? 'simulated',
      )
      if (!driver) continue
      const work = makeTrue(driver, row).then((isTrue) => {
        busy.delete(row.resourceId)
        if (isTrue) wake() // a newer row may have come meanwhile
      })
      busy.set(row.resourceId, work)
    }
  }

  /** False: the device could not be reached; the next tick tries again. */
  async function makeTrue(driver: DeviceDriver, row: SetpointRow): Promise<boolean> {
    const now = ports.clock.now()
    const isOver = row.powerW !== null && row.validUntil <= now
    if (isOver || (row.powerW === null && row.effectiveAt !== null)) {
      applied.set(row.resourceId, row.version) // the device let go by itself, or is read back
      return false
    }
    try {
      await driver.apply(row.resourceId, row, APPLY_DEADLINE_MS)
      applied.set(row.resourceId, row.version)
      // After a reconnect it is applied again; what counts is when the device first said yes.
      if (row.acknowledgedAt === null) {
        await recordSetpoint(ports, row, { acknowledgedAt: ports.clock.now() })
      }
      await readBack(driver, row)
      return true
    } catch (error) {
      await noteFailure(row, error)
      return false
    }
  }

  async function readBack(driver: DeviceDriver, row: SetpointRow): Promise<void> {
    for (let i = 0; i < READ_BACK_TRIES && !stopped; i++) {
      const effective = await driver.readBack(row.resourceId, READ_BACK_DEADLINE_MS)
      const effectiveW = effective.kind === 'limited' ? effective.powerW : null
      const agrees = confirms(row, effective)
      if (agrees) {
        const effectiveAt = row.effectiveAt ?? ports.clock.now()
        return recordSetpoint(ports, row, { effectiveAt, effectiveW })
      }
      await ports.timer.sleep(READ_BACK_PAUSE_MS)
    }
    log.warn('a device does not confirm its setpoint', { resourceId: row.resourceId })
  }

  /** A limit at or above the rated maximum is no limit: the device says that it is at its default. */
  function confirms(row: SetpointRow, effective: EffectiveSetpoint): boolean {
    if (row.powerW === null) return effective.kind === 'default'
    if (effective.kind === 'limited') return true
    const most = attached.get(row.resourceId)?.resource.rating.importMaxW
    return effective.kind === 'default' && most !== undefined && row.powerW >= most
  }

  async function noteFailure(row: SetpointRow, error: unknown): Promise<void> {
    const refusal = error instanceof Error ? error.message : String(error)
    const isRefused = error instanceof DomainError && error.code === 'device-refused'
    if (isRefused) applied.set(row.resourceId, row.version)
    log.warn('a setpoint could not be applied', { resourceId: row.resourceId, refusal })
    if (isRefused) await recordSetpoint(ports, row, { refusal })
  }

  let running: Promise<void> | null = null
  let again = false
  function wake(): void {
    if (stopped) return
    if (running) {
      again = true
      return
    }
    running = applyAll()
      .catch((error: unknown) => log.error('applying setpoints failed', { error: String(error) }))
      .finally(() => {
        running = null
        if (again) {
          again = false
          wake()
        }
      })
  }

  return {
    attachAll,
    wake,
    forget: (resourceId: ResourceId) => applied.delete(resourceId),
    async stop() {
      stopped = true
      await running
      await Promise.allSettled(busy.values())
    },
  }
}
