/**
 * The device's language <-> ours. What is known of the device's units and signs stands here and
 * nowhere else: this device counts discharge as +, we count consumption as +. Two types, so that
 * one cannot be taken for the other.
 *
 * A request is one line, '#7 set 3 -2000 1772470800000'; its answer is '#7 ok' or '#7 no REASON'.
 * Without being asked the device says 'meter STAMP POWER IMPORTED EXPORTED'.
 */
import type { DesiredSetpoint, EffectiveSetpoint } from '#domain/dispatch-instruction.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { instant } from '#domain/time.ts'
import { type Brand, type Watts, watts } from '#domain/units.ts'

/** Power as the device counts it: + is discharge. */
export type DeviceWatts = Brand<number, 'W of the device'>

export function toDevice(power: Watts): DeviceWatts {
  return (0 - power) as DeviceWatts // 0 - 0 is 0; -0 would be "-0" in a log
}

export function toConsumption(power: DeviceWatts): Watts {
  return watts(0 - Math.round(power))
}

/** An order with its number and its end: whatever comes late is void on the device itself. */
export function orderLine({ version, powerW, validUntil }: DesiredSetpoint): string {
  if (powerW === null) return `clear ${version}`
  return `set ${version} ${toDevice(watts(powerW))} ${validUntil}`
}

/** What came from the device. Anything else is null: the edge parses, the core trusts. */
export type DeviceLine =
  | { readonly kind: 'answer'; readonly id: number; readonly words: readonly string[] }
  | { readonly kind: 'meter'; readonly reading: Omit<DeviceReading, 'resourceId'> }

export function readLine(line: string): DeviceLine | null {
  const [first = '', ...words] = line.trim().split(' ')
  if (/^#\d+$/.test(first)) return { kind: 'answer', id: Number(first.slice(1)), words }
  const numbers = words.map(Number)
  const [at, power, imported, exported] = numbers
  if (first !== 'meter' || numbers.length !== 4 || !numbers.every(Number.isFinite)) return null
  if (at === undefined || power === undefined) return null
  const registerWh = Math.round((imported ?? 0) - (exported ?? 0)) + 0 // -0 becomes 0
  const powerW = toConsumption(power as DeviceWatts)
  return { kind: 'meter', reading: { at: instant(at), powerW, registerWh, socBp: null } }
}

export function withResource(
  resourceId: ResourceId,
  reading: Omit<DeviceReading, 'resourceId'>,
): DeviceReading {
  return { resourceId, ...reading }
}

/** The answer to 'get': what the device says is in force. What is not understood is unknown. */
export function readEffective(words: readonly string[]): EffectiveSetpoint {
  const [kind, power] = words
  if (kind === 'default') return { kind: 'default' }
  if (kind !== 'set' || power === undefined || !Number.isFinite(Number(power))) {
    return { kind: 'unknown' }
  }
  return { kind: 'limited', powerW: toConsumption(Number(power) as DeviceWatts) }
}
