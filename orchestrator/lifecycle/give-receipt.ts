import type { HeldRest } from '#domain/held-rest.ts'
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
 * The owner's receipt of a measured call, as its one text: their lines, salts and proofs, nothing
 * of anybody else. Without a version it is that of the call's settlement; a later round that
 * settled what was on hold has a version and a receipt of its own, and the one before names it.
 * null: there is none, or it is not the asker's.
 */
export async function giveReceipt(
  { store }: Pick<Ports, 'store'>,
  callId: CallId,
  asker: Asker,
  version: number | null = null,
): Promise<string | null> {
  return store.transaction(async (tx) => {
    const call = await tx.calls.find(callId)
    if (!call?.evidence) return null
    const owner = await tx.resources.owner(asker.ownerId)
    if (owner === null) return null
    if (asker.kind === 'aggregator' && owner.aggregatorId !== asker.aggregatorId) return null
    const rests = await tx.rests.list({ callId })
    const versions = [call.evidence.version, ...laterVersions(rests, owner.id)]
    const place = version === null ? 0 : versions.indexOf(version)
    const wanted = versions[place]
    if (wanted === undefined) return null
    const text = await tx.evidence.load(callId, wanted)
    if (text === null) throw new Error(`${callId} is measured and has no evidence`)
    const receipt = receiptFor(parseBundle(text), owner.id, versions[place + 1] ?? null)
    return receipt === null ? null : receiptText(receipt)
  })
}

/** Of the rounds that settled what was on hold for this owner, in their order. */
function laterVersions(rests: readonly HeldRest[], ownerId: OwnerId): number[] {
  return rests.flatMap(({ state, evidence, settlement }) => {
    const isFinal = state === 'settled' || state === 'paid'
    const isTheirs = settlement?.lines.some((line) => line.ownerId === ownerId) ?? false
    return isFinal && isTheirs && evidence !== null ? [evidence.version] : []
  })
}
