import { type Rotation, rotationOf } from '#domain/rotation.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { addSeconds } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

const SECONDS = 30 * 86_400

/** Of what each resource of the point offered in the 30 days before a window, what was called. */
export async function calledLately(
  tx: StoreTransaction,
  { id, request }: FlexibilityCall,
): Promise<Rotation> {
  const { congestionPointId, window } = request
  const windowsFrom = addSeconds(window.start, -SECONDS)
  const calls = await tx.calls.list({ congestionPointId, windowsFrom })
  return rotationOf(
    calls.filter((call) => call.id !== id && call.request.window.start < window.start),
  )
}
