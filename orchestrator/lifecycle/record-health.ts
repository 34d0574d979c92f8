import type { ChargingSession, ResourceHealth } from '#domain/resource.ts'
import type { Ports } from '#ports.ts'

/** Keeps what a gateway knows of a device's connection. */
export async function recordHealth(ports: Ports, health: ResourceHealth): Promise<void> {
  await ports.store.transaction((tx) => tx.resources.saveHealth(health))
}

/** Keeps what became known of a car at a charger. */
export async function recordSession(ports: Ports, session: ChargingSession): Promise<void> {
  await ports.store.transaction((tx) => tx.sessions.save(session))
}
