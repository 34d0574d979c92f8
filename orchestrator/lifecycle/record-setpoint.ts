import type { DesiredSetpoint, SetpointProgress } from '#domain/dispatch-instruction.ts'
import type { Ports } from '#ports.ts'

/** Notes how far a setpoint has come on its device. Safe to run twice. */
export async function recordSetpoint(
  ports: Ports,
  setpoint: DesiredSetpoint,
  progress: Partial<SetpointProgress>,
): Promise<void> {
  await ports.store.transaction((tx) =>
    tx.setpoints.progress(setpoint.resourceId, setpoint.version, progress),
  )
}
