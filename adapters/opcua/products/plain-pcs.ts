import type { Product } from '../product.ts'

/**
 * A power conversion system with a handful of plain variables, in kW and kWh, + is charging. It has
 * no reversion, no heartbeat and no method: a setpoint stands until somebody takes it back.
 */
export const plainPcs: Product = {
  name: 'plain-pcs',
  title: 'Power conversion system with plain variables',
  namespaceUri: 'urn:plain:pcs',
  object: ['PCS'],
  plus: 'charge',
  points: {
    EnergyRating: { path: ['CapacityKWh'], type: 'Double', scale: 1000 },
    MaxChargeRating: { path: ['ChargeMaxKW'], type: 'Double', scale: 1000 },
    MaxDischargeRating: { path: ['DischargeMaxKW'], type: 'Double', scale: 1000 },
    StateOfCharge: { path: ['SoC'], type: 'Double' },
    ActivePower: { path: ['PowerKW'], type: 'Double', scale: 1000 },
    EnergyImported: { path: ['ChargedKWh'], type: 'Double', scale: 1000 },
    EnergyExported: { path: ['DischargedKWh'], type: 'Double', scale: 1000 },
    ControlMode: { path: ['RemoteAllowed'], type: 'Boolean' },
    ActivePowerSetpoint: { path: ['SetpointKW'], type: 'Double', scale: 1000 },
    SetpointEnable: { path: ['SetpointOn'], type: 'Boolean' },
  },
  localMode: false,
  control: { kind: 'writes', before: [] },
}
