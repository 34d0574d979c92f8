import { keccak256 } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { getBlock, getTransaction, getTransactionCount, getTransactionReceipt } from 'viem/actions'
import type { IntentRow } from '#domain/chain.ts'
import type { Hex } from '#domain/ids.ts'
import type { Clock, Log, Timer } from '#ports.ts'
import { type JournalAccess, effectOf, makesRoom } from './effects.ts'
import type { Refusal } from './refusal.ts'
import type { ChainClient } from './rpc.ts'
import { type Transactions, asksForMore } from './transactions.ts'
import { type PoolDomain, callData } from './wire.ts'

export type SenderParts = {
  readonly client: ChainClient
  readonly account: PrivateKeyAccount
  readonly domain: PoolDomain
  readonly transactions: Transactions
  readonly journal: JournalAccess
  readonly clock: Clock
  readonly timer: Timer
  readonly log: Log
  /** We mine: nothing is ever raised, nothing waits longer than a block. */
  readonly local: boolean
  /** Blocks after which a transaction that waits is sent again with higher fees. */
  readonly raiseAfterBlocks: number
}

/** Where the chain and our queue stand in this round. */
type Round = {
  /** Nothing above this block counts yet. */
  readonly confirmed: number
  readonly head: number
  /** Nonces used at the confirmed block, and by all the node knows. */
  readonly used: number
  readonly pending: number
  readonly open: readonly IntentRow[]
}

/** What "no transaction was ever sent" looks like where a hash is asked for. */
export const NO_TRANSACTION: Hex = `0x${'00'.repeat(32)}`

/** One round looks at so many intents at most; the rest have their turn in the next. */
const ROWS_PER_ROUND = 50
const RECHECK_MS = 3_000
const RESENDS_MAX = 3
const GAP_MAX = 16

/**
 * Sends what the journal asks for and follows it until it counts. Keeps nothing that a restart
 * would miss: variants of a raised transaction and pauses are conveniences.
 */
export function createSender(parts: SenderParts) {
  const { client, account, domain, transactions, journal, clock, timer, log, local } = parts
  const variants = new Map<string, Hex[]>()
  const waitingSince = new Map<string, number>()
  const pausedUntil = new Map<string, { businessMs: number; wallMs: number }>()
  const resends = new Map<string, number>()
  const said = new Map<string, string>()

  function sayOnce(key: string, message: string, fields: Record<string, unknown>) {
    const text = `${message} ${JSON.stringify(fields)}`
    if (said.get(key) === text) return
    said.set(key, text)
    log.warn(message, { intent: key, ...fields })
  }

  async function close(row: IntentRow, hash: Hex, refusal: string | null) {
    const outcome = refusal === null ? 'mined' : 'reverted'
    await journal((chain) => chain.mined(row.businessKey, hash, outcome, refusal ?? undefined))
    const told = { intent: row.businessKey, transaction: hash, reason: refusal }
    if (refusal === null) log.info('chain: done', told)
    else log.error('chain: refused for good', told)
    for (const map of [variants, waitingSince, pausedUntil, resends, said]) {
      map.delete(row.businessKey)
    }
  }

  async function receiptOf(row: IntentRow, raw: Hex) {
    const hashes = new Set([keccak256(raw), ...(variants.get(row.businessKey) ?? [])])
    for (const hash of hashes) {
      const receipt = await nullIfMissing(getTransactionReceipt(client, { hash }))
      if (receipt) return receipt
    }
    return null
  }

  /** A reverted transaction: done by somebody else, refused, or worth another try. */
  async function afterRevert(row: IntentRow, hash: Hex, block: number, { confirmed }: Round) {
    const effect = await effectOf(row.intent, parts, confirmed)
    if (effect !== null) return void (await close(row, effect, null))
    const data = callData(row.intent)
    const refusal = await transactions.simulate(data, block)
    const tries = (resends.get(row.businessKey) ?? 0) + 1
    if (refusal === null && tries <= RESENDS_MAX && !(await transactions.simulate(data))) {
      resends.set(row.businessKey, tries)
      log.warn('chain: reverted, yet the pool would do it; again', { intent: row.businessKey })
      return 'lost'
    }
    await close(row, hash, refusal?.text ?? 'reverted without a reason (too little gas?)')
  }

  async function replace(row: IntentRow, raw: Hex, head: number): Promise<void> {
    const raised = await transactions.raise(raw)
    waitingSince.set(row.businessKey, head)
    if (raised === null) return sayOnce(row.businessKey, 'chain: fees are at the cap', {})
    variants.set(row.businessKey, [...(variants.get(row.businessKey) ?? []), keccak256(raw)])
    await journal((chain) => chain.signed(row.businessKey, raised))
    const why = await transactions.broadcast(raised.raw)
    const fields = { nonce: raised.nonce, transaction: raised.hash, refused: why }
    log.info('chain: sent again with higher fees', { intent: row.businessKey, ...fields })
  }

  /** Follows a signed transaction one step. 'lost': its nonce went to another transaction. */
  async function follow(row: IntentRow, raw: Hex, round: Round): Promise<'lost' | 'waits' | void> {
    const receipt = await receiptOf(row, raw)
    if (receipt) {
      const block = Number(receipt.blockNumber)
      if (block > round.confirmed) return 'waits'
      const hash = receipt.transactionHash
      if (receipt.status === 'reverted') return afterRevert(row, hash, block, round)
      return close(row, hash, null)
    }
    if (round.used > (row.nonce ?? 0)) {
      const effect = await effectOf(row.intent, parts, round.confirmed)
      return effect === null ? 'lost' : close(row, effect, null)
    }
    const known = await nullIfMissing(getTransaction(client, { hash: keccak256(raw) }))
    if (known === null) {
      const why = await transactions.broadcast(raw)
      if (why !== null && asksForMore(why) && !local) await replace(row, raw, round.head)
      else if (why !== null) sayOnce(row.businessKey, 'chain: not taken', { why })
      return 'waits'
    }
    const since = waitingSince.get(row.businessKey) ?? round.head
    waitingSince.set(row.businessKey, since)
    if (!local && round.head - since >= parts.raiseAfterBlocks) await replace(row, raw, round.head)
    return 'waits'
  }

  /** A refused simulation: done already, not yet, or never. */
  async function decide(row: IntentRow, first: Refusal, round: Round, inFlight: boolean) {
    const effect = await effectOf(row.intent, parts, round.confirmed)
    if (effect !== null) return close(row, effect, null)
    if (inFlight) return // what is under way may change the answer within blocks
    const data = callData(row.intent)
    // What is refused at the head only may still be reorganised away.
    const refusal =
      round.confirmed < round.head ? await transactions.simulate(data, round.confirmed) : first
    if (refusal !== null && !mayPass(row, refusal, round)) {
      return close(row, NO_TRANSACTION, refusal.text)
    }
    sayOnce(row.businessKey, 'chain: not yet', { refusal: first.name })
    const businessMs = first.name === 'TooEarly' ? Number(first.args['from']) * 1000 : 0
    const wallMs = timer.monotonicMs() + (local ? 0 : RECHECK_MS)
    pausedUntil.set(row.businessKey, { businessMs, wallMs })
  }

  function mayPass(row: IntentRow, refusal: Refusal, { open }: Round): boolean {
    if (refusal.name === 'TooEarly' || refusal.name === 'EpochPending') return true
    if (refusal.name === 'ERC3009InvalidAuthorizationTime') {
      return Number(refusal.args['validAfter']) * 1000 >= clock.now()
    }
    const position = open.findIndex(({ businessKey }) => businessKey === row.businessKey)
    return open
      .slice(0, position)
      .some((earlier) => makesRoom(earlier.intent, row.intent, domain))
  }

  function isPaused({ businessKey }: IntentRow): boolean {
    const pause = pausedUntil.get(businessKey)
    return (
      pause !== undefined &&
      (clock.now() < pause.businessMs || timer.monotonicMs() < pause.wallMs)
    )
  }

  /** A nonce that no transaction of ours holds would hold up all later ones for ever. */
  async function fillGap(from: number, to: number): Promise<void> {
    for (let nonce = from; nonce < Math.min(to, from + GAP_MAX); nonce += 1) {
      const filler = await transactions.filler(nonce)
      const refused = await transactions.broadcast(filler.raw)
      log.warn('chain: filled a gap in the nonces', { nonce, transaction: filler.hash, refused })
    }
  }

  async function begin(confirmed: number): Promise<Round> {
    const open = await journal((chain) => chain.open())
    if (open.length === 0) return { confirmed, head: confirmed, used: 0, pending: 0, open }
    const { address } = account
    const [head, used, pending] = await Promise.all([
      getBlock(client),
      getTransactionCount(client, { address, blockNumber: BigInt(confirmed) }),
      getTransactionCount(client, { address, blockTag: 'pending' }),
    ])
    return { confirmed, head: Number(head.number), used, pending, open }
  }

  /** Simulates, signs, stores, sends: in this order, so that a crash anywhere sends once. */
  async function send(row: IntentRow, nonce: number, round: Round, inFlight: boolean) {
    const data = callData(row.intent)
    const refusal = await transactions.simulate(data)
    if (refusal !== null) {
      await decide(row, refusal, round, inFlight)
      return false
    }
    const transaction = await transactions.sign(row.intent, data, nonce)
    await journal((chain) => chain.signed(row.businessKey, transaction))
    const why = await transactions.broadcast(transaction.raw)
    if (why !== null) log.error('chain: not taken', { intent: row.businessKey, nonce, why })
    return true
  }

  return {
    /** One bounded round over the open intents. Returns how many are under way after it. */
    async round(confirmed: number): Promise<number> {
      const round = await begin(confirmed)
      const toSend: IntentRow[] = []
      const nonces: number[] = []
      for (const row of round.open) {
        const outcome = row.raw === null ? 'lost' : await follow(row, row.raw, round)
        if (outcome === 'lost') toSend.push(row)
        if (outcome === 'waits') nonces.push(row.nonce ?? 0)
      }
      if (nonces.length > 0) await fillGap(round.pending, Math.min(...nonces))
      let next = Math.max(round.pending, ...nonces.map((nonce) => nonce + 1))
      let underWay = nonces.length
      for (const row of toSend.filter((each) => !isPaused(each)).slice(0, ROWS_PER_ROUND)) {
        if (!(await send(row, next, round, underWay > 0))) continue
        next += 1
        underWay += 1
      }
      return underWay
    },
  }
}

/** viem throws where JSON-RPC says null. */
async function nullIfMissing<T>(lookup: Promise<T>): Promise<T | null> {
  try {
    return await lookup
  } catch (error) {
    const missing = ['TransactionReceiptNotFoundError', 'TransactionNotFoundError']
    if (error instanceof Error && missing.includes(error.name)) return null
    throw error
  }
}
