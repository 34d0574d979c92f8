import type { Capability, DeviceCondition } from '#domain/capability.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { GatewayPorts } from '#ports.ts'

/** Keeps what a device can do. Safe to run twice. */
export async function recordCapability(
  { store, clock }: GatewayPorts,
  resourceId: ResourceId,
  capability: Capability,
): Promise<void> {
  const learnedAt = clock.now()
  await store.transaction((tx) =>
    tx.resources.saveCapability({ resourceId, capability, learnedAt }),
  )
}

/** Keeps what others did to a device; what is not named stays as it was. Safe to run twice. */
export async function recordCondition(
  { store, clock }: GatewayPorts,
  resourceId: ResourceId,
  change: Partial<Pick<DeviceCondition, 'externalLimitW' | 'externalSource' | 'overrideSince'>>,
): Promise<void> {
  await store.transaction(async (tx) => {
    const [known] = await tx.resources.conditions([resourceId])
    const before = known ?? { externalLimitW: null, externalSource: null, overrideSince: null }
    await tx.resources.saveCondition({ ...before, ...change, resourceId, at: clock.now() })
  })
}
