import type { ChargingSession } from '#domain/resource.ts'
import type { GatewayPorts } from '#ports.ts'

/** Keeps what became known of a car at a charger. */
export async function recordSession(ports: GatewayPorts, session: ChargingSession): Promise<void> {
  await ports.store.transaction((tx) => tx.sessions.save(session))
}
