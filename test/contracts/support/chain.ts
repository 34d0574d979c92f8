import {
  type Abi,
  createPublicClient,
  createWalletClient,
  defineChain,
  http,
  zeroAddress,
} from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { flexPoolAbi, flexPoolBytecode } from '#contracts/generated/FlexPool.ts'
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

/** The three contracts on a chain of their own, spoken to by nothing but viem. */
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
  const registry = await deploy(verifierRegistryAbi, verifierRegistryBytecode, [relayer.address])
  const members = verifiers.map(({ address }) => address)
  await mined(
    await sender.writeContract({
      address: registry,
      abi: verifierRegistryAbi,
      functionName: 'addSet',
      args: [members, 2],
    }),
  )
  const pool = await deploy(flexPoolAbi, flexPoolBytecode, [
    token,
    registry,
    FEE_RECEIVER,
    DISPUTE_WINDOW,
    EPOCH_WINDOW,
    0,
    HELD_WINDOW,
    zeroAddress,
  ])
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
