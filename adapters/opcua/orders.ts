import type { EffectiveSetpoint } from '#ports.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { watts } from '#domain/units.ts'
import type { Argument, BatterySession } from './battery-session.ts'
import { type MethodControl, methodResults, type Product } from './product.ts'
import { powerToProduct, readEffectiveSetpoint, refusalOf } from './wire.ts'

/** So often one version of a setpoint can be given to a battery that let go of it by itself. */
const sendingsMax = 16

/**
 * Calls the battery's method with a setpoint, its end and its number, or for a release. The number
 * is the setpoint's version and, in its last 4 bits, the sending: a battery that let go because our
 * heartbeat stood still takes the same order again under a greater number, a late copy stays void.
 * Answers why the battery turned it down; null: accepted, or in force already because the same
 * order came through before and only its answer was lost.
 */
export async function callOrder(
  session: BatterySession,
  product: Product & { readonly control: MethodControl },
  setpoint: DesiredSetpoint,
): Promise<string | null> {
  const { setActivePower, releaseSetpoint } = product.control
  const { powerW, validUntil, version } = setpoint
  for (let sending = 0; ; sending += 1) {
    const sequence: Argument = { type: 'UInt32', value: version * sendingsMax + sending }
    const result =
      powerW === null
        ? await session.call(releaseSetpoint, [sequence])
        : await session.call(setActivePower, [
            { type: 'Double', value: powerToProduct(product, watts(powerW)) },
            { type: 'DateTime', value: new Date(validUntil) },
            sequence,
          ])
    if (result !== methodResults.sequenceNotNewer) return refusalOf(result)
    const inForce = await readInForce(session, product)
    if (isSame(inForce, setpoint)) return null
    const letGo = powerW !== null && inForce.effective.kind === 'default'
    if (!letGo || sending + 1 >= sendingsMax) return refusalOf(result)
  }
}

/** What is in force on the battery now. */
export async function readSetpoint(
  session: BatterySession,
  product: Product,
): Promise<EffectiveSetpoint> {
  return (await readInForce(session, product)).effective
}

function isSame({ effective, validUntil }: InForce, setpoint: DesiredSetpoint): boolean {
  if (setpoint.powerW === null) return effective.kind === 'default'
  return (
    effective.kind === 'limited' &&
    effective.powerW === setpoint.powerW &&
    validUntil === setpoint.validUntil
  )
}

type InForce = { readonly effective: EffectiveSetpoint; readonly validUntil: number | null }

async function readInForce(session: BatterySession, product: Product): Promise<InForce> {
  const values = await session.read([
    'SetpointEnable',
    'ActivePowerSetpoint',
    'ControlMode',
    'SetpointValidUntil',
  ])
  const until = values.get('SetpointValidUntil')
  const effective = readEffectiveSetpoint(product, values)
  return { effective, validUntil: until instanceof Date ? until.getTime() : null }
}
