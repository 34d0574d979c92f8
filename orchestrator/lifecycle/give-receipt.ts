import type { CallId, OrganisationId, OwnerId } from '#domain/ids.ts'
import { receiptFor, receiptText } from '#domain/receipt.ts'
import { parseBundle } from '#domain/verification.ts'
import type { Ports } from '#ports.ts'

/** Who asks: an owner for their own, an aggregator for one of its owners. */
export type Asker =
  | { readonly kind: 'owner'; readonly ownerId: OwnerId }
  | {
      readonly kind: 'aggregator'
      readonly aggregatorId: OrganisationId
      readonly ownerId: OwnerId
    }

/**
 * The owner's receipt of a measured call, as its one text: their lines, salts and proofs from the
 * newest evidence, nothing of anybody else. null: there is none, or it is not the asker's.
 */
export async function giveReceipt(
  { store }: Pick<Ports, 'store'>,
  callId: CallId,
  asker: Asker,
): Promise<string | null> {
  return store.transaction(async (tx) => {
    const call = await tx.calls.find(callId)
    if (!call?.evidence) return null
    const owner = await tx.resources.owner(asker.ownerId)
    if (owner === null) return null
    if (asker.kind === 'aggregator' && owner.aggregatorId !== asker.aggregatorId) return null
    const text = await tx.evidence.load(callId, call.evidence.version)
    if (text === null) throw new Error(`${callId} is measured and has no evidence`)
    const receipt = receiptFor(parseBundle(text), owner.id)
    return receipt === null ? null : receiptText(receipt)
  })
}
