import { hashTypedData, isAddressEqual, slice } from 'viem'
import { readContract } from 'viem/actions'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import type { ChainEvent, ChainIntent } from '#domain/chain.ts'
import type { Hex } from '#domain/ids.ts'
import { payoutRoot } from '#domain/payout-tree.ts'
import {
  type PoolDomain,
  chunkRows,
  requestIdOf,
  settlementTypedData,
} from '#domain/pool-messages.ts'
import type { ChainJournal } from '#rail-store-ports.ts'
import type { ChainClient } from './rpc.ts'

type Parts = {
  readonly client: ChainClient
  readonly domain: PoolDomain
  readonly journal: JournalAccess
}

/** One short transaction on the database's side of the chain. */
export type JournalAccess = <T>(work: (chain: ChainJournal) => Promise<T>) => Promise<T>

/**
 * The transaction, ours or anybody's, that did what the intent asks; null if none did. Decided by
 * recorded events, so only by what counts; and by the digest the pool keeps, where an event leaves
 * something out.
 */
export async function effectOf(intent: ChainIntent, parts: Parts): Promise<Hex | null> {
  switch (intent.kind) {
    case 'openRequest':
      return requestEvent(parts, 'RequestOpened', requestIdOf(parts.domain, intent.terms))
    case 'cancel':
      return requestEvent(parts, 'RequestCancelled', intent.requestId)
    case 'finalize':
      return requestEvent(parts, 'RequestFinalized', intent.requestId)
    case 'refundExpired':
      return requestEvent(parts, 'RequestRefunded', intent.requestId)
    case 'proposeSettlement':
      return proposed(intent, parts)
    case 'postEpoch':
      return posted(intent, parts)
    case 'activateEpoch': {
      const events = await ofKind(parts, 'EpochActivated')
      return events.find(({ epoch }) => epoch === intent.epoch)?.transactionHash ?? null
    }
    case 'payChunk':
      return paid(intent, parts)
    case 'withdrawCredit': {
      const events = await ofKind(parts, 'CreditWithdrawn')
      const own = events.findLast(({ account }) => isAddressEqual(account, intent.account))
      return own?.transactionHash ?? null
    }
  }
}

async function ofKind<K extends ChainEvent['kind']>(
  { journal }: Parts,
  kind: K,
  requestId?: Hex,
): Promise<Extract<ChainEvent, { kind: K }>[]> {
  const filter = requestId === undefined ? { kind } : { kind, requestId }
  const events = await journal((chain) => chain.events(filter))
  return events.filter((event): event is Extract<ChainEvent, { kind: K }> => event.kind === kind)
}

async function requestEvent(parts: Parts, kind: ChainEvent['kind'], requestId: Hex) {
  const [event] = await ofKind(parts, kind, requestId)
  return event?.transactionHash ?? null
}

/** The event leaves some of the statement out, so the digest that the pool kept must be ours. */
async function proposed(
  { statement }: Extract<ChainIntent, { kind: 'proposeSettlement' }>,
  parts: Parts,
): Promise<Hex | null> {
  const events = await ofKind(parts, 'SettlementProposed', statement.requestId)
  const { evidenceRoot, round } = statement
  const event = events.findLast((e) => e.evidenceRoot === evidenceRoot && e.round === round)
  if (event === undefined) return null
  // The pool keeps the last digest only; whose place a later round took was there before.
  if (events.some((each) => each.round > round)) return event.transactionHash
  const { digestPrefix } = await readContract(parts.client, {
    address: parts.domain.pool,
    abi: flexPoolAbi,
    functionName: 'request',
    args: [statement.requestId],
  })
  const ours = hashTypedData(settlementTypedData(parts.domain, statement))
  return digestPrefix === slice(ours, 0, 8) ? event.transactionHash : null
}

/** A post that was rejected afterwards has no effect. */
async function posted(
  { statement }: Extract<ChainIntent, { kind: 'postEpoch' }>,
  parts: Parts,
): Promise<Hex | null> {
  const root = payoutRoot(statement.topHash, statement.newTotal)
  const events = await ofKind(parts, 'EpochPosted')
  const event = events.findLast((each) => each.epoch === statement.epoch && each.root === root)
  if (event === undefined) return null
  const rejected = await ofKind(parts, 'EpochRejected')
  const after = rejected.some(
    (each) =>
      each.epoch === event.epoch &&
      (each.block > event.block || (each.block === event.block && each.logIndex > event.logIndex)),
  )
  return after ? null : event.transactionHash
}

/** Every row has had its money, whoever sent it and in whichever chunk or claim. */
async function paid(
  intent: Extract<ChainIntent, { kind: 'payChunk' }>,
  parts: Parts,
): Promise<Hex | null> {
  const events = await ofKind(parts, 'Paid')
  let last: Hex | null = null
  for (const { index, cumulative } of chunkRows(intent)) {
    const own = events.filter((event) => event.index === index)
    if (own.reduce((sum, { amount }) => sum + amount, 0n) < cumulative) return null
    last = own.at(-1)?.transactionHash ?? last
  }
  return last
}
