import type { PointType, Product } from '../product.ts'

const at = (name: string, type: PointType) => ({ path: [name], type })
const perhaps = (name: string, type: PointType) => ({ ...at(name, type), optional: true as const })

/** Our own model: what gridcall-bess.xml says, as far as the driver uses it. */
export const gridcallBess: Product = {
  name: 'gridcall-bess',
  title: 'Gridcall BESS NodeSet',
  namespaceUri: 'urn:gridcall:bess',
  object: ['BESS'],
  plus: 'discharge',
  points: {
    EnergyRating: at('EnergyRating', 'Double'),
    MaxChargeRating: at('MaxChargeRating', 'Double'),
    MaxDischargeRating: at('MaxDischargeRating', 'Double'),
    // Since version 1.1 of the NodeSet.
    MaxChargePower: perhaps('MaxChargePower', 'Double'),
    MaxDischargePower: perhaps('MaxDischargePower', 'Double'),
    StateOfCharge: at('StateOfCharge', 'Double'),
    SoCMin: at('SoCMin', 'Double'),
    SoCMax: at('SoCMax', 'Double'),
    ActivePower: at('ActivePower', 'Double'),
    EnergyImported: at('EnergyImported', 'Double'),
    EnergyExported: at('EnergyExported', 'Double'),
    OperatingState: at('OperatingState', 'Int32'),
    ControlMode: at('ControlMode', 'Int32'),
    ActivePowerSetpoint: at('ActivePowerSetpoint', 'Double'),
    SetpointEnable: at('SetpointEnable', 'Boolean'),
    SetpointValidUntil: at('SetpointValidUntil', 'DateTime'),
    RevertPower: at('RevertPower', 'Double'),
    RevertRemaining: at('RevertRemaining', 'Double'),
    RampRate: at('RampRate', 'Double'),
    DeviceHeartbeat: at('DeviceHeartbeat', 'UInt32'),
    ControllerHeartbeat: at('ControllerHeartbeat', 'UInt32'),
    MeteringInterval: at('MeteringInterval', 'Double'),
    MeterRecord: at('MeterRecord', 'Double'),
    // Since version 1.3.
    VarMaxRating: perhaps('VarMaxRating', 'Double'),
    VoltageCurvePointsMax: perhaps('VoltageCurvePointsMax', 'UInt32'),
    VoltVarEnable: perhaps('VoltVarEnable', 'Boolean'),
    VoltVarCurve: perhaps('VoltVarCurve', 'Double'),
    VoltWattEnable: perhaps('VoltWattEnable', 'Boolean'),
    VoltWattCurve: perhaps('VoltWattCurve', 'Double'),
    VoltageCurvesValidUntil: perhaps('VoltageCurvesValidUntil', 'DateTime'),
  },
  localMode: 1,
  heartbeatSeconds: 2, // its watchdog waits ten
  control: {
    kind: 'methods',
    setActivePower: 'SetActivePower',
    releaseSetpoint: 'ReleaseSetpoint',
  },
  // Since version 1.2 of the NodeSet.
  frequency: {
    arm: 'ArmFrequencyDroop',
    disarm: 'DisarmFrequencyDroop',
    recording: 'ReadFrequencyRecording',
  },
  // Since version 1.3 of the NodeSet.
  voltage: {
    arm: 'ArmVoltageCurves',
    disarm: 'DisarmVoltageCurves',
    recording: 'ReadVoltageRecording',
  },
}
