import type { Candidate } from './allocation.ts'
import type { ResourceId } from './ids.ts'
import { ceilDiv, type MicroEurPerKwh, microEurPerKwh } from './money.ts'

/** Of a device of which no feeder says otherwise: what it moves is moved at the congestion point. */
export const WHOLE_EFFECT_BP = 10_000

/** W at the congestion point per W at a device; such a device is never one of no effect. */
export function shareAtPoint({
  effectBp = WHOLE_EFFECT_BP,
}: {
  readonly effectBp?: number
}): number {
  return Math.max(1, effectBp) / WHOLE_EFFECT_BP
}

type Affecting = Pick<Candidate, 'resourceId' | 'effectBp'>

/** W (or Wh) that the congested element is relieved of per 10,000 W at each device. */
export function effectsOf(candidates: readonly Affecting[]): (resourceId: ResourceId) => number {
  const known = new Map(candidates.map(({ resourceId, effectBp }) => [resourceId, effectBp]))
  return (resourceId) => known.get(resourceId) ?? WHOLE_EFFECT_BP
}

/**
 * What powers or energies at devices are together at the congestion point: summed first, divided
 * once and rounded towards zero, so that nobody claims more than there is.
 */
export function atPoint(
  parts: readonly { readonly amount: number; readonly effectBp: number }[],
): number {
  const sum = parts.reduce((all, { amount, effectBp }) => all + amount * effectBp, 0)
  return Math.trunc(sum / WHOLE_EFFECT_BP) + 0
}

/**
 * What a kWh at the congestion point costs of devices that are paid this for each kWh of their own
 * meters: by what they are together at the devices and there, rounded up; of nothing, the price.
 */
export function priceAtPoint(
  price: MicroEurPerKwh,
  parts: readonly { readonly amount: number; readonly effectBp: number }[],
): MicroEurPerKwh {
  let [atDevices, there] = [0n, 0n]
  for (const { amount, effectBp } of parts) {
    // A weight in whole W: what stands by above a device's least power need not be.
    const weight = BigInt(Math.round(amount))
    atDevices += weight
    there += weight * BigInt(Math.max(1, effectBp))
  }
  if (there === 0n) return price
  return microEurPerKwh(ceilDiv(price * atDevices * BigInt(WHOLE_EFFECT_BP), there))
}
