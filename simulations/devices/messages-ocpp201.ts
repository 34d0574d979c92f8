import type { OCPP20 } from 'typed-ocpp'
import type { MeterReading } from './charge-point.ts'
import type { ChargingProfile } from './profile-stack.ts'
import { readStamp, stamp } from './station.ts'

export type WireProfile = OCPP20.SetChargingProfileRequest['chargingProfile']
/** A profile, or the reason code of its refusal. */
export type Reading = ChargingProfile | { readonly refusal: string }
type WireMeterValue = NonNullable<OCPP20.TransactionEventRequest['meterValue']>[number]
type Context = 'Sample.Clock' | 'Trigger' | 'Transaction.Begin' | 'Transaction.End'

export const STACK_LEVEL_MAX = 5
export const PURPOSES = {
  ChargingStationMaxProfile: 'station-max',
  TxDefaultProfile: 'tx-default',
  TxProfile: 'tx',
} as const

/** The reading with the measurands asked for; null where it has none of them. */
export function meterValue(
  reading: MeterReading,
  measurands: readonly string[],
  context: Context,
  signed: string | null = null,
): WireMeterValue | null {
  const values: Record<string, [number, string] | undefined> = {
    'Power.Active.Import': [Math.max(0, reading.powerW), 'W'],
    'Power.Active.Export': [Math.max(0, -reading.powerW), 'W'],
    'Energy.Active.Import.Register': [reading.registerWh, 'Wh'],
    'Energy.Active.Export.Register': [reading.exportWh, 'Wh'],
    'Current.Offered': [reading.offeredAmperes, 'A'],
    SoC: reading.soc === null ? undefined : [Math.round(reading.soc * 1000) / 10, 'Percent'],
  }
  const sampledValue = measurands.flatMap((measurand) => {
    const found = values[measurand.trim()]
    if (found === undefined) return []
    const [value, unit] = found
    const isSigned = signed !== null && measurand.trim() === 'Energy.Active.Import.Register'
    const signedMeterValue = isSigned ? signedValue(signed) : undefined
    const plain = { value, measurand: measurand.trim(), context, unitOfMeasure: { unit } }
    return [signedMeterValue === undefined ? plain : { ...plain, signedMeterValue }]
  }) as WireMeterValue['sampledValue']
  return sampledValue.length === 0 ? null : { timestamp: stamp(reading.at), sampledValue }
}

/** 2.0.1 requires all four fields; a key that comes along proves nothing, so none does. */
function signedValue(record: string) {
  return {
    signedMeterData: Buffer.from(record, 'utf8').toString('base64'),
    signingMethod: 'ECDSA-secp256r1-SHA256',
    encodingMethod: 'OCMF',
    publicKey: '',
  }
}

/** A profile, or the reason code of its refusal. @throws RangeError for a bad time */
export function readProfile(wire: WireProfile, rateUnit: 'A' | 'W'): Reading {
  const [schedule, ...more] = wire.chargingSchedule
  if (schedule === undefined || more.length > 0) return { refusal: 'InvalidSchedule' } // FR.34
  if (schedule.chargingRateUnit !== rateUnit) return { refusal: 'UnsupportedRateUnit' } // FR.26
  if (wire.stackLevel > STACK_LEVEL_MAX) return { refusal: 'InvalidProfile' }
  const purpose = (PURPOSES as Record<string, ChargingProfile['purpose'] | undefined>)[
    wire.chargingProfilePurpose
  ]
  if (purpose === undefined) return { refusal: 'InvalidProfile' }
  const start = readStamp(schedule.startSchedule)
  // FR.40 and FR.41: Absolute and Recurring need a start, Relative must not have one.
  if ((wire.chargingProfileKind === 'Relative') !== (start === null)) {
    return { refusal: 'InvalidSchedule' }
  }
  const [first] = schedule.chargingSchedulePeriod
  if (first?.startPeriod !== 0) return { refusal: 'InvalidSchedule' } // FR.31
  const every = { Daily: 86_400, Weekly: 604_800 }
  return {
    id: wire.id,
    purpose,
    stackLevel: wire.stackLevel,
    kind: wire.chargingProfileKind,
    everySeconds: wire.recurrencyKind === undefined ? null : every[wire.recurrencyKind],
    validFrom: readStamp(wire.validFrom),
    validTo: readStamp(wire.validTo),
    start,
    durationSeconds: schedule.duration ?? null,
    unit: schedule.chargingRateUnit,
    periods: schedule.chargingSchedulePeriod.map((period) => ({
      startSeconds: period.startPeriod,
      limit: period.limit,
      phases: period.numberPhases ?? null,
    })),
  }
}
