import type { Product } from '../product.ts'

/**
 * A gateway that shows the SunSpec models of a battery point by point, one folder a model, scale
 * factors applied. Models 701, 702, 704, 713 and 715; 704 brings the reversion timer.
 */
export const sunspecDer: Product = {
  name: 'sunspec-der',
  title: 'SunSpec models 701 to 715 behind a gateway',
  namespaceUri: 'urn:sunspec:models',
  object: ['DER'],
  plus: 'discharge',
  points: {
    EnergyRating: { path: ['DERStorageCapacity', 'WHRtg'], type: 'UInt32' },
    MaxChargeRating: { path: ['DERCapacity', 'WChaRteMaxRtg'], type: 'UInt32' },
    MaxDischargeRating: { path: ['DERCapacity', 'WDisChaRteMaxRtg'], type: 'UInt32' },
    MaxChargePower: { path: ['DERCapacity', 'WChaRteMax'], type: 'UInt32', optional: true },
    MaxDischargePower: { path: ['DERCapacity', 'WDisChaRteMax'], type: 'UInt32', optional: true },
    // 713 tells it in tenths of a percent (SoC with Pct_SF -1).
    StateOfCharge: { path: ['DERStorageCapacity', 'SoC'], type: 'UInt16', scale: 0.1 },
    ActivePower: { path: ['DERMeasureAC', 'W'], type: 'Int32' },
    EnergyImported: { path: ['DERMeasureAC', 'TotWhAbs'], type: 'UInt64' },
    EnergyExported: { path: ['DERMeasureAC', 'TotWhInj'], type: 'UInt64' },
    OperatingState: { path: ['DERMeasureAC', 'InvSt'], type: 'UInt16', optional: true },
    ControlMode: { path: ['DERCtl', 'LocRemCtl'], type: 'UInt16' },
    ActivePowerSetpoint: { path: ['DERCtlAC', 'WSet'], type: 'Int32' },
    SetpointEnable: { path: ['DERCtlAC', 'WSetEna'], type: 'UInt16' },
    SetpointMode: { path: ['DERCtlAC', 'WSetMod'], type: 'UInt16' },
    RevertEnable: { path: ['DERCtlAC', 'WSetEnaRvrt'], type: 'UInt16' },
    RevertSeconds: { path: ['DERCtlAC', 'WSetRvrtTms'], type: 'UInt32' },
    RevertRemaining: { path: ['DERCtlAC', 'WSetRvrtRem'], type: 'UInt32', optional: true },
    DeviceHeartbeat: { path: ['DERCtl', 'DERHb'], type: 'UInt32' },
    ControllerHeartbeat: { path: ['DERCtl', 'ControllerHb'], type: 'UInt32' },
  },
  localMode: 1,
  control: {
    kind: 'writes',
    before: [
      { point: 'SetpointMode', value: 1 }, // WATTS
      { point: 'RevertEnable', value: 0 }, // once the timer has run out, no setpoint at all
    ],
  },
}
