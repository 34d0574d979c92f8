import { type BlockTag, keccak256, numberToHex, parseTransaction } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { estimateGas, sendRawTransaction } from 'viem/actions'
import type { ChainIntent } from '#domain/chain.ts'
import { DomainError } from '#domain/errors.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { type Fees, currentFees, raisedFees } from './fees.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import { type ChainClient, shortMessage, unwrapped } from './rpc.ts'

export type SignedTransaction = { readonly hash: Hex; readonly nonce: number; readonly raw: Hex }

type Parts = {
  readonly client: ChainClient
  readonly account: PrivateKeyAccount
  readonly chainId: number
  readonly pool: Address
  /** Wei per gas that we pay at most. */
  readonly maxFeeCap: bigint
}

/** EIP-7825: no transaction may ask for more. */
const GAS_MAX = 16_777_216n
/** What a chunk costs at least per row and beside: a first payout to a row measures 37,400. */
const GAS_PER_ROW = 55_000n
const GAS_PER_CHUNK = 150_000n

/** Simulates, signs, sends and raises the relayer's transactions; keeps nothing. */
export function createTransactions({ client, account, chainId, pool, maxFeeCap }: Parts) {
  /** What the pool would say to the same data at a block; null if it would do it. */
  async function simulate(data: Hex, at: number | BlockTag = 'latest'): Promise<Refusal | null> {
    const block = typeof at === 'number' ? numberToHex(at) : at
    try {
      const call = { from: account.address, to: pool, data }
      await client.request({ method: 'eth_call', params: [call, block] })
      return null
    } catch (error) {
      return refusalOrThrow(error)
    }
  }

  /**
   * The estimate and a quarter. A chunk never gets less than its rows can need: its transfers are
   * allowed to fail, so an estimate finds the gas at which they do.
   */
  async function gasFor(intent: ChainIntent, data: Hex): Promise<bigint> {
    const estimate = await estimateGas(client, { account: account.address, to: pool, data })
    const rows = intent.kind === 'payChunk' ? BigInt((intent.rows.length - 2) / 56) : 0n
    const floor = rows > 0n ? GAS_PER_CHUNK + rows * GAS_PER_ROW : 0n
    const wanted = (estimate * 5n) / 4n
    const gas = wanted > floor ? wanted : floor
    return gas < GAS_MAX ? gas : GAS_MAX
  }

  async function signed(fields: {
    nonce: number
    gas: bigint
    fees: Fees
    to: Address
    data: Hex
  }): Promise<SignedTransaction> {
    const { nonce, gas, fees, to, data } = fields
    const transaction = { type: 'eip1559', chainId, nonce, gas, to, data, value: 0n } as const
    const raw = await account.signTransaction({ ...transaction, ...fees })
    return { hash: keccak256(raw), nonce, raw }
  }

  return {
    simulate,

    /** Signs what the intent says with today's fees. @throws what the node says to the estimate */
    async sign(intent: ChainIntent, data: Hex, nonce: number): Promise<SignedTransaction> {
      const gas = await gasFor(intent, data)
      return signed({ nonce, gas, fees: await currentFees(client, maxFeeCap), to: pool, data })
    },

    /** The same call at the same nonce with higher fees; null at the cap. */
    async raise(raw: Hex): Promise<SignedTransaction | null> {
      const last = parseTransaction(raw)
      const { nonce = 0, gas = GAS_MAX, to, data = '0x' } = last
      const { maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = last
      const current = await currentFees(client, maxFeeCap)
      const fees = raisedFees({ maxFeePerGas, maxPriorityFeePerGas }, current, maxFeeCap)
      return fees && signed({ nonce, gas, fees, to: to ?? pool, data })
    },

    /** A transaction to ourselves that does nothing but use up a nonce. */
    async filler(nonce: number): Promise<SignedTransaction> {
      const to = account.address
      const gas = await estimateGas(client, { account: to, to })
      return signed({ nonce, gas, fees: await currentFees(client, maxFeeCap), to, data: '0x' })
    },

    /** Sends; null if the node has it (or had it before), else why it did not take it. */
    async broadcast(raw: Hex): Promise<string | null> {
      try {
        await sendRawTransaction(client, { serializedTransaction: raw })
        return null
      } catch (error) {
        if (unwrapped(error) instanceof DomainError) throw unwrapped(error)
        const why = shortMessage(error)
        return /already (known|imported)|known transaction|nonce.*too low|OldNonce/i.test(why)
          ? null
          : why
      }
    },
  }
}

export type Transactions = ReturnType<typeof createTransactions>

/** True for a node's words that another fee would change. */
export function asksForMore(why: string): boolean {
  return /underpriced|base ?fee|fee.*(too low|less than)/i.test(why)
}

function refusalOrThrow(error: unknown): Refusal {
  const refusal = refusalOf(error)
  if (refusal === null) throw unwrapped(error)
  return refusal
}
