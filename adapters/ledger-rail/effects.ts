import { isAddressEqual } from 'viem'
import { hashOf } from '#domain/canonical.ts'
import type { ChainEvent, ChainIntent } from '#domain/chain.ts'
import type { Hex } from '#domain/ids.ts'
import { payoutRoot } from '#domain/payout-tree.ts'
import { chunkRows, requestIdOf } from '#domain/pool-messages.ts'
import type { PoolSetup } from '#domain/pool-books.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** Which entry of the journal did what an intent asks, whoever asked for it; null if none did. */
export async function effectOf(
  tx: StoreTransaction,
  setup: PoolSetup,
  intent: ChainIntent,
): Promise<Hex | null> {
  const ofKind = <K extends ChainEvent['kind']>(kind: K, requestId?: Hex) =>
    eventsOf(tx, kind, requestId)
  switch (intent.kind) {
    case 'openRequest':
      return last(await ofKind('RequestOpened', requestIdOf(setup, intent.terms)))
    case 'cancel':
      return last(await ofKind('RequestCancelled', intent.requestId))
    case 'finalize':
      return last(await ofKind('RequestFinalized', intent.requestId))
    case 'refundExpired':
      return last(await ofKind('RequestRefunded', intent.requestId))
    case 'proposeSettlement': {
      const { requestId, round } = intent.statement
      const proposals = (await tx.pool.request(requestId))?.proposals ?? []
      const digest = hashOf(intent.statement)
      if (!proposals.some((proposal) => hashOf(proposal) === digest)) return null
      const proposed = await ofKind('SettlementProposed', requestId)
      return last(proposed.filter((event) => event.round === round))
    }
    case 'postEpoch': {
      const { epoch, topHash, newTotal } = intent.statement
      const root = payoutRoot(topHash, newTotal)
      const events = await ofKind('EpochPosted')
      return last(events.filter((event) => event.epoch === epoch && event.root === root))
    }
    case 'activateEpoch': {
      const events = await ofKind('EpochActivated')
      return last(events.filter(({ epoch }) => epoch === intent.epoch))
    }
    case 'payChunk':
      return paid(tx, intent)
    case 'withdrawCredit': {
      const events = await ofKind('CreditWithdrawn')
      return last(events.filter(({ account }) => isAddressEqual(account, intent.account)))
    }
  }
}

async function eventsOf<K extends ChainEvent['kind']>(
  tx: StoreTransaction,
  kind: K,
  requestId?: Hex,
): Promise<Extract<ChainEvent, { kind: K }>[]> {
  const filter = requestId === undefined ? { kind } : { kind, requestId }
  const events = await tx.chain.events(filter)
  return events.filter((event): event is Extract<ChainEvent, { kind: K }> => event.kind === kind)
}

function last(events: readonly ChainEvent[]): Hex | null {
  return events.at(-1)?.transactionHash ?? null
}

/** Every row has had its money, in whichever chunk. */
async function paid(
  tx: StoreTransaction,
  chunk: Extract<ChainIntent, { kind: 'payChunk' }>,
): Promise<Hex | null> {
  const rows = chunkRows(chunk)
  const count = Math.ceil((chunk.rows.length - 2) / 56) // a chunk that was refused may be odd
  const claimed = await tx.pool.claimed(chunk.first, count)
  if (rows.some(({ index, cumulative }) => (claimed.get(index) ?? 0n) < cumulative)) return null
  const indexes = new Set(rows.map(({ index }) => index))
  return last((await eventsOf(tx, 'Paid')).filter(({ index }) => indexes.has(index)))
}
