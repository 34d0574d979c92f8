import { type Arming, packSamples } from '#domain/arming.ts'
import { DomainError } from '#domain/errors.ts'
import type { ResourceId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { recordArming } from '#lifecycle/record-arming.ts'
import type { DeviceDriver, GatewayPorts } from '#ports.ts'
import type { Attached } from './attachments.ts'
import { createLooks } from './looks.ts'

/** Wall time. */
const ARM_DEADLINE_MS = 10_000
const RECORDING_DEADLINE_MS = 60_000
/** A recording that has not come by then is asked for no more, s. */
const GIVEN_UP_SECONDS = 86_400

/**
 * Arms the droop curves that calls want on the devices of this gateway, again after a reconnect,
 * and fetches what the devices recorded once their time is over. What answers the frequency is the
 * device.
 */
export function armDevices(ports: GatewayPorts, attached: ReadonlyMap<ResourceId, Attached>) {
  const { clock, log, store, gateway } = ports
  const looks = createLooks(look, 'arming devices', log)
  /** On whose connection of now which call's curve stands. */
  const standing = new Map<ResourceId, string>()
  let last = 0

  async function look(): Promise<void> {
    const rows = await store.transaction(async (tx) => {
      const owners = await tx.gateways.owners({ gatewayId: gateway.id })
      const mine = owners.filter(({ resourceId, isHeld }) => isHeld && attached.has(resourceId))
      return tx.armings.open(mine.map(({ resourceId }) => resourceId))
    })
    await Promise.all(rows.map(attend))
  }

  async function attend(row: Arming): Promise<void> {
    const driver = attached.get(row.resourceId)?.driver
    const now = clock.now()
    if (driver === undefined) return
    try {
      if (now >= row.validUntil) await fetchRecording(driver, row)
      else if (standing.get(row.resourceId) !== row.callId) await arm(driver, row)
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      const { resourceId } = row
      log.warn('a droop curve', { resourceId, reason: error.message })
      if (error.code === 'device-refused')
        await recordArming(ports, row, { refusal: error.message })
    }
  }

  /** As soon as it is wanted: that is never longer than a metering interval before its part begins. */
  async function arm(driver: DeviceDriver, row: Arming): Promise<void> {
    if (driver.armDroop === undefined) throw cannot(row)
    await driver.armDroop(row.resourceId, row, sequence(), ARM_DEADLINE_MS)
    standing.set(row.resourceId, row.callId)
    if (row.armedAt === null) await recordArming(ports, row, { armedAt: clock.now() })
  }

  async function fetchRecording(driver: DeviceDriver, row: Arming): Promise<void> {
    const { resourceId, validFrom: start, validUntil: end } = row
    standing.delete(resourceId)
    if (row.armedAt === null) throw new DomainError('device-refused', 'it was not reached in time')
    if (clock.now() > addSeconds(end, GIVEN_UP_SECONDS)) {
      throw new DomainError('device-refused', 'its recording did not come within a day')
    }
    if (driver.armDroop === undefined || driver.recording === undefined) throw cannot(row)
    // It has disarmed by itself, but for a call that was cancelled inside its window.
    await driver.armDroop(resourceId, null, sequence(), ARM_DEADLINE_MS)
    const samples = await driver.recording(resourceId, { start, end }, RECORDING_DEADLINE_MS)
    await recordArming(ports, row, { recording: packSamples(samples) })
  }

  function cannot({ resourceId }: Arming): DomainError {
    return new DomainError('device-refused', `${resourceId} answers no frequency`)
  }

  /** Counts up, also over processes: business time, which no gateway turns back. */
  function sequence(): number {
    last = Math.max(last + 1, Math.floor(clock.now() / 1000))
    return last
  }

  return {
    wake: looks.wake,
    /** A new connection: what stands on the device has to be made true again. */
    forget: (resourceId: ResourceId) => void standing.delete(resourceId),
    stop: looks.stop,
  }
}
