import { type Rotation, rotationOf } from '#domain/rotation.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { addSeconds } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

const SECONDS = 30 * 86_400

/**
 * A gate reads them whole while it holds its congestion point: of a point that is called all day long
 * the last ones tell who is called in turn as well as a month of them.
 */
const CALLS = 200
/** The others have moved nobody, nor will they without another gate. */
const STATES = [
  'ordered',
  'dispatched',
  'measured',
  'verified',
  'settled',
  'paid',
  'cancelled',
  'refunded',
] as const

/**
 * Of what each resource of the point offered in the 30 days before a window, or in its last 200
 * calls if those were more, what was called.
 */
export async function calledLately(
  tx: StoreTransaction,
  { id, request }: FlexibilityCall,
): Promise<Rotation> {
  const { congestionPointId, window } = request
  const windowsFrom = addSeconds(window.start, -SECONDS)
  const calls = await tx.calls.list({
    congestionPointId,
    windowsFrom,
    states: STATES,
    last: CALLS,
  })
  return rotationOf(
    calls.filter((call) => call.id !== id && call.request.window.start < window.start),
  )
}
