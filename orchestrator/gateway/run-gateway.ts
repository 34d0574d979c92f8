import type { ResourceId } from '#domain/ids.ts'
import { recordCapability, recordCondition } from '#lifecycle/record-device.ts'
import { recordHealth, recordSession } from '#lifecycle/record-health.ts'
import type { DeviceDriver, Ports } from '#ports.ts'
import { keepSetpoints } from './keep-setpoints.ts'
import { createTelemetryBuffer } from './telemetry-buffer.ts'

/** Wall time: the desired rows are looked at this often even when nobody tells of a change. */
const TICK_MS = 500

export type Gateway = { stop(): Promise<void> }

/**
 * Holds the device connections of this process: attaches enrolled resources, takes their readings
 * in, and makes each device agree with its desired setpoint, again after a reconnect.
 */
export async function runGateway(ports: Ports, drivers: readonly DeviceDriver[]): Promise<Gateway> {
  const keeper = keepSetpoints(ports, drivers)
  const buffer = createTelemetryBuffer(ports, (readings) => keeper.heard(readings))
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
      capability: (resourceId, capability) =>
        later('recording a capability', recordCapability(ports, resourceId, capability)),
      limitedElsewhere: (resourceId, externalLimitW, source) => {
        const externalSource = externalLimitW === null ? null : source
        const change = { externalLimitW, externalSource }
        later('recording a limit', recordCondition(ports, resourceId, change))
      },
      overridden: (resourceId, isOn) => {
        const change = { overrideSince: isOn ? ports.clock.now() : null }
        later('recording an override', recordCondition(ports, resourceId, change))
      },
      security: ({ resourceId, kind, detail }) =>
        ports.log.warn('security event of a device', { resourceId, kind, detail }),
    })
  }
  await keeper.attachAll()
  const subscriptions = [
    ports.wakeUps.subscribe('setpoints', () => keeper.wake()),
    ports.wakeUps.subscribe('resources', () => later('attaching resources', keeper.attachAll())),
  ]
  const tick = ports.timer.every(TICK_MS, 'gateway tick', async () => {
    try {
      await keeper.attachAll()
    } catch (error) {
      // The store may be away for a while; the next tick looks again.
      ports.log.error('attaching resources failed', { error: String(error) })
    }
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
