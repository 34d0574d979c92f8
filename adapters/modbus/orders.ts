import type { Clock, EffectiveSetpoint } from '#ports.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { Instant } from '#domain/time.ts'
import { watts } from '#domain/units.ts'
import { type Device, has, look, put } from './device.ts'
import { localControl } from './point-map.ts'
import {
  percentInForce,
  percentWord,
  readEffective,
  reversionSeconds,
  reversionWords,
  setpointWords,
} from './wire.ts'

/** A slow line can cost a write so much time that the timer has to be set shorter once more. */
const timerTriesMax = 3

/** @throws DomainError device-refused for what the inverter would not do, before anything is sent */
export async function refuseBeforehand(
  device: Device,
  { powerW, validUntil }: DesiredSetpoint,
  now: Instant,
): Promise<void> {
  if (powerW !== null) {
    if (reversionSeconds(validUntil - now) === null) throw refused('the order has expired')
    const { chargeMaxW, dischargeMaxW } = device
    const most = powerW >= 0 ? chargeMaxW : dischargeMaxW
    if (most !== null && Math.abs(powerW) > most) {
      const range = `-${dischargeMaxW ?? '?'} to ${chargeMaxW ?? '?'} W`
      throw refused(`expected a power from ${range}, got ${powerW} W`)
    }
  }
  const local = await localPart(device)
  if (local !== null) throw refused(`the ${local} is in LOCAL control`)
}

/**
 * Gives a power with its end. First the timer and what it falls back to, then the power with its
 * switch: whatever breaks in between, no power is ever in force without an end. Either write starts
 * the timer, so its end is judged by when the last one was acknowledged.
 * @throws DomainError device-refused; ModbusException and LineError as they come
 */
export async function sendSetpoint(
  device: Device,
  powerW: number,
  validUntil: Instant,
  clock: Clock,
): Promise<void> {
  let slowestMs = 0
  for (let tries = 0; tries < timerTriesMax; tries++) {
    const began = clock.now()
    const seconds = reversionSeconds(validUntil - began - slowestMs)
    if (seconds === null) break
    await put(device, 'WSetEnaRvrt', reversionWords(seconds))
    await putPower(device, powerW)
    const acknowledged = clock.now()
    if (acknowledged + seconds * 1000 <= validUntil) return
    slowestMs = Math.max(slowestMs, 2 * (acknowledged - began))
  }
  await release(device)
  throw refused('its end came before the inverter had it')
}

/**
 * Which part of the device somebody steers who stands beside it: the inverter as a whole (715) or its
 * battery (802), which then follows no inverter. null: none.
 */
export async function localPart(device: Device): Promise<'inverter' | 'battery' | null> {
  if (has(device, 'derControl')) {
    const { LocRemCtl } = await look(device, ['LocRemCtl'])
    if (LocRemCtl === localControl) return 'inverter'
  }
  if (!has(device, 'battery')) return null
  const { batteryLocRemCtl } = await look(device, ['batteryLocRemCtl'])
  return batteryLocRemCtl === localControl ? 'battery' : null
}

/** A percentage is written before it is put in force: the registers between may not be written. */
async function putPower(device: Device, powerW: number): Promise<void> {
  const { factors, percentOfW } = device
  if (percentOfW === null) {
    await put(device, 'WSetEna', setpointWords(watts(powerW), factors.setpoint))
    return
  }
  await put(device, 'WSetPct', [percentWord(watts(powerW), factors.setpoint, percentOfW)])
  await put(device, 'WSetEna', percentInForce)
}

/** Back to what the inverter does by itself. */
export async function release(device: Device): Promise<void> {
  await put(device, 'WSetEna', [0])
}

/** What is in force now; in LOCAL control nobody can tell. */
export async function readInForce(device: Device): Promise<EffectiveSetpoint> {
  if ((await localPart(device)) !== null) return { kind: 'unknown' }
  const control = await look(device, ['WSetEna', 'WSetMod', 'WSet', 'WSetPct'])
  return readEffective(control, device.factors.setpoint, device.percentOfW)
}

function refused(reason: string): DomainError {
  return new DomainError('device-refused', reason)
}
