import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** The newest rows of its devices, as far as they are this call's and hold anything. */
export async function heldBy(tx: StoreTransaction, call: FlexibilityCall): Promise<SetpointRow[]> {
  const ids = call.allocations.map(({ resourceId }) => resourceId)
  return heldIn(await tx.setpoints.current(ids), call)
}

/** Those of the newest rows of its devices. */
export function heldIn(rows: readonly SetpointRow[], { id }: FlexibilityCall): SetpointRow[] {
  return rows.filter(({ callId, powerW }) => callId === id && powerW !== null)
}
