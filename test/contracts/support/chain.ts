import {
  type Abi,
  createPublicClient,
  createWalletClient,
  defineChain,
  http,
  parseEventLogs,
  zeroAddress,
  zeroHash,
} from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { flexPoolAbi, flexPoolBytecode } from '#contracts/generated/FlexPool.ts'
import {
  flexPoolFactoryAbi,
  flexPoolFactoryBytecode,
} from '#contracts/generated/FlexPoolFactory.ts'
import { poolAuthorityAbi, poolAuthorityBytecode } from '#contracts/generated/PoolAuthority.ts'
import { testEuroAbi, testEuroBytecode } from '#contracts/generated/TestEuro.ts'
import {
  verifierRegistryAbi,
  verifierRegistryBytecode,
} from '#contracts/generated/VerifierRegistry.ts'
import type { Address, Hex } from '#domain/ids.ts'
import { startAnvil } from '../../adapters/evm/support/anvil.ts'

export const START = 1_768_478_400
export const DISPUTE_WINDOW = 3_600
export const EPOCH_WINDOW = 7_200
export const HELD_WINDOW = 86_400
export const FEE_RECEIVER: Address = '0x00000000000000000000000000000000000000fe'

export const byAddress = (a: PrivateKeyAccount, b: PrivateKeyAccount) =>
  BigInt(a.address) < BigInt(b.address) ? -1 : 1

/** The contracts on a chain of their own, spoken to by nothing but viem. */
export async function deployAll() {
  const anvil = await startAnvil(START)
  const chain = defineChain({
    id: 31_337,
    name: 'local',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [anvil.url] } },
  })
  const relayer = privateKeyToAccount(generatePrivateKey())
  const payer = privateKeyToAccount(generatePrivateKey())
  const verifiers = [1, 2, 3]
    .map(() => privateKeyToAccount(generatePrivateKey()))
    .toSorted(byAddress)
  await anvil.ask('anvil_setBalance', relayer.address, '0x3635c9adc5dea00000')
  const reader = createPublicClient({ chain, transport: http() })
  const sender = createWalletClient({ chain, transport: http(), account: relayer })

  /** Mines one block with what was sent, and requires that it went through. */
  async function mined(hash: Hex) {
    await anvil.ask('evm_mine')
    const receipt = await reader.getTransactionReceipt({ hash })
    if (receipt.status !== 'success') throw new Error(`transaction ${hash} was reverted`)
    return receipt
  }

  async function deploy(abi: Abi, bytecode: Hex, args: readonly unknown[]): Promise<Address> {
    const { contractAddress } = await mined(await sender.deployContract({ abi, bytecode, args }))
    if (contractAddress == null) throw new Error('the receipt names no contract')
    return contractAddress
  }

  const token = await deploy(testEuroAbi, testEuroBytecode, [relayer.address])
  const authority = await deploy(poolAuthorityAbi, poolAuthorityBytecode, [relayer.address])
  const registry = await deploy(verifierRegistryAbi, verifierRegistryBytecode, [authority])
  const members = verifiers.map(({ address }) => address)
  await mined(
    await sender.writeContract({
      address: registry,
      abi: verifierRegistryAbi,
      functionName: 'addSet',
      args: [members, 2],
    }),
  )
  const implementation = await deploy(flexPoolAbi, flexPoolBytecode, [])
  const factory = await deploy(flexPoolFactoryAbi, flexPoolFactoryBytecode, [
    implementation,
    authority,
  ])
  const config = {
    token,
    verifierRegistry: registry,
    feeReceiver: FEE_RECEIVER,
    arbiter: zeroAddress,
    disputeWindow: DISPUTE_WINDOW,
    epochWindow: EPOCH_WINDOW,
    refundGrace: 0,
    heldWindow: HELD_WINDOW,
    outflowBps: 0,
    payerRole: 1n,
    guardianRole: 2n,
    challengeBond: 0n,
  }
  const { logs } = await mined(
    await sender.writeContract({
      address: factory,
      abi: flexPoolFactoryAbi,
      functionName: 'createPool',
      args: [config, zeroHash],
    }),
  )
  const [created] = parseEventLogs({ abi: flexPoolFactoryAbi, logs, eventName: 'PoolCreated' })
  if (!created) throw new Error('the factory named no pool')
  const { pool } = created.args
  await mined(
    await sender.writeContract({
      address: authority,
      abi: poolAuthorityAbi,
      functionName: 'grantRole',
      args: [config.payerRole, payer.address, 0],
    }),
  )
  return {
    chainId: chain.id,
    reader,
    sender,
    payer,
    verifiers,
    token: { address: token, abi: testEuroAbi },
    pool: { address: pool, abi: flexPoolAbi },
    mined,
    /** The next block carries this second. */
    at: (second: number) => anvil.ask('evm_setNextBlockTimestamp', second),
    stop: () => anvil.stop(),
  }
}
