import type { KnownGateway } from '#domain/gateway.ts'
import type { GatewayId } from '#domain/ids.ts'
import type { Timer } from '#ports.ts'

/**
 * Wall time. Shorter than the interval of pings, so that a device which dialled us is never looked
 * for longer than its own line would have been.
 */
export const LEASE_MS = 4000

/** Who has not looked for so long has not watched anything stand still: the store was away. */
const BLIND_MS = 2000

/** Which gateways run, judged by whether their beats move: no clocks are compared. */
export type Leases = {
  /** Takes in what stands in the store now. */
  see(gateways: readonly KnownGateway[]): void
  isExpired(id: GatewayId): boolean
  running(): GatewayId[]
}

export function watchLeases(timer: Timer, own: GatewayId): Leases {
  const watched = new Map<GatewayId, { mark: string | null; sinceMs: number }>()
  let lookedMs = timer.monotonicMs()

  function isExpired(id: GatewayId): boolean {
    if (id === own) return false
    const lease = watched.get(id)
    if (lease === undefined || lease.mark === null) return true
    return timer.monotonicMs() - lease.sinceMs >= LEASE_MS
  }

  return {
    see(gateways) {
      const nowMs = timer.monotonicMs()
      const wasBlind = nowMs - lookedMs > BLIND_MS
      lookedMs = nowMs
      for (const { id, instance, beat } of gateways) {
        const mark = instance === null ? null : `${instance} ${beat}`
        if (watched.get(id)?.mark === mark && !wasBlind) continue
        watched.set(id, { mark, sinceMs: nowMs })
      }
    },
    isExpired,
    running: () => [own, ...[...watched.keys()].filter((id) => id !== own && !isExpired(id))],
  }
}
