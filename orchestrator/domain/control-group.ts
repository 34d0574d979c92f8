import { hashOf } from './canonical.ts'
import type { Delivery } from './delivery.ts'
import type { CallId, Hex, ResourceId } from './ids.ts'
import type { BasisPoints } from './units.ts'

/** What a baseline said of devices that nobody called: our own error in this call, in the open. */
export type ControlBias = {
  readonly devices: number
  readonly baselineWh: number
  readonly meteredWh: number
  /** Baseline minus metered. */
  readonly biasWh: number
  /** Of what was metered, in basis points; null where nothing was. */
  readonly biasBp: number | null
}

/**
 * Who is held out of a call, so that its baselines can be judged: the lowest hashes of call and
 * resource, so many that they are at most this share. A new call id chooses anew, and nobody can
 * choose a call id that the DSO has not sent.
 */
export function controlGroupOf(
  callId: CallId,
  enrolled: readonly ResourceId[],
  shareBp: BasisPoints,
): ReadonlySet<ResourceId> {
  const count = Math.floor((enrolled.length * shareBp) / 10_000)
  const ranked = enrolled
    .map((resourceId) => ({ resourceId, rank: rankOf(callId, resourceId) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0))
  return new Set(ranked.slice(0, count).map(({ resourceId }) => resourceId))
}

function rankOf(callId: CallId, resourceId: ResourceId): Hex {
  return hashOf({ held: 'out', callId, resourceId })
}

/** Over the devices whose every period is known; null where there is none. */
export function controlBias(measured: readonly Delivery[]): ControlBias | null {
  let [devices, baselineWh, meteredWh] = [0, 0, 0]
  for (const mine of Map.groupBy(measured, ({ resourceId }) => resourceId).values()) {
    if (mine.some((period) => period.measuredWh === null)) continue
    devices += 1
    for (const period of mine) {
      baselineWh += period.baselineWh
      meteredWh += period.measuredWh ?? 0
    }
  }
  if (devices === 0) return null
  const biasWh = baselineWh - meteredWh
  const biasBp = meteredWh === 0 ? null : Math.round((biasWh * 10_000) / Math.abs(meteredWh))
  return { devices, baselineWh, meteredWh, biasWh, biasBp }
}
