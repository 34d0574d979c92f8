import type { Arming, ArmingProgress } from '#domain/arming.ts'
import { signRecording } from '#domain/signed-recording.ts'
import type { GatewayPorts } from '#ports.ts'

/**
 * Writes down what came of a curve that a call wants on a device; what the device recorded is signed
 * by the gateway that took it in. Safe to run twice.
 */
export async function recordArming(
  { store, gateway }: Pick<GatewayPorts, 'gateway' | 'store'>,
  { callId, resourceId }: Pick<Arming, 'callId' | 'resourceId'>,
  progress: ArmingProgress,
): Promise<void> {
  const { id, signer } = gateway
  const recording = progress.recording
    ? signRecording({ callId, resourceId }, progress.recording, { id, sign: signer.sign })
    : null
  const signed = recording === null ? progress : { ...progress, recording }
  await store.transaction((tx) => tx.armings.progress(callId, resourceId, signed))
}
