import type { SeededRandom } from '../random.ts'
import type { ScenarioCharger } from '../scenarios/scenario.ts'
import { ChargePoint } from './charge-point.ts'
import { type DeviceHooks, type Station, type StationParts, stamp } from './station.ts'
import { StationOcpp16 } from './station-ocpp16.ts'
import { StationOcpp201 } from './station-ocpp201.ts'
import { StationOcpp21 } from './station-ocpp21.ts'

/** The station that a scenario's charger is, with its quirks; `start` in business ms. */
export function makeStation(
  device: ScenarioCharger,
  start: number,
  random: { readonly line: SeededRandom; readonly physics: SeededRandom },
  hooks: DeviceHooks,
): Station {
  const parts: StationParts = {
    random: random.line,
    hooks,
    point: (events) => {
      const point = new ChargePoint(device, start, random.physics, {
        ...events,
        metered(reading) {
          // Whoever asks later what has really flowed finds it here and in no message.
          if (device.quirks !== undefined) {
            hooks.log('truth', { of: stamp(point.at), wh: point.trueWh })
          }
          events.metered(reading)
        },
      })
      return point
    },
  }
  const mixesUpVersions = device.quirks?.includes('B10') === true
  if (device.version === '1.6') return new StationOcpp16(parts)
  if (device.version === '2.1') return new StationOcpp21(parts)
  return mixesUpVersions ? new StationOcpp16(parts, 'ocpp2.0.1') : new StationOcpp201(parts)
}
