import type { Answered, CurveOrder, OwnRecording } from '#domain/armed-curve.ts'
import type { TimeWindow } from '#domain/time.ts'
import type { BatterySession } from './battery-session.ts'
import { callDroop, readFrequencies } from './droop.ts'
import type { Product } from './product.ts'
import { callVoltage, readVoltages } from './voltage.ts'

/** Arms curves, or takes them back. Answers why they were turned down; null: accepted. */
export function callCurve(
  session: BatterySession,
  product: Product,
  order: CurveOrder,
  sequence: number,
): Promise<string | null> {
  return order.answers === 'frequency'
    ? callDroop(session, product, order.armed, sequence)
    : callVoltage(session, product, order.armed, sequence)
}

/** What a battery recorded itself, oldest first. @throws Refused, RangeError */
export async function readOwn(
  session: BatterySession,
  product: Product,
  answers: Answered,
  window: TimeWindow,
): Promise<OwnRecording> {
  return answers === 'frequency'
    ? { answers, samples: await readFrequencies(session, product, window) }
    : { answers, samples: await readVoltages(session, product, window) }
}
