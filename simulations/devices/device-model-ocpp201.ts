import type { OCPP20 } from 'typed-ocpp'
import type { ScenarioCharger } from '../scenarios/scenario.ts'
import { STACK_LEVEL_MAX } from './messages-ocpp201.ts'
import type { Payload } from './ocpp-link.ts'

/** A variable of the device model: component, name and value. */
export type Variable = {
  readonly component: string
  readonly name: string
  readonly instance?: string
  value: string
  readonly dataType: 'string' | 'integer' | 'boolean' | 'MemberList'
  readonly writable: boolean
}

/** What the station can be asked and told, with the values from the factory. */
export function variablesOf({ rateUnit, meter }: ScenarioCharger): Variable[] {
  const fixed = (
    component: string,
    name: string,
    value: string,
    dataType: Variable['dataType'],
  ) => ({
    component,
    name,
    value,
    dataType,
    writable: false,
  })
  return [
    fixed('SmartChargingCtrlr', 'Enabled', 'true', 'boolean'),
    fixed('SmartChargingCtrlr', 'Available', 'true', 'boolean'),
    fixed('SmartChargingCtrlr', 'ProfileStackLevel', String(STACK_LEVEL_MAX), 'integer'),
    fixed('SmartChargingCtrlr', 'RateUnit', rateUnit, 'MemberList'),
    fixed('SmartChargingCtrlr', 'PeriodsPerSchedule', '24', 'integer'),
    fixed('SmartChargingCtrlr', 'Phases3to1', 'false', 'boolean'),
    { ...fixed('AlignedDataCtrlr', 'Interval', '900', 'integer'), writable: true },
    {
      ...fixed('AlignedDataCtrlr', 'Measurands', 'Energy.Active.Import.Register', 'MemberList'),
      writable: true,
    },
    { ...fixed('OCPPCommCtrlr', 'HeartbeatInterval', '60', 'integer'), writable: true },
    ...(meter === undefined
      ? []
      : [{ ...fixed('AlignedDataCtrlr', 'SignReadings', 'false', 'boolean'), writable: true }]),
  ]
}

/** The variables of a 2.0.1 station, as far as our side of the protocol asks for them. */
export class DeviceModel {
  readonly #variables: Variable[]
  readonly #intervalChanged: (seconds: number) => void

  /** @param intervalChanged called when the interval of aligned meter values was written */
  constructor(variables: Variable[], intervalChanged: (seconds: number) => void) {
    this.#variables = variables
    this.#intervalChanged = intervalChanged
  }

  /** The measurands of aligned meter values. */
  get measurands(): string[] {
    return this.#find('AlignedDataCtrlr', 'Measurands')?.value.split(',') ?? []
  }

  /** Whether aligned meter values carry the meter's signature. */
  get signsReadings(): boolean {
    return this.#find('AlignedDataCtrlr', 'SignReadings')?.value === 'true'
  }

  get({ getVariableData }: OCPP20.GetVariablesRequest): Payload {
    const getVariableResult = getVariableData.map(({ component, variable, attributeType }) => {
      const found = this.#find(component.name, variable.name, variable.instance)
      const asked = {
        component,
        variable,
        ...(attributeType === undefined ? {} : { attributeType }),
      }
      if (found === undefined) return { ...asked, attributeStatus: 'UnknownVariable' }
      return { ...asked, attributeStatus: 'Accepted', attributeValue: found.value }
    })
    return { getVariableResult }
  }

  set({ setVariableData }: OCPP20.SetVariablesRequest): Payload {
    const setVariableResult = setVariableData.map(({ component, variable, attributeValue }) => ({
      component,
      variable,
      attributeStatus: this.#write(component.name, variable.name, attributeValue),
    }))
    return { setVariableResult }
  }

  /** What NotifyReport tells of every variable. */
  report(): Payload[] {
    return this.#variables.map(({ component, name, instance, value, dataType, writable }) => ({
      component: { name: component },
      variable: { name, ...(instance === undefined ? {} : { instance }) },
      variableAttribute: [{ value, mutability: writable ? 'ReadWrite' : 'ReadOnly' }],
      variableCharacteristics: { dataType, supportsMonitoring: false },
    }))
  }

  #find(component: string, name: string, instance?: string): Variable | undefined {
    return this.#variables.find(
      (one) => one.component === component && one.name === name && one.instance === instance,
    )
  }

  #write(component: string, name: string, value: string): string {
    const found = this.#find(component, name)
    if (found === undefined) return 'UnknownVariable'
    if (!found.writable) return 'Rejected'
    if (found.dataType === 'integer' && !/^[1-9]\d*$/.test(value)) return 'Rejected'
    if (component === 'AlignedDataCtrlr' && name === 'Interval')
      this.#intervalChanged(Number(value))
    found.value = value
    return 'Accepted'
  }
}
