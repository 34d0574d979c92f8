import type { EffectiveSetpoint, SetpointRow } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { Resource } from '#domain/resource.ts'
import { recordSetpoint } from '#lifecycle/record-setpoint.ts'
import type { DeviceDriver, Ports } from '#ports.ts'

/** Wall time. */
const APPLY_DEADLINE_MS = 10_000
const READ_BACK_DEADLINE_MS = 5000
/** A device is asked again this often until it says what it should say. */
const READ_BACK_TRIES = 10
const READ_BACK_PAUSE_MS = 300

export type Applied =
  /** On the device, or no longer of any effect: not to be tried again on this connection. */
  | 'done'
  /** The device could not be reached: the next tick tries again. */
  | 'unreached'

/** Makes one device agree with its desired row, reads it back and records both. */
export async function applySetpoint(
  ports: Ports,
  driver: DeviceDriver,
  resource: Resource,
  row: SetpointRow,
  signal: AbortSignal,
): Promise<Applied> {
  const isOver = row.powerW !== null && row.validUntil <= ports.clock.now()
  const isBack = row.powerW === null && row.effectiveAt !== null
  if (isOver || isBack) return 'done' // the device let go by itself, or was read back
  try {
    const { strategy } = await driver.apply(row.resourceId, row, APPLY_DEADLINE_MS)
    // After a reconnect it is applied again; what counts is when the device first said yes.
    if (row.acknowledgedAt === null) {
      await recordSetpoint(ports, row, { acknowledgedAt: ports.clock.now(), strategy })
    }
    await readBack(ports, driver, resource, row, signal)
    return 'done'
  } catch (error) {
    return noteFailure(ports, row, error)
  }
}

async function readBack(
  ports: Ports,
  driver: DeviceDriver,
  resource: Resource,
  row: SetpointRow,
  signal: AbortSignal,
): Promise<void> {
  for (let i = 0; i < READ_BACK_TRIES && !signal.aborted; i++) {
    const effective = await driver.readBack(row.resourceId, READ_BACK_DEADLINE_MS)
    if (confirms(resource, row, effective)) {
      const effectiveW = effective.kind === 'limited' ? effective.powerW : null
      const effectiveAt = row.effectiveAt ?? ports.clock.now()
      return recordSetpoint(ports, row, { effectiveAt, effectiveW })
    }
    await ports.timer.sleep(READ_BACK_PAUSE_MS)
  }
  ports.log.warn('a device does not confirm its setpoint', { resourceId: row.resourceId })
}

/** A limit at or above the rated maximum is no limit: the device says that it is at its default. */
function confirms(resource: Resource, row: SetpointRow, effective: EffectiveSetpoint): boolean {
  if (row.powerW === null) return effective.kind === 'default'
  if (effective.kind === 'limited') return true
  return effective.kind === 'default' && row.powerW >= resource.rating.importMaxW
}

async function noteFailure(ports: Ports, row: SetpointRow, error: unknown): Promise<Applied> {
  const { resourceId } = row
  const refusal = error instanceof Error ? error.message : String(error)
  ports.log.warn('a setpoint could not be applied', { resourceId, refusal })
  const isRefused = error instanceof DomainError && error.code === 'device-refused'
  if (!isRefused) return 'unreached'
  await recordSetpoint(ports, row, { refusal })
  return 'done'
}
