import type { TransactionReceipt } from 'viem'
import type { IntentRow } from '#domain/chain.ts'
import type { Hex } from '#domain/ids.ts'
import { makesRoom } from '#domain/intent-order.ts'
import type { PoolDomain } from '#domain/pool-messages.ts'
import type { Clock, Log, Timer } from '#ports.ts'
import type { JournalAccess } from './effects.ts'
import type { FundingWay } from './funding.ts'
import type { Notes } from './notes.ts'
import type { Refusal } from './refusal.ts'
import type { ChainClient } from './rpc.ts'
import type { Transactions } from './transactions.ts'

/** What sender and follower share. */
export type Outbox = {
  readonly client: ChainClient
  readonly domain: PoolDomain
  readonly relayer: Hex
  readonly fundingWay: FundingWay
  readonly transactions: Transactions
  readonly journal: JournalAccess
  readonly clock: Clock
  readonly timer: Timer
  readonly log: Log
  /** We mine: nothing is ever raised, nothing waits longer than a block. */
  readonly local: boolean
  /** Blocks after which a transaction that waits is sent again with higher fees. */
  readonly raiseAfterBlocks: number
  readonly notes: Notes
  /** Whether new epochs may be posted now; all else goes on without asking. */
  readonly mayPost?: () => Promise<boolean>
  /** Records what a receipt says happened; returns how much of it was not known. */
  recordLogs(receipt: TransactionReceipt): Promise<number>
  /** Before anything is signed into the journal. @throws DomainError if another process sends now */
  requireSole(): Promise<void>
}

/** Where the chain and our queue stand in this round. */
export type Round = {
  /** Up to this block events are recorded; nothing above it counts yet. */
  readonly confirmed: number
  readonly head: number
  /** The relayer's nonces that are used at the head, and that the node holds beyond. */
  readonly used: number
  readonly pending: number
  readonly open: readonly IntentRow[]
}

/** What stands where a hash is asked for and no transaction was ever sent. */
export const NO_TRANSACTION: Hex = `0x${'00'.repeat(32)}`

/** Whether time alone, or an intent asked for earlier, can change the pool's answer. */
export function mayPass(
  { clock, domain }: Outbox,
  { businessKey, intent: later }: IntentRow,
  { name, args }: Refusal,
  { open }: Round,
): boolean {
  if (['TooEarly', 'EpochPending', 'PoolPaused'].includes(name)) return true
  if (name === 'ERC3009InvalidAuthorizationTime') {
    return Number(args['validAfter']) * 1000 >= clock.now()
  }
  const position = open.findIndex((row) => row.businessKey === businessKey)
  return open.slice(0, position).some(({ intent }) => makesRoom(intent, later, domain))
}

/** Closes an intent: done by that transaction, or refused for good. */
export async function closeIntent(
  { journal, log, notes }: Outbox,
  { businessKey }: IntentRow,
  hash: Hex,
  refusal: string | null,
): Promise<void> {
  const outcome = refusal === null ? 'mined' : 'reverted'
  await journal((chain) => chain.mined(businessKey, hash, outcome, refusal ?? undefined))
  notes.drop(businessKey)
  if (refusal === null) log.info('chain: done', { intent: businessKey, transaction: hash })
  else log.error('chain: refused for good', { intent: businessKey, reason: refusal })
}

/** Warns, but not with the same words in every round. */
export function warnOnce(
  { log, notes }: Outbox,
  { businessKey }: IntentRow,
  message: string,
  why: string,
): void {
  const note = notes.of(businessKey)
  if (note.said === message + why) return
  note.said = message + why
  log.warn(message, { intent: businessKey, why })
}
