/** Setting up an OCPP 1.6 charge point after it has booted. */
import { type ProfileControl } from './profile-control.ts'
import { objects, optionalText } from './read.ts'
import { ALIGNED_MEASURANDS, ask, callQuietly, wholeNumber } from './session-rules.ts'
import type { SessionContext, SetUp } from './station.ts'
import { rateUnitOf } from './wire.ts'

/** Units, meter values, old profiles away, the default under everything. */
export async function setUp16(context: SessionContext, profiles: ProfileControl): Promise<SetUp> {
  const { station } = context
  const told = await configuration(context, [
    'ChargingScheduleAllowedChargingRateUnit',
    'ChargeProfileMaxStackLevel',
  ])
  const unit = rateUnitOf(told.get('ChargingScheduleAllowedChargingRateUnit') ?? null) ?? 'A'
  const levelMax = wholeNumber(told.get('ChargeProfileMaxStackLevel'))
  const stackLevel = levelMax === 0 ? 0 : 1
  const style = { unit, stackLevel } as const
  const aligned = await configureMeter(context)
  await profiles.clearForeign(levelMax, style, context.setUpDeadlineMs)
  const details = [`OCPP 1.6, limits in ${unit}`]
  for (const resource of station.resources.values()) {
    const accepted = await profiles.installDefault(resource, style, context.setUpDeadlineMs)
    if (!accepted) details.push('no default profile accepted')
  }
  if (!aligned) details.push('no clock-aligned meter values')
  return {
    version: 'ocpp1.6',
    style,
    alignedValues: aligned,
    detail: details.join(', '),
  }
}

/** The list of measurands is written and never read back: some firmware restarts when it is (ABB). */
async function configureMeter(context: SessionContext): Promise<boolean> {
  const interval = String(context.meteringIntervalSeconds)
  if (await configure(context, 'ClockAlignedDataInterval', interval)) {
    await configureMeasurands(context, 'MeterValuesAlignedData')
    return true
  }
  await configure(context, 'MeterValueSampleInterval', interval)
  await configureMeasurands(context, 'MeterValuesSampledData')
  return false
}

/** Without the offered current where a station refuses the longer list (EVBox). */
async function configureMeasurands(context: SessionContext, key: string): Promise<void> {
  if (await configure(context, key, ALIGNED_MEASURANDS.join(','))) return
  await configure(context, key, ALIGNED_MEASURANDS.slice(0, 2).join(','))
}

async function configure(context: SessionContext, key: string, value: string): Promise<boolean> {
  const status = await ask(context, 'ChangeConfiguration', { key, value })
  if (status === 'Accepted' || status === 'RebootRequired') return true
  const { identity } = context.station
  context.log.warn('a configuration key was refused', { identity, key, status })
  return false
}

async function configuration(
  context: SessionContext,
  key: readonly string[],
): Promise<Map<string, string>> {
  // The first question: a station that does not even refuse it is not there.
  const answer = await callQuietly(context, 'GetConfiguration', { key: [...key] }, 'fatal')
  const known = new Map<string, string>()
  for (const entry of objects(answer ?? {}, 'configurationKey')) {
    const value = optionalText(entry, 'value')
    if (value !== null) known.set(optionalText(entry, 'key') ?? '', value)
  }
  return known
}
