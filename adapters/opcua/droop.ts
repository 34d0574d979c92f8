import type { ArmedDroop, FrequencySample } from '#domain/frequency-response.ts'
import type { TimeWindow } from '#domain/time.ts'
import type { Argument, BatterySession } from './battery-session.ts'
import type { CurveMethods, Product } from './product.ts'
import { methodsThere, readRows } from './recording.ts'
import { powerFromProduct, refusalOf } from './wire.ts'

/**
 * Arms a droop curve on a battery until its end, or takes it back (null). Answers why the battery
 * turned it down; null: accepted.
 * @throws Refused where the battery answers no frequency
 */
export async function callDroop(
  session: BatterySession,
  product: Product,
  armed: ArmedDroop | null,
  sequence: number,
): Promise<string | null> {
  const methods = methodsOf(session, product)
  const number: Argument = { type: 'UInt32', value: sequence }
  if (armed === null) return refusalOf(await session.call(methods.disarm, [number]))
  const { droop, reservedW, validUntil } = armed
  const double = (value: number): Argument => ({ type: 'Double', value })
  const args = [
    double(droop.deadBandOverMilliHz / 1000),
    double(droop.deadBandUnderMilliHz / 1000),
    double(droop.droopOverBp / 10_000),
    double(droop.droopUnderBp / 10_000),
    double(droop.responseMs / 1000),
    double(droop.nominalMilliHz / 1000),
    double(reservedW),
    { type: 'DateTime', value: new Date(validUntil) } as const,
    number,
  ]
  return refusalOf(await session.call(methods.arm, args))
}

/** What a battery recorded itself, oldest first. @throws Refused, RangeError */
export async function readFrequencies(
  session: BatterySession,
  product: Product,
  window: TimeWindow,
): Promise<FrequencySample[]> {
  const { recording } = methodsOf(session, product)
  const rows = await readRows(session, recording, window, 3)
  return rows.map(({ at, values: [hertz = 0, power = 0] }) => {
    const frequencyMilliHz = Math.round(hertz * 1000)
    return { at, frequencyMilliHz, powerW: powerFromProduct(product, power) }
  })
}

function methodsOf(session: BatterySession, { frequency, title }: Product): CurveMethods {
  return methodsThere(session, frequency, `this ${title} answers no frequency`)
}
