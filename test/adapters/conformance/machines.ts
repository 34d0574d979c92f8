import type { Clock } from '#ports.ts'
import type { ScenarioBattery } from '#simulations/scenarios/scenario.ts'
import type { DeviceHooks } from '#simulations/devices/station.ts'

/** Nobody listens to what the machine says of itself. */
export function quietHooks(clock: Clock): DeviceHooks {
  return {
    now: () => clock.now(),
    log: () => undefined,
    setpoint: () => undefined,
    backAtDefault: () => undefined,
    driverLeft: () => undefined,
  }
}

/** A battery of 5 kW and 10 kWh, half full and idle by itself. */
export function batteryOf(ref: string): ScenarioBattery {
  return {
    kind: 'battery',
    ref,
    site: '',
    rating: {
      importMaxW: 5000,
      exportMaxW: 5000,
      importMinW: 0,
      phases: 3,
      energyWh: 10_000,
      reserveWh: 0,
      pausable: true,
    },
    offer: { price: '0', directions: [], fromMinute: 0, untilMinute: 1440 },
    battery: {
      soc: 0.5,
      socMin: 0.05,
      socMax: 0.95,
      rampPerSecond: 1,
      revertW: 0,
      importedWh: 40_000,
      exportedWh: 30_000,
    },
  }
}
