import { variablesOf } from './device-model-ocpp201.ts'
import { readProfile } from './messages-ocpp201.ts'
import type { StationParts } from './station.ts'
import { StationOcpp2 } from './station-ocpp2.ts'

/** A charging station that speaks OCPP 2.0.1 as a client, with one EVSE and one connector. */
export class StationOcpp201 extends StationOcpp2 {
  constructor(parts: StationParts) {
    super(parts, {
      subprotocol: 'ocpp2.0.1',
      model: 'AC 2.0.1',
      variables: variablesOf,
      readProfile,
    })
  }
}
