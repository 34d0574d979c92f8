import {
  type BlockTag,
  keccak256,
  numberToHex,
  parseSignature,
  parseTransaction,
  serializeTransaction,
} from 'viem'
import { estimateGas, sendRawTransaction } from 'viem/actions'
import { DomainError, assert } from '#domain/errors.ts'
import type { Address, Hex } from '#domain/ids.ts'
import type { TransactionSigner } from '#ports.ts'
import { type Fees, currentFees, raisedFees } from './fees.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import { type ChainClient, shortMessage, unwrapped } from './rpc.ts'

export type SignedTransaction = { readonly hash: Hex; readonly nonce: number; readonly raw: Hex }

export type TransactionParts = {
  readonly client: ChainClient
  readonly signer: TransactionSigner
  readonly chainId: number
  readonly pool: Address
  /** Wei per gas that we pay at most. */
  readonly maxFeeCap: bigint
}

type TransactionFields = {
  readonly nonce: number
  readonly gas: bigint
  readonly fees: Fees
  readonly to: Address
  readonly data: Hex
}

/** EIP-7825: no transaction may ask for more. */
const GAS_MAX = 16_777_216n
/** Simulates, signs, sends and raises the relayer's transactions; keeps nothing. */
export class Transactions {
  readonly #parts: TransactionParts

  constructor(parts: TransactionParts) {
    this.#parts = parts
  }

  /** What the pool would say to this data at a block; null if it would do it. */
  async simulate(data: Hex, at: number | BlockTag = 'latest'): Promise<Refusal | null> {
    const { client, signer, pool } = this.#parts
    const block = typeof at === 'number' ? numberToHex(at) : at
    try {
      const call = { from: signer.address, to: pool, data }
      await client.request({ method: 'eth_call', params: [call, block] })
      return null
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === null) throw unwrapped(error)
      return refusal
    }
  }

  /** Signs a call of the pool with today's fees. @throws what the node says to the estimate */
  async sign(data: Hex, nonce: number): Promise<SignedTransaction> {
    const { pool: to } = this.#parts
    const gas = await this.#gasFor(data)
    return this.#signed({ nonce, gas, fees: await this.#fees(), to, data })
  }

  /** The same call at the same nonce with higher fees; null at the cap. */
  async raise(raw: Hex): Promise<SignedTransaction | null> {
    const parsed = parseTransaction(raw)
    const { nonce, gas, to, data = '0x', maxFeePerGas, maxPriorityFeePerGas } = parsed
    assert(nonce !== undefined && gas !== undefined && to, 'a transaction of ours has these')
    assert(maxFeePerGas !== undefined, 'a transaction of ours is of type eip1559')
    const last = { maxFeePerGas, maxPriorityFeePerGas: maxPriorityFeePerGas ?? 0n }
    const fees = raisedFees(last, await this.#fees(), this.#parts.maxFeeCap)
    return fees && this.#signed({ nonce, gas, fees, to, data })
  }

  /** A transaction to ourselves that does nothing but use up a nonce. */
  async filler(nonce: number): Promise<SignedTransaction> {
    const { client, signer } = this.#parts
    const to = signer.address
    const gas = await estimateGas(client, { account: to, to })
    return this.#signed({ nonce, gas, fees: await this.#fees(), to, data: '0x' })
  }

  /** Sends; null if the node has it (or had it before), else why it did not take it. */
  async broadcast(raw: Hex): Promise<string | null> {
    try {
      await sendRawTransaction(this.#parts.client, { serializedTransaction: raw })
      return null
    } catch (error) {
      if (unwrapped(error) instanceof DomainError) throw unwrapped(error)
      const why = shortMessage(error)
      return isThereAlready(why) ? null : why
    }
  }

  /** The estimate and a quarter: between estimate and block others may change what it costs. */
  async #gasFor(data: Hex): Promise<bigint> {
    const { client, signer, pool } = this.#parts
    const estimate = await estimateGas(client, { account: signer.address, to: pool, data })
    const gas = (estimate * 5n) / 4n
    return gas < GAS_MAX ? gas : GAS_MAX
  }

  #fees(): Promise<Fees> {
    return currentFees(this.#parts.client, this.#parts.maxFeeCap)
  }

  async #signed(fields: TransactionFields): Promise<SignedTransaction> {
    const { signer, chainId } = this.#parts
    const { fees, ...rest } = fields
    const transaction = { type: 'eip1559', chainId, value: 0n, ...rest, ...fees } as const
    const signature = await signer.signDigest(keccak256(serializeTransaction(transaction)))
    const raw = serializeTransaction(transaction, parseSignature(signature))
    return { hash: keccak256(raw), nonce: rest.nonce, raw }
  }
}

/** 'already known' and 'nonce too low' are no failures: the receipt tells. */
function isThereAlready(why: string): boolean {
  return /already (known|imported)|known transaction|nonce.*too low|OldNonce/i.test(why)
}

/** True for a node's words that another fee would change. */
export function asksForMore(why: string): boolean {
  return /underpriced|base ?fee|fee.*(too low|less than)/i.test(why)
}
