/**
 * The battery's information model as data: what gridcall-bess.xml says, as far as the driver uses it.
 * A battery of another make is a map of its own with the same keys.
 */
export const batteryMap = {
  namespaceUri: 'urn:gridcall:bess',
  object: 'BESS',
  /** Read at onboarding; each must be there with this data type. */
  variables: {
    EnergyRating: 'Double',
    MaxChargeRating: 'Double',
    MaxDischargeRating: 'Double',
    StateOfCharge: 'Double',
    SoCMin: 'Double',
    SoCMax: 'Double',
    ActivePower: 'Double',
    EnergyImported: 'Double',
    EnergyExported: 'Double',
    OperatingState: 'Int32',
    ControlMode: 'Int32',
    ActivePowerSetpoint: 'Double',
    SetpointEnable: 'Boolean',
    RevertPower: 'Double',
    RevertRemaining: 'Double',
    RampRate: 'Double',
    DeviceHeartbeat: 'UInt32',
    ControllerHeartbeat: 'UInt32',
    MeteringInterval: 'Double',
    SetpointValidUntil: 'DateTime',
    MeterRecord: 'Double',
  },
  methods: { setActivePower: 'SetActivePower', releaseSetpoint: 'ReleaseSetpoint' },
} as const

export type VariableName = keyof (typeof batteryMap)['variables']
export type MethodName = (typeof batteryMap)['methods'][keyof (typeof batteryMap)['methods']]

export const variableNames = Object.keys(batteryMap.variables) as readonly VariableName[]

/** What SetActivePower and ReleaseSetpoint answer. */
export const methodResults = {
  accepted: 0,
  local: 1,
  sequenceNotNewer: 2,
  expired: 3,
  outOfRange: 4,
} as const

/** ControlMode (SunSpec 715 LocRemCtl): in LOCAL no instruction applies. */
export const controlModes = { remote: 0, local: 1 } as const
