import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import type { ScenarioCharger } from '../scenarios/scenario.ts'
import type { MeterReading } from './charge-point.ts'
import { stamp } from './station.ts'

/**
 * A meter with a key of its own: signs its register at every reading on the clock's raster, as a
 * fiscal record of OCMF with the next page number. It names nobody.
 */
export class SigningMeter {
  readonly #serial: string
  readonly #key: KeyObject
  readonly #wrong: NonNullable<ScenarioCharger['meter']>['wrong']
  #page = 0

  constructor({ serial, privateKey, wrong }: NonNullable<ScenarioCharger['meter']>) {
    this.#serial = serial
    this.#key = createPrivateKey(privateKey)
    this.#wrong = wrong
  }

  /** The record as text: `OCMF|payload|signature`. */
  record({ at, registerWh, exportWh }: MeterReading): string {
    this.#page += this.#wrong === 'skips pages' && this.#page % 5 === 4 ? 2 : 1
    const TM = `${stamp(at).replace(/(\.\d+)?Z$/, '')},000+0000 S`
    const register = { TM, RV: registerWh, RI: '1-0:1.8.0', RU: 'Wh', RT: 'AC', EF: '', ST: 'G' }
    const payload = JSON.stringify({
      FV: '1.0',
      GI: 'Simulated',
      GS: this.#serial,
      MS: this.#serial,
      PG: `F${this.#page}`,
      IS: false,
      ID: '',
      RD: exportWh === 0 ? [register] : [register, { RV: exportWh, RI: '1-0:2.8.0' }],
    })
    const signature = sign('sha256', Buffer.from(payload, 'utf8'), this.#key).toString('hex')
    const told =
      this.#wrong === 'changes what was signed'
        ? payload.replace(`"RV":${registerWh}`, `"RV":${registerWh + 1000}`)
        : payload
    return `OCMF|${told}|${JSON.stringify({ SA: 'ECDSA-secp256r1-SHA256', SD: signature })}`
  }
}

/** The meter of a charger that has a key; null: it signs nothing. */
export function signingMeterOf({ meter }: ScenarioCharger): SigningMeter | null {
  return meter === undefined ? null : new SigningMeter(meter)
}
