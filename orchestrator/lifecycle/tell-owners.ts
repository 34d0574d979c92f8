import type { BusinessEventInput } from '#domain/business-event.ts'
import type { Address, OwnerId } from '#domain/ids.ts'
import type { PayoutEpoch } from '#domain/payout.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

type News = Pick<BusinessEventInput, 'kind' | 'message' | 'data'>

/** Tells the owners who are paid to a wallet, and their aggregators, what became of their money. */
export async function tellOwners(
  ports: Pick<Ports, 'clock'>,
  tx: StoreTransaction,
  epochs: readonly PayoutEpoch[],
  { account }: { readonly account: Address },
  news: News,
): Promise<void> {
  const owners = new Set(
    epochs
      .flatMap(({ shares }) => shares)
      .filter(({ wallet }) => wallet?.toLowerCase() === account.toLowerCase())
      .flatMap(({ payee }) => (payee.kind === 'owner' ? [payee.ownerId] : [])),
  )
  for (const ownerId of owners) await tellOwner(ports, tx, ownerId, news)
}

/** The same for one owner. */
export async function tellOwner(
  { clock }: Pick<Ports, 'clock'>,
  tx: StoreTransaction,
  ownerId: OwnerId,
  news: News,
): Promise<void> {
  const owner = await tx.resources.owner(ownerId)
  const organisationIds = owner ? [owner.aggregatorId] : []
  const nowhere = { callId: null, resourceId: null, notice: false }
  await tx.events.append([{ ...news, ...nowhere, at: clock.now(), organisationIds, ownerId }])
}
