import type { Arming } from '#domain/arming.ts'
import type { GatewayPorts } from '#ports.ts'
import type { ArmingProgress } from '#store-ports.ts'

/** Writes down what came of a curve that a call wants on a device. Safe to run twice. */
export async function recordArming(
  { store }: Pick<GatewayPorts, 'store'>,
  { callId, resourceId }: Pick<Arming, 'callId' | 'resourceId'>,
  progress: ArmingProgress,
): Promise<void> {
  await store.transaction((tx) => tx.armings.progress(callId, resourceId, progress))
}
