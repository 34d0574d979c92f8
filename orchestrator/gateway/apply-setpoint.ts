import type { EffectiveSetpoint, SetpointRow } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { Resource } from '#domain/resource.ts'
import type { Instant } from '#domain/time.ts'
import { recordSetpoint } from '#lifecycle/record-setpoint.ts'
import type { DeviceDriver, GatewayPorts } from '#ports.ts'
import { type CallTerms, confirms } from './call-terms.ts'

/** Wall time. */
const APPLY_DEADLINE_MS = 10_000
const READ_BACK_DEADLINE_MS = 5000
/** A device is asked again this often until it says what it should say. */
const READ_BACK_TRIES = 10
const READ_BACK_PAUSE_MS = 300
/** No product knows so many forms of a setpoint; a driver that names more goes in circles. */
const FORMS_MAX = 12

export type Applied =
  /** On the device since then, in the form that stands now; null: no longer of any effect. */
  | { readonly kind: 'done'; readonly since: Instant | null; readonly isLeast: boolean }
  /** The device could not be reached: the next tick tries again. */
  | { readonly kind: 'unreached' }

type Work = {
  readonly driver: DeviceDriver
  readonly resource: Resource
  readonly row: SetpointRow
  readonly terms: CallTerms | null
  /** Is the row still the newest of its device, and are we not stopping? */
  readonly isWanted: () => boolean
}

/**
 * Makes one device agree with its desired row, reads it back and records both. A device that took
 * the setpoint and says that something else is in force is given it in the next form its driver
 * knows; the first acknowledgement stays.
 */
export async function applySetpoint(ports: GatewayPorts, work: Work): Promise<Applied> {
  const { driver, row } = work
  const isBack = row.powerW === null && row.effectiveAt !== null
  let acknowledgedAt = row.acknowledgedAt
  let since: Instant | null = null
  let isLeast = false
  try {
    for (let form = 0; form < FORMS_MAX; form++) {
      // The device let go by itself, or was read back.
      if (isOver(ports, row) || isBack) break
      const taken = await driver.apply(row.resourceId, row, APPLY_DEADLINE_MS)
      const { strategy, atLeastW } = taken
      since = ports.clock.now()
      isLeast = atLeastW !== undefined
      // After a reconnect it is applied again; what counts is when the device first said yes.
      if (acknowledgedAt === null || strategy !== row.strategy) {
        acknowledgedAt ??= since
        await recordSetpoint(ports, row, { acknowledgedAt, strategy })
      }
      const said = await readBack(ports, work, atLeastW)
      if (said === 'confirmed' || !work.isWanted()) break
      if (said === 'tells-nothing' || row.powerW === null) break
      const next = driver.nextStrategy(row.resourceId)
      const { resourceId } = row
      ports.log.warn('a device does not confirm its setpoint', { resourceId, next })
      if (next === null) break
    }
    return { kind: 'done', since, isLeast }
  } catch (error) {
    return noteFailure(ports, row, error)
  }
}

function isOver({ clock }: GatewayPorts, row: SetpointRow): boolean {
  return row.powerW !== null && row.validUntil <= clock.now()
}

async function readBack(
  ports: GatewayPorts,
  { driver, resource, row, terms, isWanted }: Work,
  atLeastW: number | undefined,
): Promise<'confirmed' | 'contradicted' | 'tells-nothing'> {
  let last: EffectiveSetpoint = { kind: 'unknown' }
  for (let i = 0; i < READ_BACK_TRIES && isWanted(); i++) {
    last = await driver.readBack(row.resourceId, READ_BACK_DEADLINE_MS)
    if (confirms(resource, row, last, terms)) {
      const effectiveW = last.kind === 'limited' ? last.powerW : null
      const effectiveAt = row.effectiveAt ?? ports.clock.now()
      await recordSetpoint(ports, row, { effectiveAt, effectiveW })
      return 'confirmed'
    }
    const least = atLeastW === undefined ? null : { ...row, powerW: atLeastW }
    if (least !== null && confirms(resource, least, last, terms)) break
    await ports.timer.sleep(READ_BACK_PAUSE_MS)
  }
  // What it says instead is the link that is missing: told without the instant of an effect.
  if (last.kind === 'limited') await recordSetpoint(ports, row, { effectiveW: last.powerW })
  return last.kind === 'unknown' || atLeastW !== undefined ? 'tells-nothing' : 'contradicted'
}

async function noteFailure(
  ports: GatewayPorts,
  row: SetpointRow,
  error: unknown,
): Promise<Applied> {
  const { resourceId } = row
  const refusal = error instanceof Error ? error.message : String(error)
  ports.log.warn('a setpoint could not be applied', { resourceId, refusal })
  const isRefused = error instanceof DomainError && error.code === 'device-refused'
  if (!isRefused) return { kind: 'unreached' }
  await recordSetpoint(ports, row, { refusal })
  return { kind: 'done', since: null, isLeast: false }
}
