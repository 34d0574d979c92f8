import type { OCPP21 } from 'typed-ocpp'
import type { ScenarioCharger } from '../scenarios/scenario.ts'
import { type Variable, variablesOf } from './device-model-ocpp201.ts'
import { type Reading, readProfile, STACK_LEVEL_MAX, type WireProfile } from './messages-ocpp201.ts'
import type { ChargingProfile } from './profile-stack.ts'

type Wire21 = OCPP21.SetChargingProfileRequest['chargingProfile']

/** The variables of 2.0.1, and what a station says of the features that came with 2.1. */
export function variables21(device: ScenarioCharger): Variable[] {
  const of = (name: string, value: string, dataType: Variable['dataType'], instance?: string) => ({
    component: 'SmartChargingCtrlr',
    name,
    value,
    dataType,
    writable: false,
    ...(instance === undefined ? {} : { instance }),
  })
  const isBidirectional = device.rating.exportMaxW > 0
  const v2x = { component: 'V2XChargingCtrlr', writable: false }
  return [
    ...variablesOf(device),
    of('SupportsFeature', 'true', 'boolean', 'DynamicProfiles'),
    of('SupportsFeature', 'true', 'boolean', 'MaxOfflineDuration'),
    of('UpdateRateLimit', '60', 'integer'),
    of('MaxExternalConstraintsId', '0', 'integer'),
    { ...v2x, name: 'Enabled', value: String(isBidirectional), dataType: 'boolean' },
    {
      ...v2x,
      name: 'SupportedOperationModes',
      value: isBidirectional ? 'ChargingOnly,CentralSetpoint' : 'ChargingOnly',
      dataType: 'MemberList',
    },
  ]
}

/**
 * A profile of 2.1: what 2.0.1 knows, and besides Dynamic ones (K28), PriorityCharging, setpoints
 * (Q03) and what holds while the line is lost (K01.FR.101 to 103).
 */
export function readProfile21(wire: WireProfile, rateUnit: 'A' | 'W', now: number): Reading {
  const { maxOfflineDuration, invalidAfterOfflineDuration, ...rest } = wire as unknown as Wire21
  const offline =
    maxOfflineDuration === undefined
      ? {}
      : {
          offline: {
            maxSeconds: maxOfflineDuration,
            forGood: invalidAfterOfflineDuration === true,
          },
        }
  const isNew =
    rest.chargingProfileKind === 'Dynamic' || rest.chargingProfilePurpose === 'PriorityCharging'
  const setpoints = rest.chargingSchedule[0]?.chargingSchedulePeriod.some(
    ({ operationMode }) => operationMode === 'CentralSetpoint',
  )
  if (!isNew && setpoints !== true) {
    const read = readProfile(wire, rateUnit)
    return 'refusal' in read ? read : { ...read, ...offline }
  }
  const read = readNew(rest, rateUnit, now)
  return 'refusal' in read ? read : { ...read, ...offline }
}

function readNew(wire: Omit<Wire21, 'maxOfflineDuration'>, rateUnit: 'A' | 'W', now: number) {
  const [schedule, ...more] = wire.chargingSchedule
  const periods = schedule?.chargingSchedulePeriod ?? []
  const isDynamic = wire.chargingProfileKind === 'Dynamic'
  const refuse = (refusal: string) => ({ refusal })
  if (schedule === undefined || more.length > 0) return refuse('InvalidSchedule')
  if (schedule.chargingRateUnit !== rateUnit) return refuse('UnsupportedRateUnit')
  if (wire.stackLevel > STACK_LEVEL_MAX) return refuse('InvalidProfile')
  // K28: one period that begins at once; a start has no meaning.
  const isOne = periods.length === 1 && periods[0]?.startPeriod === 0
  if (isDynamic && (!isOne || schedule.startSchedule !== undefined)) {
    return refuse('InvalidSchedule')
  }
  const purposes: Record<string, ChargingProfile['purpose'] | undefined> = {
    TxProfile: 'tx',
    TxDefaultProfile: 'tx-default',
    PriorityCharging: 'priority',
  }
  const purpose = purposes[wire.chargingProfilePurpose]
  if (purpose === undefined) return refuse('UnsupportedPurpose')
  const values = periods.map((period) => period.setpoint ?? period.limit)
  // Q03.FR.02: no limit beside the setpoint of CentralSetpoint.
  const isMixed = periods.some(
    ({ setpoint, limit }) => setpoint !== undefined && limit !== undefined,
  )
  if (isMixed || values.includes(undefined)) return refuse('InvalidSchedule')
  return {
    id: wire.id,
    purpose,
    stackLevel: wire.stackLevel,
    kind: isDynamic ? ('Dynamic' as const) : ('Absolute' as const),
    everySeconds: null,
    validFrom: null,
    validTo: null,
    start: schedule.startSchedule === undefined ? now : Date.parse(schedule.startSchedule),
    durationSeconds: schedule.duration ?? null,
    unit: schedule.chargingRateUnit,
    periods: periods.map((period, i) => ({
      startSeconds: period.startPeriod,
      limit: values[i] ?? 0,
      phases: period.numberPhases ?? null,
    })),
  }
}
