import {
  bytesToHex,
  concat,
  encodeAbiParameters,
  encodeDeployData,
  getContractAddress,
  hexToBytes,
  numberToHex,
  zeroHash,
} from 'viem'
import { flexPoolAbi, flexPoolBytecode } from '#contracts/generated/FlexPool.ts'
import { flexPoolImmutables, flexPoolRuntime } from '#contracts/generated/FlexPool.ts'
import {
  flexPoolFactoryAbi,
  flexPoolFactoryBytecode,
} from '#contracts/generated/FlexPoolFactory.ts'
import {
  flexPoolFactoryImmutables,
  flexPoolFactoryRuntime,
} from '#contracts/generated/FlexPoolFactory.ts'
import { poolAuthorityAbi, poolAuthorityBytecode } from '#contracts/generated/PoolAuthority.ts'
import {
  poolAuthorityImmutables,
  poolAuthorityRuntime,
} from '#contracts/generated/PoolAuthority.ts'
import { testEuroAbi, testEuroBytecode } from '#contracts/generated/TestEuro.ts'
import { testEuroImmutables, testEuroRuntime } from '#contracts/generated/TestEuro.ts'
import {
  verifierRegistryAbi,
  verifierRegistryBytecode,
} from '#contracts/generated/VerifierRegistry.ts'
import {
  verifierRegistryImmutables,
  verifierRegistryRuntime,
} from '#contracts/generated/VerifierRegistry.ts'
import type { Address, Hex } from '#domain/ids.ts'

/** A contract at the address that its code decides. */
export type Piece = {
  readonly name: string
  readonly address: Address
  readonly initCode: Hex
  /** Its code on chain, with zeros where the constructor writes immutable values. */
  readonly runtime: Hex
  readonly immutables: readonly (readonly [start: number, length: number])[]
}

/**
 * A contract of 69 bytes that stands at one address on nearly every chain and creates whatever code
 * it is sent: who sends, and with which nonce, does not matter to an address.
 */
export const CREATE2_PROXY: Address = '0x4e59b44847b379578588920cA78FbF26c0B4956C'
const PROXY_CODE =
  '7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3'
/**
 * The transaction that creates it. Its signature is a made-up number, so it is some address's that
 * nobody has the key of, and good on any chain that takes transactions without a chain id.
 */
export const PROXY_TRANSACTION: Hex = `0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe${PROXY_CODE}1ba0${'22'.repeat(32)}a0${'22'.repeat(32)}`
/** What that transaction may cost: 100,000 gas at 100 gwei. */
export const PROXY_COST_WEI = 10n ** 16n

export const proxyCode: Hex = `0x${PROXY_CODE}`

/** What the proxy is sent to create a contract. The salt is always zero: the code decides. */
export function create2Data(initCode: Hex): Hex {
  return concat([zeroHash, initCode])
}

/** Everything below a programme's pool, by its deployer, who is the first admin. */
export function piecesOf(deployer: Address) {
  const authority = piece(
    'PoolAuthority',
    encodeDeployData({
      abi: poolAuthorityAbi,
      bytecode: poolAuthorityBytecode,
      args: [deployer],
    }),
    { runtime: poolAuthorityRuntime, immutables: poolAuthorityImmutables },
  )
  const registry = piece(
    'VerifierRegistry',
    encodeDeployData({
      abi: verifierRegistryAbi,
      bytecode: verifierRegistryBytecode,
      args: [authority.address],
    }),
    { runtime: verifierRegistryRuntime, immutables: verifierRegistryImmutables },
  )
  const implementation = piece(
    'FlexPool',
    encodeDeployData({ abi: flexPoolAbi, bytecode: flexPoolBytecode }),
    { runtime: flexPoolRuntime, immutables: flexPoolImmutables },
  )
  const factory = piece(
    'FlexPoolFactory',
    encodeDeployData({
      abi: flexPoolFactoryAbi,
      bytecode: flexPoolFactoryBytecode,
      args: [implementation.address, authority.address],
    }),
    { runtime: flexPoolFactoryRuntime, immutables: flexPoolFactoryImmutables },
  )
  return { authority, registry, implementation, factory }
}

/** The play-money euro of a deployer, who alone can mint it. */
export function playMoney(deployer: Address): Piece {
  const initCode = encodeDeployData({
    abi: testEuroAbi,
    bytecode: testEuroBytecode,
    args: [deployer],
  })
  return piece('TestEuro', initCode, { runtime: testEuroRuntime, immutables: testEuroImmutables })
}

function piece(name: string, initCode: Hex, code: Pick<Piece, 'runtime' | 'immutables'>): Piece {
  const address = getContractAddress({
    opcode: 'CREATE2',
    from: CREATE2_PROXY,
    salt: zeroHash,
    bytecode: initCode,
  })
  return { name, address, initCode, ...code }
}

/** Whether this is the code that the compiler gave, whatever its constructor was told. */
export function isCodeOf({ runtime, immutables }: Piece, code: Hex): boolean {
  const found = hexToBytes(code)
  for (const [start, length] of immutables) found.fill(0, start, start + length)
  return bytesToHex(found) === runtime
}

/** The code of a pool: a clone of the implementation, its values behind it. */
export function poolCode(implementation: Address, args: Hex): Hex {
  return concat([
    '0x363d3d373d3d3d363d73',
    implementation,
    '0x5af43d82803e903d91602b57fd5bf3',
    args,
  ])
}

/** What creates such a pool. */
export function poolCreation(code: Hex): Hex {
  const length = (code.length - 2) / 2
  return concat(['0x61', numberToHex(length, { size: 2 }), '0x3d81600a3d39f3', code])
}

const configType = flexPoolFactoryAbi.find(
  (item) => item.type === 'function' && item.name === 'createPool',
)

export type PoolConfig = {
  readonly token: Address
  readonly verifierRegistry: Address
  readonly feeReceiver: Address
  readonly arbiter: Address
  readonly disputeWindow: number
  readonly epochWindow: number
  readonly refundGrace: number
  readonly heldWindow: number
  readonly outflowBps: number
  readonly payerRole: bigint
  readonly guardianRole: bigint
  readonly challengeBond: bigint
}

/** What stands behind the code of a pool with this configuration and authority. */
export function poolArguments(config: PoolConfig, authority: Address): Hex {
  const [input] = configType?.type === 'function' ? configType.inputs : []
  if (input === undefined) throw new Error('the factory has no createPool')
  return encodeAbiParameters([input, { type: 'address' }], [config as never, authority])
}
