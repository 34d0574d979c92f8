import { type Abi, encodeDeployData, encodeFunctionData, zeroAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import {
  estimateGas,
  getBlock,
  getChainId,
  getTransactionCount,
  getTransactionReceipt,
  sendRawTransaction,
} from 'viem/actions'
import { flexPoolAbi, flexPoolBytecode } from '#contracts/generated/FlexPool.ts'
import { testEuroAbi, testEuroBytecode } from '#contracts/generated/TestEuro.ts'
import {
  verifierRegistryAbi,
  verifierRegistryBytecode,
} from '#contracts/generated/VerifierRegistry.ts'
import { DomainError } from '#domain/errors.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { instant } from '#domain/time.ts'
import type { ChainIdentity, Timer } from '#ports.ts'
import { currentFees } from './fees.ts'
import { genesisHash } from './identity.ts'
import { fundGas, isLocalChain, mine } from './local-chain.ts'
import { refusalOf } from './refusal.ts'
import { type ChainClient, createChainClient, unwrapped } from './rpc.ts'

export type Deployment = {
  readonly rpcUrl: string
  readonly timer: Timer
  /** Pays the gas; owns the list of verifiers and, where there is one, the play-money euro. */
  readonly deployerKey: Hex
  readonly verifiers: readonly Address[]
  readonly quorum: number
  readonly feeReceiver: Address
  /** 1 second to 90 days. */
  readonly disputeWindowSeconds: number
  /** 1 second to 90 days. */
  readonly epochWindowSeconds: number
  /** 0 to 90 days. */
  readonly refundGraceSeconds: number
  /** How long a held rest can be settled: 1 second to 365 days. */
  readonly heldWindowSeconds: number
  /** Whose word settles a held rest in place of verifiers'; default nobody's. */
  readonly arbiter?: Address
  /** An ERC-20 of 6 decimals with ERC-3009; without one a play-money euro is deployed. */
  readonly token?: Address
  /** Play money to begin with; only where it is ours to make. */
  readonly mintTo?: readonly { readonly address: Address; readonly amount: bigint }[]
}

/** How long a transaction of the deployment may take to be mined. Wall time. */
const MINED_WITHIN_MS = 180_000
const POLL_MS = 1_000

/**
 * Deploys a list of verifiers and a pool, and a play-money euro where no token is given. On a
 * local chain it mines for itself without letting time pass.
 * @throws Error with the contract's own words; DomainError 'unavailable' if the chain is silent
 */
export async function deployPool(deployment: Deployment): Promise<ChainIdentity> {
  const { feeReceiver, quorum } = deployment
  if (deployment.token !== undefined && (deployment.mintTo ?? []).length > 0) {
    throw new RangeError('mintTo needs the play-money euro: a given token is not ours to make')
  }
  const client = createChainClient(deployment)
  const send = await createDeployer(client, deployment)
  const owner = privateKeyToAccount(deployment.deployerKey).address
  const token =
    deployment.token ?? (await send.create('TestEuro', testEuroAbi, testEuroBytecode, [owner]))
  for (const { address, amount } of deployment.mintTo ?? []) {
    const args = [address, amount] as const
    const data = encodeFunctionData({ abi: testEuroAbi, functionName: 'mint', args })
    await send.call(`minting for ${address}`, token, data)
  }
  const registry = await send.create(
    'VerifierRegistry',
    verifierRegistryAbi,
    verifierRegistryBytecode,
    [owner],
  )
  const ascending = deployment.verifiers.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  const args = [ascending, quorum] as const
  const addSet = { abi: verifierRegistryAbi, functionName: 'addSet', args } as const
  await send.call('naming the verifiers', registry, encodeFunctionData(addSet))
  const { disputeWindowSeconds, epochWindowSeconds, refundGraceSeconds } = deployment
  const windows = [disputeWindowSeconds, epochWindowSeconds, refundGraceSeconds]
  const held = [deployment.heldWindowSeconds, deployment.arbiter ?? zeroAddress]
  const pool = await send.create('FlexPool', flexPoolAbi, flexPoolBytecode, [
    token,
    registry,
    feeReceiver,
    ...windows,
    ...held,
  ])
  const chainId = await getChainId(client)
  return { chainId, genesisHash: await genesisHash(client), pool, token, registry, feeReceiver }
}

/** Sends one transaction after the other and waits for each. */
async function createDeployer(client: ChainClient, { deployerKey, timer }: Deployment) {
  const account = privateKeyToAccount(deployerKey)
  const local = await isLocalChain(client)
  if (local) await fundGas(client, account.address)
  const chainId = await getChainId(client)

  async function send(what: string, fields: { to?: Address; data: Hex }) {
    try {
      const gas = await estimateGas(client, { account: account.address, ...fields })
      const nonce = await getTransactionCount(client, {
        address: account.address,
        blockTag: 'pending',
      })
      const fees = await currentFees(client, 10n ** 12n)
      const transaction = { type: 'eip1559', chainId, nonce, gas: (gas * 5n) / 4n } as const
      const raw = await account.signTransaction({ ...transaction, ...fees, ...fields })
      const hash = await sendRawTransaction(client, { serializedTransaction: raw })
      return await receiptOf(what, hash)
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === null) throw unwrapped(error)
      throw new Error(`${what} was refused: ${refusal.text}`, { cause: error })
    }
  }

  async function receiptOf(what: string, hash: Hex) {
    if (local) await mine(client, instant(Number((await getBlock(client)).timestamp) * 1000), 0)
    const until = timer.monotonicMs() + MINED_WITHIN_MS
    for (;;) {
      const receipt = await getTransactionReceipt(client, { hash }).catch((error) => {
        if (error instanceof Error && error.name === 'TransactionReceiptNotFoundError') return null
        throw error
      })
      if (receipt?.status === 'reverted') throw new Error(`${what} reverted on chain: ${hash}`)
      if (receipt) return receipt
      if (timer.monotonicMs() > until) {
        const waited = `waited ${MINED_WITHIN_MS / 1000} s`
        throw new DomainError('unavailable', `${waited} for ${what} to be mined (${hash})`)
      }
      await timer.sleep(POLL_MS)
    }
  }

  return {
    async create(what: string, abi: Abi, bytecode: Hex, args: unknown[]): Promise<Address> {
      const data = encodeDeployData({ abi, bytecode, args })
      const { contractAddress } = await send(`deploying ${what}`, { data })
      if (!contractAddress) throw new Error(`deploying ${what} gave no address`)
      return contractAddress
    },
    async call(what: string, to: Address, data: Hex): Promise<void> {
      await send(what, { to, data })
    },
  }
}
