import type { EvBatterySpec, EvBatteryState } from '../models/ev-battery.ts'
import type { Visit } from '../scenarios/scenario.ts'

/** A car at the charge point, from plug-in to departure. Instants are business ms. */
export type Session = {
  readonly visit: Visit
  readonly startedAt: number
  readonly chargingFrom: number
  readonly departureAt: number
  readonly startRegisterWh: number
}

/** Metered from plug-in to departure, with the setpoints received and without any. */
export type DriverOutcome = {
  readonly departureAt: string
  readonly neededWh: number
  readonly withCallWh: number
  readonly withoutCallWh: number
}

export type Charging = { session: Session; car: EvBatteryState; twin: EvBatteryState }

export function sessionOf(visit: Visit, startedAt: number, startRegisterWh: number): Session {
  const chargingFrom = Date.parse(visit.chargingFrom)
  return {
    visit,
    startedAt,
    chargingFrom,
    departureAt: Date.parse(visit.departureAt),
    startRegisterWh,
  }
}

export function carSpec({ car }: Visit): EvBatterySpec {
  return {
    capacityWh: car.capacityWh,
    maxW: car.maxW,
    efficiency: car.efficiency,
    stopAtSoc: car.stopAtSoc,
    dischargeMaxW: car.dischargeMaxW ?? 0,
  }
}

export function atPlugIn({ car }: Visit): EvBatteryState {
  return { soc: car.socAtPlugIn, meteredWh: 0, powerW: 0 }
}

export function outcomeOf(
  { visit }: Session,
  car: EvBatteryState,
  twin: EvBatteryState,
): DriverOutcome {
  return {
    departureAt: visit.departureAt,
    neededWh: visit.energyNeededWh,
    withCallWh: Math.round(car.meteredWh),
    withoutCallWh: Math.round(twin.meteredWh),
  }
}
