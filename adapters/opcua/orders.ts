import type { EffectiveSetpoint } from '#ports.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { watts } from '#domain/units.ts'
import type { Argument, BatterySession } from './battery-session.ts'
import { batteryMap, methodResults } from './node-map.ts'
import { readEffectiveSetpoint, refusalOf, toDischarge } from './wire.ts'

/**
 * Sends a setpoint with its end and its number, or a release.
 * Answers why the battery turned it down; null: accepted, or in force already because the same
 * order came through before and only its answer was lost.
 */
export async function sendOrder(
  session: BatterySession,
  setpoint: DesiredSetpoint,
): Promise<string | null> {
  const { methods } = batteryMap
  const sequence: Argument = { type: 'UInt32', value: setpoint.version }
  const result =
    setpoint.powerW === null
      ? await session.call(methods.releaseSetpoint, [sequence])
      : await session.call(methods.setActivePower, [
          { type: 'Double', value: toDischarge(watts(setpoint.powerW)) },
          { type: 'DateTime', value: new Date(setpoint.validUntil) },
          sequence,
        ])
  if (result === methodResults.sequenceNotNewer && (await holds(session, setpoint))) return null
  return refusalOf(result)
}

/** What is in force on the battery now. */
export async function readSetpoint(session: BatterySession): Promise<EffectiveSetpoint> {
  return (await readInForce(session)).effective
}

async function holds(session: BatterySession, setpoint: DesiredSetpoint): Promise<boolean> {
  const { effective, validUntil } = await readInForce(session)
  if (setpoint.powerW === null) return effective.kind === 'default'
  return (
    effective.kind === 'limited' &&
    effective.powerW === setpoint.powerW &&
    validUntil === setpoint.validUntil
  )
}

type InForce = { readonly effective: EffectiveSetpoint; readonly validUntil: number | null }

async function readInForce(session: BatterySession): Promise<InForce> {
  const values = await session.read([
    'SetpointEnable',
    'ActivePowerSetpoint',
    'ControlMode',
    'SetpointValidUntil',
  ])
  const until = values.get('SetpointValidUntil')
  const effective = readEffectiveSetpoint(
    values.get('SetpointEnable'),
    values.get('ActivePowerSetpoint'),
    values.get('ControlMode'),
  )
  return { effective, validUntil: until instanceof Date ? until.getTime() : null }
}
