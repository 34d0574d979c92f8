import { type TransactionReceipt, keccak256 } from 'viem'
import { getTransaction } from 'viem/actions'
import type { IntentRow } from '#domain/chain.ts'
import type { Hex } from '#domain/ids.ts'
import { effectOf } from './effects.ts'
import { blockHash } from './identity.ts'
import { type Outbox, type Round, closeIntent, mayPass, warnOnce } from './outbox.ts'
import { asksForMore } from './transactions.ts'
import { nullIfMissing, receiptOf } from './receipts.ts'
import { callData } from './wire.ts'

/** 'lost': this transaction can never count any more, and what it was to do is not done. */
export type Followed = 'closed' | 'waits' | 'lost'

/** A call that reverted although the pool would do it (too little gas) is tried so often again. */
const RESENDS_MAX = 3

/** Follows signed transactions until they count. Never signs for a new nonce. */
export class Follower {
  readonly #outbox: Outbox

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  /** One step with one transaction. */
  async follow(row: IntentRow, raw: Hex, round: Round): Promise<Followed> {
    const { client, recordLogs, log } = this.#outbox
    const receipt = await this.#receiptOf(row, raw)
    if (receipt) {
      const block = Number(receipt.blockNumber)
      if (block > round.confirmed) return 'waits'
      if (!(await this.#stands(receipt))) {
        warnOnce(this.#outbox, row, 'chain: a receipt of a block that the chain has not', '')
        return 'waits'
      }
      const hash = receipt.transactionHash
      if (receipt.status === 'reverted') return this.#afterRevert(row, hash, round, block)
      const missed = await recordLogs(receipt)
      if (missed > 0) log.warn('chain: a receipt has logs that were left out', { hash, missed })
      await closeIntent(this.#outbox, row, hash, null)
      return 'closed'
    }
    if (round.used > (row.nonce ?? 0)) return this.#afterNonceWent(row, round)
    if (this.#isSlow(row, round.head)) await this.#raise(row, raw, round.head)
    else if (!(await nullIfMissing(getTransaction(client, { hash: keccak256(raw) })))) {
      await this.#rebroadcast(row, raw, round.head)
    }
    return 'waits'
  }

  /** Waiting counts whether or not the node keeps it: a poor fee is a reason to be forgotten. */
  #isSlow({ businessKey }: IntentRow, head: number): boolean {
    const { local, raiseAfterBlocks, notes } = this.#outbox
    const note = notes.of(businessKey)
    note.waitingSince ??= head
    return !local && head - note.waitingSince >= raiseAfterBlocks
  }

  /** Of the last variant, else of any that was ever signed at this nonce. */
  async #receiptOf(row: IntentRow, raw: Hex): Promise<TransactionReceipt | null> {
    const { client, journal } = this.#outbox
    const last = keccak256(raw)
    const receipt = await receiptOf(client, last)
    if (receipt) return receipt
    const all = await journal((chain) => chain.variants(row.businessKey, row.nonce ?? 0))
    for (const hash of all.filter((each) => each !== last)) {
      const found = await receiptOf(client, hash)
      if (found) return found
    }
    return null
  }

  /** A node can remember a block that is no longer part of the chain, or make one up. */
  async #stands({ blockNumber, blockHash: hash }: TransactionReceipt): Promise<boolean> {
    return (await blockHash(this.#outbox.client, Number(blockNumber))) === hash
  }

  /** Done by somebody else, refused, or worth another try. */
  async #afterRevert(row: IntentRow, hash: Hex, round: Round, block: number): Promise<Followed> {
    const { transactions, notes, log } = this.#outbox
    const effect = await effectOf(row.intent, this.#outbox)
    if (effect !== null) {
      await closeIntent(this.#outbox, row, effect, null)
      return 'closed'
    }
    const data = callData(row.intent, this.#outbox.fundingWay)
    const refusal = await transactions.simulate(data)
    const note = notes.of(row.businessKey)
    if (refusal === null && note.resends < RESENDS_MAX) {
      note.resends += 1
      log.warn('chain: reverted, yet the pool would do it now', { intent: row.businessKey, hash })
      return 'lost'
    }
    // Sent before a reorganisation, it may have come before its time, or before what it needs.
    if (refusal !== null && mayPass(this.#outbox, row, refusal, round)) return 'lost'
    const reason = (await transactions.simulate(data, block))?.text ?? refusal?.text
    await closeIntent(this.#outbox, row, hash, reason ?? 'reverted without a reason')
    return 'closed'
  }

  /**
   * Some transaction with this nonce was mined and we know no receipt: a variant from before a
   * restart, or foreign use of the key. Waits until that block counts, then asks for the effect.
   */
  async #afterNonceWent(row: IntentRow, { confirmed, head }: Round): Promise<Followed> {
    const note = this.#outbox.notes.of(row.businessKey)
    note.nonceGoneSince ??= head
    if (confirmed < note.nonceGoneSince) return 'waits'
    const effect = await effectOf(row.intent, this.#outbox)
    if (effect === null) {
      note.nonceGoneSince = null
      warnOnce(this.#outbox, row, 'chain: nonce used by another transaction', String(row.nonce))
      return 'lost'
    }
    await closeIntent(this.#outbox, row, effect, null)
    return 'closed'
  }

  /** The node does not know it: it was never sent, or the node forgot. The same bytes again. */
  async #rebroadcast(row: IntentRow, raw: Hex, head: number): Promise<void> {
    const { transactions, local, log } = this.#outbox
    const why = await transactions.broadcast(raw)
    if (why === null) log.info('chain: broadcast again', { intent: row.businessKey })
    else if (asksForMore(why) && !local) await this.#raise(row, raw, head)
    else warnOnce(this.#outbox, row, 'chain: not taken', why)
  }

  /** Stored before it is sent, like the first. */
  async #raise(row: IntentRow, raw: Hex, head: number): Promise<void> {
    const { transactions, journal, log, notes } = this.#outbox
    const raised = await transactions.raise(raw)
    const note = notes.of(row.businessKey)
    note.waitingSince = head
    if (raised === null) {
      return warnOnce(this.#outbox, row, 'chain: waits, and fees are at the cap', '')
    }
    await this.#outbox.requireSole()
    await journal((chain) => chain.signed(row.businessKey, raised, raw))
    const refused = await transactions.broadcast(raised.raw)
    const { nonce, hash } = raised
    log.info('chain: raised the fees', { intent: row.businessKey, nonce, hash, refused })
  }
}
