import { getBlock, getTransactionCount } from 'viem/actions'
import type { IntentRow } from '#domain/chain.ts'
import { DomainError } from '#domain/errors.ts'
import type { Hex } from '#domain/ids.ts'
import { effectOf } from './effects.ts'
import { Follower } from './follower.ts'
import {
  NO_TRANSACTION,
  type Outbox,
  type Round,
  closeIntent,
  mayPass,
  warnOnce,
} from './outbox.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import { shortMessage, unwrapped } from './rpc.ts'
import { callData } from './wire.ts'

/** One round tries so many pending intents at most; the others have their turn in the next. */
const TRIES_PER_ROUND = 50
/** Pause after a refusal on a chain that we do not mine. Wall time. */
const RECHECK_MS = 3_000
const GAP_MAX = 16

/** Sends what the journal asks for: one transaction per intent, whatever is interrupted. */
export class Sender {
  readonly #outbox: Outbox
  readonly #follower: Follower

  constructor(outbox: Outbox) {
    this.#outbox = outbox
    this.#follower = new Follower(outbox)
  }

  /** One bounded round over the open intents. Returns how many are under way after it. */
  async round(confirmed: number): Promise<number> {
    const round = await this.#begin(confirmed)
    const toSend: IntentRow[] = []
    const nonces: number[] = []
    for (const row of round.open) {
      const outcome = row.raw === null ? 'lost' : await this.#follow(row, row.raw, round)
      if (outcome === 'lost') toSend.push(row)
      if (outcome === 'waits') nonces.push(row.nonce ?? 0)
    }
    if (nonces.length > 0) await this.#fillGap(round.pending, Math.min(...nonces))
    let next = Math.max(round.pending, ...nonces.map((nonce) => nonce + 1))
    let underWay = nonces.length
    const ready = await this.#allowed(toSend.filter((each) => !this.#isPaused(each)))
    for (const row of ready.slice(0, TRIES_PER_ROUND)) {
      if (!(await this.#try(row, next, round))) continue
      next += 1
      underWay += 1
    }
    return underWay
  }

  /** Whether an intent will be tried or followed in the next round. */
  async isDue(): Promise<boolean> {
    const open = await this.#outbox.journal((chain) => chain.open())
    return open.some((row) => row.raw !== null || !this.#isPaused(row))
  }

  /** While books differ no epoch is posted that was not posted yet. */
  async #allowed(rows: readonly IntentRow[]): Promise<readonly IntentRow[]> {
    const { mayPost } = this.#outbox
    const isPosting = ({ intent }: IntentRow) => intent.kind === 'postEpoch'
    if (mayPost === undefined || !rows.some(isPosting) || (await mayPost())) return rows
    for (const row of rows.filter(isPosting)) {
      warnOnce(this.#outbox, row, 'chain: not posted while the books differ', '')
    }
    return rows.filter((row) => !isPosting(row))
  }

  async #begin(confirmed: number): Promise<Round> {
    const { client, relayer: address, journal } = this.#outbox
    const open = await journal((chain) => chain.open())
    if (open.length === 0) return { confirmed, head: confirmed, used: 0, pending: 0, open }
    const [head, used, pending] = await Promise.all([
      getBlock(client),
      getTransactionCount(client, { address, blockTag: 'latest' }),
      getTransactionCount(client, { address, blockTag: 'pending' }),
    ])
    return { confirmed, head: Number(head.number), used, pending, open }
  }

  async #follow(row: IntentRow, raw: Hex, round: Round) {
    try {
      return await this.#follower.follow(row, raw, round)
    } catch (error) {
      this.#leave(row, error)
      return 'waits'
    }
  }

  /** True if a transaction is under way now. One odd intent must not hold up the others. */
  async #try(row: IntentRow, nonce: number, round: Round): Promise<boolean> {
    let data: Hex
    try {
      data = callData(row.intent, this.#outbox.fundingWay)
    } catch (error) {
      await closeIntent(this.#outbox, row, NO_TRANSACTION, `cannot be called: ${String(error)}`)
      return false
    }
    try {
      if (await this.#isPaid(row)) return false
      const refusal = await this.#outbox.transactions.simulate(data)
      if (refusal === null) return await this.#send(row, data, nonce, round)
      await this.#decide(row, refusal, round)
    } catch (error) {
      this.#leave(row, error)
    }
    return false
  }

  /** The pool refuses no chunk whose rows have all been paid: it does nothing, which costs gas. */
  async #isPaid(row: IntentRow): Promise<boolean> {
    if (row.intent.kind !== 'payChunk') return false
    const effect = await effectOf(row.intent, this.#outbox)
    if (effect !== null) await closeIntent(this.#outbox, row, effect, null)
    return effect !== null
  }

  /** Signs, stores, sends: in this order, so that a crash anywhere sends once. */
  async #send(row: IntentRow, data: Hex, nonce: number, round: Round): Promise<boolean> {
    const { transactions, journal, notes, log } = this.#outbox
    notes.of(row.businessKey).refusedSince = null
    let signed: Awaited<ReturnType<typeof transactions.sign>>
    try {
      signed = await transactions.sign(data, nonce)
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === null) throw error
      await this.#decide(row, refusal, round) // refused between the simulation and the estimate
      return false
    }
    await this.#outbox.requireSole()
    await journal((chain) => chain.signed(row.businessKey, signed, row.raw))
    const why = await transactions.broadcast(signed.raw)
    if (why === null) log.info('chain: sent', { intent: row.businessKey, nonce, hash: signed.hash })
    else warnOnce(this.#outbox, row, 'chain: not taken', why)
    return true
  }

  /** A refused intent: done already, not yet, or never. */
  async #decide(row: IntentRow, refusal: Refusal, round: Round): Promise<void> {
    const { notes, timer, local } = this.#outbox
    const effect = await effectOf(row.intent, this.#outbox)
    if (effect !== null) return closeIntent(this.#outbox, row, effect, null)
    const note = notes.of(row.businessKey)
    note.refusedSince ??= round.head
    const counts = round.confirmed >= note.refusedSince
    if (counts && !mayPass(this.#outbox, row, refusal, round)) {
      return closeIntent(this.#outbox, row, NO_TRANSACTION, refusal.text)
    }
    warnOnce(this.#outbox, row, 'chain: not yet', refusal.name)
    // On a chain of ours the next block may do; but not while a window runs that has no end here.
    const soon = local && refusal.name !== 'EpochPending'
    const wallMs = timer.monotonicMs() + (soon ? 0 : RECHECK_MS)
    note.pausedUntil = { businessMs: earliest(refusal), wallMs }
  }

  #isPaused({ businessKey }: IntentRow): boolean {
    const { clock, timer, notes } = this.#outbox
    const pause = notes.of(businessKey).pausedUntil
    if (pause === null) return false
    return clock.now() < pause.businessMs || timer.monotonicMs() < pause.wallMs
  }

  /** A nonce that no transaction of ours holds would hold up all later ones for ever. */
  async #fillGap(from: number, to: number): Promise<void> {
    const { transactions, log } = this.#outbox
    for (let nonce = from; nonce < Math.min(to, from + GAP_MAX); nonce += 1) {
      const filler = await transactions.filler(nonce)
      const refused = await transactions.broadcast(filler.raw)
      log.warn('chain: filled a gap in the nonces', { nonce, hash: filler.hash, refused })
    }
  }

  /** Leaves an intent for the next round, unless the chain is gone and the round with it. */
  #leave(row: IntentRow, error: unknown): void {
    if (unwrapped(error) instanceof DomainError) throw unwrapped(error)
    warnOnce(this.#outbox, row, 'chain: put off', shortMessage(error))
  }
}

/** Before this instant of business time the pool would say the same again. */
function earliest({ name, args }: Refusal): number {
  if (name === 'TooEarly') return Number(args['from']) * 1000
  if (name === 'PoolPaused') return Number(args['until']) * 1000
  if (name === 'ERC3009InvalidAuthorizationTime') return (Number(args['validAfter']) + 1) * 1000
  return 0
}
