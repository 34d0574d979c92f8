import type { Program } from './program.ts'
import type { DeviceReading } from './telemetry.ts'
import { type Instant, secondsBetween } from './time.ts'

/** What a device tells that its own other values contradict. Powers in W. */
export type Contradiction = {
  readonly kind: 'register' | 'charge'
  /** The reading by which it was found out. */
  readonly at: Instant
  readonly toldW: number
  /** What the other value shows instead. */
  readonly shownW: number
}

/** One reading may be a spike, or a change in between; so many in a row are neither. */
const IN_A_ROW = 3
/** Registers count whole Wh, at both ends. */
const ROUNDING_WH = 2
/** Cars tell their charge in whole percent, and an enrolled capacity is a round figure. */
const CHARGE_SHARE = 0.03
const CHARGE_PART = 0.4

/**
 * Looks for what one device's own data contradict: a power that its register does not bear out in
 * several readings in a row, or an energy that the state of charge of what stands behind the meter
 * does not show. Each power may be a mean or of the moment: the register must show something between
 * the powers at both ends. null: nothing is contradicted. Readings of one resource in order of time;
 * `capacityWh`: of what the state of charge is a share; null: not known.
 */
export function contradictionIn(
  readings: readonly DeviceReading[],
  program: Pick<Program, 'toleranceW' | 'toleranceBp'>,
  capacityWh: number | null,
): Contradiction | null {
  return byRegister(readings, program) ?? (capacityWh ? byCharge(readings, capacityWh) : null)
}

function byRegister(
  readings: readonly DeviceReading[],
  program: Pick<Program, 'toleranceW' | 'toleranceBp'>,
): Contradiction | null {
  let inARow = 0
  for (let i = 1; i < readings.length; i++) {
    const [before, now] = [readings[i - 1] as DeviceReading, readings[i] as DeviceReading]
    const seconds = secondsBetween(before.at, now.at)
    if (now.powerW === null || before.powerW === null || seconds <= 0) continue
    const shownW = ((now.registerWh - before.registerWh) * 3600) / seconds
    const roundingW = (ROUNDING_WH * 3600) / seconds
    const [low, high] = [Math.min(before.powerW, now.powerW), Math.max(before.powerW, now.powerW)]
    const most = Math.max(Math.abs(low), Math.abs(high), Math.abs(shownW))
    const toleranceW = Math.max(program.toleranceW, (most * program.toleranceBp) / 10_000)
    const isOut = shownW > high + toleranceW + roundingW || shownW < low - toleranceW - roundingW
    inARow = isOut ? inARow + 1 : 0
    if (inARow === IN_A_ROW) {
      return { kind: 'register', at: now.at, toldW: now.powerW, shownW: Math.round(shownW) }
    }
  }
  return null
}

/** Over all of the readings, in which losses and rounding are the smallest part. */
function byCharge(readings: readonly DeviceReading[], capacityWh: number): Contradiction | null {
  const told = readings.filter(({ socBp }) => socBp !== null)
  const [first, last] = [told[0], told.at(-1)]
  if (first === undefined || last === undefined || first.at === last.at) return null
  const storedWh = (((last.socBp ?? 0) - (first.socBp ?? 0)) * capacityWh) / 10_000
  const meteredWh = last.registerWh - first.registerWh
  const most = Math.max(Math.abs(storedWh), Math.abs(meteredWh))
  const isWithin = Math.abs(storedWh - meteredWh) <= capacityWh * CHARGE_SHARE + most * CHARGE_PART
  if (isWithin) return null
  const seconds = secondsBetween(first.at, last.at)
  const asPower = (wh: number) => Math.round((wh * 3600) / seconds)
  return { kind: 'charge', at: last.at, toldW: asPower(meteredWh), shownW: asPower(storedWh) }
}
