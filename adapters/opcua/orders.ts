import type { EffectiveSetpoint } from '#ports.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { watts } from '#domain/units.ts'
import type { Argument, BatterySession } from './battery-session.ts'
import { type MethodControl, methodResults, type Product } from './product.ts'
import { powerToProduct, readEffectiveSetpoint, refusalOf } from './wire.ts'

/**
 * Calls the battery's method with a setpoint, its end and its number, or for a release.
 * Answers why the battery turned it down; null: accepted, or in force already because the same
 * order came through before and only its answer was lost.
 */
export async function callOrder(
  session: BatterySession,
  product: Product & { readonly control: MethodControl },
  setpoint: DesiredSetpoint,
): Promise<string | null> {
  const { setActivePower, releaseSetpoint } = product.control
  const sequence: Argument = { type: 'UInt32', value: setpoint.version }
  const result =
    setpoint.powerW === null
      ? await session.call(releaseSetpoint, [sequence])
      : await session.call(setActivePower, [
          { type: 'Double', value: powerToProduct(product, watts(setpoint.powerW)) },
          { type: 'DateTime', value: new Date(setpoint.validUntil) },
          sequence,
        ])
  const isKnown =
    result === methodResults.sequenceNotNewer && (await holds(session, product, setpoint))
  return isKnown ? null : refusalOf(result)
}

/** What is in force on the battery now. */
export async function readSetpoint(
  session: BatterySession,
  product: Product,
): Promise<EffectiveSetpoint> {
  return (await readInForce(session, product)).effective
}

async function holds(
  session: BatterySession,
  product: Product,
  setpoint: DesiredSetpoint,
): Promise<boolean> {
  const { effective, validUntil } = await readInForce(session, product)
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
