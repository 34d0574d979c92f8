import { hashOf, hashOfIds } from '#domain/canonical.ts'
import type { EpochData, EpochStatement } from '#domain/evidence.ts'
import type { Hex } from '#domain/ids.ts'
import type { PayoutEpoch } from '#domain/payout.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** From what a verifier recomputes the epoch. */
export async function epochData(tx: StoreTransaction, epoch: PayoutEpoch): Promise<EpochData> {
  const previous = await tx.payouts.find(epoch.epoch - 1)
  const calls: EpochData['calls'][number][] = []
  for (const [i, callId] of epoch.callIds.entries()) {
    const call = await tx.calls.find(callId)
    const requestId = epoch.requestIds[i] as Hex
    const isOwn = call?.escrow?.requestId === requestId
    const evidence = isOwn ? call.evidence : (await tx.rests.find(requestId))?.evidence
    const known = { callId, version: evidence?.version ?? 0, requestId }
    const [challenge] = await tx.chain.events({ kind: 'SettlementChallenged', requestId })
    calls.push(challenge ? { ...known, challenged: true } : known)
  }
  return {
    previous: previous?.accounts ?? [],
    accounts: epoch.accounts,
    shares: epoch.shares,
    ...(epoch.moves ? { moves: epoch.moves } : {}),
    calls,
  }
}

export function epochStatement(epoch: PayoutEpoch, data: EpochData): EpochStatement {
  return {
    epoch: epoch.epoch,
    prevRoot: epoch.prevRoot,
    topHash: epoch.topHash,
    newTotal: epoch.newTotal,
    requestIdsHash: hashOfIds(epoch.requestIds),
    dataHash: hashOf(data),
  }
}
