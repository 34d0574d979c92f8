import type { OCPP16 } from 'typed-ocpp'
import type { ScenarioCharger } from '../scenarios/scenario.ts'
import type { MeterReading } from './charge-point.ts'
import type { ChargingProfile } from './profile-stack.ts'
import { readStamp } from './station.ts'

export type ProfileRequest = OCPP16.SetChargingProfileRequest
export type Configuration = Map<string, { value: string; readonly: boolean }>
type Sampled = OCPP16.MeterValuesRequest['meterValue'][number]['sampledValue'][number]

export const STACK_LEVEL_MAX = 5
export const SIGNED_CONTEXTS = 'MeterValuesSignatureContexts'
export const PURPOSES = {
  ChargePointMaxProfile: 'station-max',
  TxDefaultProfile: 'tx-default',
  TxProfile: 'tx',
} as const

/** The values of one measurand that this station can give: one, or none. */
export function sampledValues(
  measurand: string,
  reading: MeterReading,
  context: string,
): Sampled[] {
  const values: Record<string, [string, Sampled['unit']] | undefined> = {
    'Power.Active.Import': [String(reading.powerW), 'W'],
    'Energy.Active.Import.Register': [String(reading.registerWh), 'Wh'],
    'Current.Offered': [reading.offeredAmperes.toFixed(1), 'A'],
  }
  const found = values[measurand.trim()]
  if (found === undefined) return []
  const [value, unit] = found
  return [{ value, unit, measurand: measurand.trim(), context } as Sampled]
}

/** null for a profile that breaks a rule of the standard. @throws RangeError for a bad time */
export function readProfile(profile: ProfileRequest['csChargingProfiles']): ChargingProfile | null {
  const { chargingSchedule, chargingProfileKind: kind } = profile
  const start = readStamp(chargingSchedule.startSchedule)
  // Absolute and Recurring need a start, Relative must not have one (1.6 section 3.13, errata).
  if ((kind === 'Relative') !== (start === null)) return null
  if (chargingSchedule.chargingSchedulePeriod[0]?.startPeriod !== 0) return null
  const every = { Daily: 86_400, Weekly: 604_800 }
  return {
    id: profile.chargingProfileId,
    purpose: PURPOSES[profile.chargingProfilePurpose],
    stackLevel: profile.stackLevel,
    kind,
    everySeconds: profile.recurrencyKind === undefined ? null : every[profile.recurrencyKind],
    validFrom: readStamp(profile.validFrom),
    validTo: readStamp(profile.validTo),
    start,
    durationSeconds: chargingSchedule.duration ?? null,
    unit: chargingSchedule.chargingRateUnit,
    periods: chargingSchedule.chargingSchedulePeriod.map((period) => ({
      startSeconds: period.startPeriod,
      limit: period.limit,
      phases: period.numberPhases ?? null,
    })),
  }
}

/** The configuration keys the station knows, with their values from the factory. */
export function configurationOf(device: ScenarioCharger): Configuration {
  const fixed = (value: string) => ({ value, readonly: true })
  const open = (value: string) => ({ value, readonly: false })
  return new Map([
    ['SupportedFeatureProfiles', fixed('Core,SmartCharging,RemoteTrigger')],
    ['NumberOfConnectors', fixed('1')],
    ['ChargeProfileMaxStackLevel', fixed(String(STACK_LEVEL_MAX))],
    [
      'ChargingScheduleAllowedChargingRateUnit',
      fixed(device.rateUnit === 'A' ? 'Current' : 'Power'),
    ],
    ['ChargingScheduleMaxPeriods', fixed('24')],
    ['MaxChargingProfilesInstalled', fixed('10')],
    ['ConnectorSwitch3to1PhaseSupported', fixed('false')],
    ['HeartbeatInterval', open('60')],
    ['ClockAlignedDataInterval', open('900')],
    ['MeterValuesAlignedData', open('Energy.Active.Import.Register')],
    ['MeterValueSampleInterval', open('0')],
    ['MeterValuesSampledData', open('Energy.Active.Import.Register')],
    // Of the S.A.F.E. initiative, where the meter signs; empty: it does not.
    ...(device.meter === undefined ? [] : [[SIGNED_CONTEXTS, open('')] as const]),
  ])
}
