import type { EffectiveSetpoint } from '#ports.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { instant } from '#domain/time.ts'
import { type Brand, type Watts, watts } from '#domain/units.ts'
import { controlModes, methodResults } from './node-map.ts'

/** Power as SunSpec and the battery's NodeSet count it: + is discharge. W, not always whole. */
export type DischargeWatts = Brand<number, 'W discharged'>

/** Our sign to the battery's; 0 stays 0 and never becomes -0. */
export function toDischarge(power: Watts): DischargeWatts {
  return (0 - power) as DischargeWatts // the only cast to this type, but for fromWire
}

/** The battery's sign to ours, rounded to whole W. */
export function toConsumption(power: DischargeWatts): Watts {
  return watts(0 - Math.round(power))
}

function fromWire(value: number): DischargeWatts {
  return value as DischargeWatts
}

/**
 * Reads a MeterRecord: [stamp ms, mean power W (+ discharge), imported Wh, exported Wh, SoC %].
 * null: no record yet (stamp 0). A state of charge outside 0 to 100 % is "not told".
 * @throws RangeError for anything else than five finite numbers with a stamp in whole ms.
 */
export function readMeterRecord(resourceId: ResourceId, value: unknown): DeviceReading | null {
  const numbers = asNumbers(value)
  const [stamp, power, imported, exported, charge] = numbers
  if (
    stamp === undefined ||
    power === undefined ||
    imported === undefined ||
    exported === undefined ||
    charge === undefined ||
    numbers.length !== 5 ||
    ![stamp, power, imported, exported].every(Number.isFinite)
  ) {
    throw new RangeError(`MeterRecord: expected five finite numbers, got [${numbers.join(', ')}]`)
  }
  if (stamp === 0) return null
  return {
    resourceId,
    at: instant(stamp),
    powerW: toConsumption(fromWire(power)),
    registerWh: wholeWattHours(imported - exported),
    socBp: charge >= 0 && charge <= 100 ? Math.round(charge * 100) : null,
  }
}

function asNumbers(value: unknown): readonly number[] {
  if (value instanceof Float64Array) return [...value]
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'number')) return value
  throw new RangeError(`MeterRecord: expected an array of Double, got ${typeof value}`)
}

function wholeWattHours(value: number): number {
  const rounded = Math.round(value) + 0 // -0 becomes 0
  if (!Number.isSafeInteger(rounded)) {
    throw new RangeError(`MeterRecord: expected a register in Wh, got ${value}`)
  }
  return rounded
}

/** What is in force, from SetpointEnable, ActivePowerSetpoint and ControlMode as read back. */
export function readEffectiveSetpoint(
  enabled: unknown,
  setpoint: unknown,
  controlMode: unknown,
): EffectiveSetpoint {
  if (controlMode !== controlModes.remote) return { kind: 'unknown' }
  if (enabled === false) return { kind: 'default' }
  if (enabled !== true || typeof setpoint !== 'number' || !Number.isFinite(setpoint)) {
    return { kind: 'unknown' }
  }
  return { kind: 'limited', powerW: toConsumption(fromWire(setpoint)) }
}

/** A method's answer in words, for the DomainError; null: accepted. */
export function refusalOf(result: unknown): string | null {
  switch (result) {
    case methodResults.accepted:
      return null
    case methodResults.local:
      return 'the battery is in LOCAL control'
    case methodResults.sequenceNotNewer:
      return 'the battery holds the same or a newer order'
    case methodResults.expired:
      return "the order has expired by the battery's clock"
    case methodResults.outOfRange:
      return "the power is outside the battery's range"
    default:
      return `the battery answered ${String(result)}, which its model does not know`
  }
}
