import type { EffectiveSetpoint } from '#ports.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { type Instant, instant } from '#domain/time.ts'
import { type Brand, type Watts, watts } from '#domain/units.ts'
import { methodResults, type Point, type PointName, type Product } from './product.ts'

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
    throw new RangeError(`expected a register in Wh, got ${value}`)
  }
  return rounded
}

/** A power of ours as a product counts it, W. */
export function powerToProduct({ plus }: Product, power: Watts): number {
  return plus === 'discharge' ? toDischarge(power) : power
}

/** A power that a product tells, with our sign, in whole W. */
export function powerFromProduct({ plus }: Product, power: number): Watts {
  return plus === 'discharge' ? toConsumption(fromWire(power)) : watts(Math.round(power) + 0)
}

/** What stands on the wire for a value in W, Wh, %, s or for a code. */
export function toPoint({ type, scale }: Point, value: number | boolean): unknown {
  if (type === 'Boolean') return value === true || value === 1
  const number = Number(value) / (scale ?? 1)
  if (type === 'DateTime') return new Date(number)
  return type === 'Double' || type === 'Float' ? number : Math.round(number)
}

/** The value in W, Wh, %, s; a code, an array or a time as it came. */
export function fromPoint({ type, scale }: Point, raw: unknown): unknown {
  // The library gives 64-bit integers as [high, low].
  const wide = type === 'Int64' || type === 'UInt64'
  const value = wide && Array.isArray(raw) ? Number(raw[0]) * 2 ** 32 + Number(raw[1]) : raw
  return typeof value === 'number' && scale !== undefined ? value * scale : value
}

/**
 * A reading of a product that keeps no records of its own: its registers now, and the mean of its
 * power as it was told since the reading before, W with its sign.
 * @throws RangeError where a register is no finite number
 */
export function readNow(
  product: Product,
  resourceId: ResourceId,
  at: Instant,
  values: ReadonlyMap<PointName, unknown>,
  meanPower: number | null,
): DeviceReading {
  const number = (name: PointName): number => {
    const value = values.get(name)
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw new RangeError(`${name}: expected a finite number, got ${String(value)}`)
  }
  const charge = Number(values.get('StateOfCharge'))
  return {
    resourceId,
    at,
    powerW: meanPower === null ? null : powerFromProduct(product, meanPower),
    registerWh: wholeWattHours(number('EnergyImported') - number('EnergyExported')),
    socBp: charge >= 0 && charge <= 100 ? Math.round(charge * 100) : null,
  }
}

/** What is in force, from SetpointEnable, ActivePowerSetpoint and ControlMode as read back. */
export function readEffectiveSetpoint(
  product: Product,
  values: ReadonlyMap<PointName, unknown>,
): EffectiveSetpoint {
  const enabled = values.get('SetpointEnable')
  const setpoint = values.get('ActivePowerSetpoint')
  if (isLocal(product, values.get('ControlMode')) !== false) return { kind: 'unknown' }
  if (enabled === false || enabled === 0) return { kind: 'default' }
  const isOn = enabled === true || enabled === 1
  if (!isOn || typeof setpoint !== 'number' || !Number.isFinite(setpoint)) {
    return { kind: 'unknown' }
  }
  return { kind: 'limited', powerW: powerFromProduct(product, setpoint) }
}

/** Is it in LOCAL, where no instruction applies? null: it does not say. */
export function isLocal({ localMode, points }: Product, mode: unknown): boolean | null {
  if (points.ControlMode === undefined || localMode === null) return false
  if (typeof mode !== 'number' && typeof mode !== 'boolean') return null
  return mode === localMode
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
