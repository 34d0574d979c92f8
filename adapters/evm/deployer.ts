import { recoverTransactionAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import {
  estimateGas,
  getBlock,
  getChainId,
  getCode,
  getTransactionCount,
  getTransactionReceipt,
  sendRawTransaction,
} from 'viem/actions'
import { DomainError } from '#domain/errors.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { instant } from '#domain/time.ts'
import type { Timer } from '#ports.ts'
import {
  CREATE2_PROXY,
  create2Data,
  isCodeOf,
  type Piece,
  PROXY_COST_WEI,
  PROXY_TRANSACTION,
  proxyCode,
} from './contract-code.ts'
import { currentFees } from './fees.ts'
import { fundGas, isLocalChain, mine } from './local-chain.ts'
import { refusalOf } from './refusal.ts'
import { type ChainClient, shortMessage, unwrapped } from './rpc.ts'

/** How long a transaction of the deployment may take to be mined. Wall time. */
const MINED_WITHIN_MS = 180_000
const POLL_MS = 1_000
const MAX_FEE_WEI = 10n ** 12n

/** A transaction that was mined: for the manifest. */
export type Sent = { readonly what: string; readonly hash: Hex; readonly block: number }

export type Deployer = Awaited<ReturnType<typeof createDeployer>>

/**
 * Sends one transaction after the other and waits for each. What an earlier run left under way is
 * waited for first, so that nothing is done twice.
 */
export async function createDeployer(client: ChainClient, deployerKey: Hex, timer: Timer) {
  const account = privateKeyToAccount(deployerKey)
  const local = await isLocalChain(client)
  if (local) await fundGas(client, account.address)
  const chainId = await getChainId(client)
  const sent: Sent[] = []

  async function mineHere(): Promise<void> {
    if (local) await mine(client, instant(Number((await getBlock(client)).timestamp) * 1000), 0)
  }

  async function until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
    const deadline = timer.monotonicMs() + MINED_WITHIN_MS
    for (;;) {
      const found = await look()
      if (found !== null) return found
      if (timer.monotonicMs() > deadline) {
        throw new DomainError('unavailable', `waited ${MINED_WITHIN_MS / 1000} s for ${what}`)
      }
      await timer.sleep(POLL_MS)
    }
  }

  async function receiptOf(what: string, hash: Hex) {
    await mineHere()
    const receipt = await until(`${what} to be mined (${hash})`, () =>
      getTransactionReceipt(client, { hash }).catch((error) => {
        if (error instanceof Error && error.name === 'TransactionReceiptNotFoundError') return null
        throw error
      }),
    )
    if (receipt.status === 'reverted') throw new Error(`${what} reverted on chain: ${hash}`)
    sent.push({ what, hash, block: Number(receipt.blockNumber) })
  }

  async function send(what: string, fields: { to: Address; data?: Hex; value?: bigint }) {
    try {
      const gas = await estimateGas(client, { account: account.address, ...fields })
      const nonce = await countOf('pending')
      const fees = await currentFees(client, MAX_FEE_WEI)
      const transaction = { type: 'eip1559', chainId, nonce, gas: (gas * 5n) / 4n } as const
      const raw = await account.signTransaction({ ...transaction, ...fees, ...fields })
      await receiptOf(what, await sendRawTransaction(client, { serializedTransaction: raw }))
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === null) throw unwrapped(error)
      throw new Error(`${what} was refused: ${refusal.text}`, { cause: error })
    }
  }

  function countOf(blockTag: 'pending' | 'latest'): Promise<number> {
    return getTransactionCount(client, { address: account.address, blockTag })
  }

  /** What an earlier run sent and did not see mined. */
  await mineHere()
  await until(`earlier transactions of ${account.address} to be mined`, async () =>
    (await countOf('pending')) === (await countOf('latest')) ? true : null,
  )

  async function createProxy(): Promise<void> {
    const from = await recoverTransactionAddress({
      serializedTransaction: PROXY_TRANSACTION as never,
    })
    await send('gas for the creating contract', { to: from, value: PROXY_COST_WEI })
    try {
      const hash = await sendRawTransaction(client, { serializedTransaction: PROXY_TRANSACTION })
      await receiptOf('the creating contract', hash)
    } catch (error) {
      throw new Error(
        `expected the contract that creates others at ${CREATE2_PROXY}; there is none, and this ` +
          `chain does not take the transaction that makes it: ${shortMessage(error)}`,
        { cause: error },
      )
    }
  }

  async function codeAt(address: Address): Promise<Hex> {
    return (await getCode(client, { address })) ?? '0x'
  }

  return {
    address: account.address,
    chainId,
    sent,
    codeAt,
    send,
    /** Sees to a contract, where it is not there yet. @throws Error if other code is there */
    async place(piece: Piece): Promise<void> {
      const { name, address, initCode } = piece
      if ((await codeAt(address)) === '0x') {
        const proxy = await codeAt(CREATE2_PROXY)
        if (proxy === '0x') await createProxy()
        else if (proxy !== proxyCode) throw otherCode('the creating contract', CREATE2_PROXY)
        await send(`deploying ${name}`, { to: CREATE2_PROXY, data: create2Data(initCode) })
      }
      const code = await codeAt(address)
      if (code === '0x') throw new Error(`expected ${name} at ${address}, but nothing is there`)
      if (!isCodeOf(piece, code)) throw otherCode(name, address)
    },
  }
}

/** The sentence for a contract that is not what it should be. */
export function otherCode(name: string, address: Address): Error {
  return new Error(`expected ${name} at ${address}, but other code is there`)
}
