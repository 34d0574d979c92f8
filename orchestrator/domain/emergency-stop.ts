import type { CongestionPointId, OrganisationId } from './ids.ts'
import type { Instant } from './time.ts'

/** All control of devices has ended, at one congestion point or everywhere, until it is lifted. */
export type EmergencyStop = {
  readonly id: string
  /** null: at every congestion point. */
  readonly congestionPointId: CongestionPointId | null
  readonly at: Instant
  readonly by: OrganisationId
  readonly reason: string
  readonly liftedAt: Instant | null
  /** Devices that held a setpoint or a droop curve when it came, by congestion point. */
  readonly told?: PointCounts
  /** Those of them that had said that they are at their default when it was lifted. */
  readonly letGo?: PointCounts
}

export type PointCounts = Readonly<Record<CongestionPointId, number>>

/** The stop that holds at a congestion point; null: none. The first one is named. */
export function standingAt(
  stops: readonly EmergencyStop[],
  congestionPointId: CongestionPointId,
): EmergencyStop | null {
  const standing = stops.filter(
    (stop) =>
      stop.liftedAt === null &&
      (stop.congestionPointId === null || stop.congestionPointId === congestionPointId),
  )
  return standing.toSorted((a, b) => a.at - b.at)[0] ?? null
}
