import type { EffectiveSetpoint } from '#ports.ts'
import { type Brand, type Watts, watts } from '#domain/units.ts'
import { setpointInPercent, setpointInWatts } from './point-map.ts'
import { type PointValue, scaled, wordsOf32 } from './registers.ts'

/** Power as SunSpec counts it: + is discharge. W, not always whole. */
export type DischargeWatts = Brand<number, 'W discharged'>

/** Our sign to the inverter's; 0 stays 0 and never becomes -0. */
export function toDischarge(power: Watts): DischargeWatts {
  return (0 - power) as DischargeWatts
}

/** The inverter's sign to ours, rounded to whole W. */
export function toConsumption(power: DischargeWatts): Watts {
  return watts(0 - Math.round(power))
}

/** 701 W: null where the inverter does not measure it now. */
export function readPower(value: PointValue, factor: PointValue): DischargeWatts | null {
  return scaled(value, factor) as DischargeWatts | null
}

/** Net register in whole Wh, + is imported: TotWhAbs - TotWhInj. null: it does not count now. */
export function readRegister(
  absorbed: PointValue,
  injected: PointValue,
  factor: PointValue,
): number | null {
  const imported = scaled(absorbed, factor)
  const exported = scaled(injected, factor)
  if (imported === null || exported === null) return null
  const net = Math.round(imported - exported) + 0 // -0 becomes 0
  return Number.isSafeInteger(net) ? net : null
}

/** Basis points; a state of charge outside 0 to 100 % is "not told". */
export function readCharge(value: PointValue, factor: PointValue): number | null {
  const percent = scaled(value, factor)
  if (percent === null || percent < 0 || percent > 100) return null
  return Math.round(percent * 100)
}

/** The registers of WSetEna, WSetMod and WSet for a power in force at once. */
export function setpointWords(power: Watts, factor: PointValue): readonly number[] {
  const value = toDischarge(power)
  const scale = typeof factor === 'number' ? factor : 0
  const raw = Math.round(scale < 0 ? value * 10 ** -scale : value / 10 ** scale)
  return [1, setpointInWatts, ...wordsOf32(raw)]
}

/**
 * The register of WSetPct for a power, in percent of the most that the inverter can; cut towards 0, so
 * that it never does more than was ordered.
 */
export function percentWord(power: Watts, factor: PointValue, mostW: number): number {
  const percent = (toDischarge(power) * 100) / mostW
  const scale = typeof factor === 'number' ? factor : 0
  return Math.trunc(scale < 0 ? percent * 10 ** -scale : percent / 10 ** scale) & 0xffff
}

/** The registers of WSetEna and WSetMod that put a percentage in force. */
export const percentInForce: readonly number[] = [1, setpointInPercent]

/** The registers of WSetEnaRvrt and WSetRvrtTms: after so many seconds the setpoint is disabled. */
export function reversionWords(seconds: number): readonly number[] {
  return [0, ...wordsOf32(seconds)]
}

/** What is in force, from the points of model 704 as read back. */
export function readEffective(
  control: Readonly<Record<'WSetEna' | 'WSetMod' | 'WSet', PointValue>> & {
    readonly WSetPct?: PointValue
  },
  factor: PointValue,
  percentOfW: number | null = null,
): EffectiveSetpoint {
  if (control.WSetEna === 0) return { kind: 'default' }
  const isPercent = percentOfW !== null
  const value = scaled(isPercent ? (control.WSetPct ?? null) : control.WSet, factor)
  const mode = isPercent ? setpointInPercent : setpointInWatts
  if (control.WSetEna !== 1 || control.WSetMod !== mode || value === null) {
    return { kind: 'unknown' }
  }
  const power = isPercent ? (value * percentOfW) / 100 : value
  return { kind: 'limited', powerW: toConsumption(power as DischargeWatts) }
}

/**
 * Whole seconds after which the inverter shall let go by itself, so that its timer ends at the
 * instant or before it, never after. null: less than a second is left.
 */
export function reversionSeconds(leftMs: number): number | null {
  const seconds = Math.floor(leftMs / 1000)
  return seconds < 1 ? null : Math.min(seconds, 0xffff_fffe)
}

/** A Modbus exception in words (Modbus application protocol 1.1b3, 7). */
export function exceptionText(code: number): string {
  const words = exceptions[code] ?? 'for a reason that the protocol does not know'
  return `the inverter refuses: ${words} (exception ${code})`
}

/** Does this exception say that the device cannot be reached, or not now: it may be asked again? */
export function isAbsence(code: number): boolean {
  return code === 5 || code === 6 || code === 10 || code === 11
}

const exceptions: Readonly<Record<number, string>> = {
  1: 'it does not know the function',
  2: 'it has no such register',
  3: 'it does not take this value',
  4: 'it failed while carrying it out',
  5: 'it needs longer than it may',
  6: 'it is busy',
  8: 'its memory is damaged',
  10: 'the gateway has no path to it',
  11: 'the gateway gets no answer from it',
}
