import type { DesiredSetpoint, SetpointProgress } from '#domain/dispatch-instruction.ts'
import type { Instant } from '#domain/time.ts'
import type { GatewayPorts } from '#ports.ts'

/** Notes how far a setpoint has come on its device. Safe to run twice. */
export async function recordSetpoint(
  ports: GatewayPorts,
  setpoint: DesiredSetpoint,
  progress: Partial<SetpointProgress>,
): Promise<void> {
  await ports.store.transaction((tx) =>
    tx.setpoints.progress(setpoint.resourceId, setpoint.version, progress),
  )
}

export type Observed = {
  readonly setpoint: DesiredSetpoint
  readonly at: Instant
  readonly powerW: number
}

/** Notes what meters have shown of setpoints, the last link of their chain. Safe to run twice. */
export async function recordObservations(
  ports: GatewayPorts,
  observed: readonly Observed[],
): Promise<void> {
  if (observed.length === 0) return
  await ports.store.transaction(async (tx) => {
    for (const { setpoint, at, powerW } of observed) {
      const { resourceId, version } = setpoint
      await tx.setpoints.progress(resourceId, version, { observedAt: at, observedW: powerW })
    }
  })
}
