import {
  encodeFunctionData,
  getAddress,
  getContractAddress,
  keccak256,
  maxUint64,
  stringToHex,
  zeroAddress,
} from 'viem'
import { getChainId, getContractEvents, readContract } from 'viem/actions'
import { flexPoolFactoryAbi } from '#contracts/generated/FlexPoolFactory.ts'
import { testEuroAbi } from '#contracts/generated/TestEuro.ts'
import type { Address, Hex } from '#domain/ids.ts'
import type { Timer } from '#ports.ts'
import {
  type PoolConfig,
  piecesOf,
  playMoney,
  poolArguments,
  poolCode,
  poolCreation,
} from './contract-code.ts'
import { createDeployer, type Deployer, otherCode } from './deployer.ts'
import { genesisHash } from './identity.ts'
import type { ContractName, Manifest } from './manifest.ts'
import { GUARDIAN_ROLE, PAYER_ROLE, setUpPool } from './pool-setup.ts'
import { type ChainClient, createChainClient } from './rpc.ts'

export type Deployment = {
  readonly rpcUrl: string
  readonly timer: Timer
  /** Pays the gas, and is the admin until the last transaction hands that over. */
  readonly deployerKey: Hex
  /** What an earlier run wrote: its chain must be this one, and its transactions are kept. */
  readonly before?: Manifest | null
  /** Names the pool among those of one deployer, and decides its address. */
  readonly programme?: string
  readonly verifiers: readonly Address[]
  readonly quorum: number
  readonly feeReceiver: Address
  /** Whose escrows the pool takes. */
  readonly payers: readonly Address[] | 'anyone'
  /** Who may pause; default nobody. */
  readonly guardians?: readonly Address[]
  /** Who acts for the programme, and how long in sight before it; default the deployer, at once. */
  readonly admin?: { readonly address: Address; readonly delaySeconds: number }
  /** 1 second to 90 days. */
  readonly disputeWindowSeconds: number
  /** 1 second to 90 days. */
  readonly epochWindowSeconds: number
  /** 0 to 90 days; half of it bounds a pause. */
  readonly refundGraceSeconds: number
  /** How long a held rest can be settled: 1 second to 365 days. */
  readonly heldWindowSeconds: number
  /** Whose word settles a held rest in place of verifiers'; default nobody's. */
  readonly arbiter?: Address
  /** Most that payouts take out in a day, in 1/10,000 of all ever allocated; default no limit. */
  readonly outflowBps?: number
  /** What whoever challenges a settlement has to stake, in micro-EUR; default no challenges. */
  readonly challengeBond?: bigint
  /** An ERC-20 of 6 decimals; without one a play-money euro is deployed. */
  readonly token?: Address
  /** Play money to begin with; only where it is ours to make. */
  readonly mintTo?: readonly { readonly address: Address; readonly amount: bigint }[]
}

/**
 * Sees to a pool and all it stands on, wherever something is missing: whoever runs it twice sends
 * nothing the second time, whoever was stopped half-way goes on. On a local chain it mines for itself
 * without letting time pass. All rights are given in one transaction, the last.
 * @throws Error with the contract's own words, or naming what was expected; DomainError
 * 'unavailable' if the chain is silent
 */
export async function deployPool(deployment: Deployment): Promise<Manifest> {
  const { mintTo = [], programme = 'gridcall', verifiers, quorum, feeReceiver } = deployment
  if (deployment.token !== undefined && mintTo.length > 0) {
    throw new RangeError('mintTo needs the play-money euro: a given token is not ours to make')
  }
  const client = createChainClient(deployment)
  const before = deployment.before ?? null
  await requireSameChain(client, before)
  const deployer = await createDeployer(client, deployment.deployerKey, deployment.timer)
  const pieces = piecesOf(deployer.address)
  const euro = deployment.token === undefined ? playMoney(deployer.address) : null
  const token = euro?.address ?? deployment.token ?? zeroAddress
  const config = configOf(deployment, token, pieces.registry.address)
  const pool = poolAt(pieces, config, programme)
  const isThere = await holdsPool(deployer, pool)
  for (const piece of [euro, ...Object.values(pieces)]) if (piece) await deployer.place(piece)
  if (!isThere) await mint(client, deployer, token, mintTo)

  const who = {
    verifiers: verifiers
      .toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
      .map((each) => getAddress(each)),
    quorum,
    payers: deployment.payers === 'anyone' ? [] : deployment.payers,
    guardians: deployment.guardians ?? [],
    admin: deployment.admin ?? { address: deployer.address, delaySeconds: 0 },
  }
  const wanted = { ...who, config, programme, salt: pool.salt, pool: pool.address }
  await setUpPool(client, deployer, pieces, wanted)
  if (!(await holdsPool(deployer, pool))) {
    throw new Error(`expected the pool at ${pool.address}, but nothing is there`)
  }

  const { authority, registry, implementation, factory } = pieces
  const addresses = { token, authority, registry, implementation, factory, pool }
  const { chainId, sent } = deployer
  const there = { pool: pool.address, token, registry: registry.address, feeReceiver }
  return {
    format: 'gridcall-chain/1',
    identity: { chainId, genesisHash: await genesisHash(client), ...there },
    programme,
    contracts: await withHashes(deployer, addresses),
    config: shownConfig(config),
    ...who,
    payers: deployment.payers,
    block: isThere
      ? await createdIn(client, factory.address, pool.address)
      : (sent.at(-1)?.block ?? 0),
    transactions: [...(before?.transactions ?? []), ...sent],
  }
}

async function requireSameChain(client: ChainClient, before: Manifest | null): Promise<void> {
  if (before === null) return
  const { chainId, genesisHash: genesis } = before.identity
  const found = await getChainId(client)
  if (found !== chainId) {
    throw new Error(`the manifest is of the chain with id ${chainId}, but id ${found} answers`)
  }
  if ((await genesisHash(client)) !== genesis) {
    throw new Error(`the manifest is of a chain that begins with ${genesis}; this one does not`)
  }
}

async function withHashes(
  deployer: Deployer,
  addresses: Record<ContractName, Address | { readonly address: Address }>,
): Promise<Manifest['contracts']> {
  const entries = await Promise.all(
    Object.entries(addresses).map(async ([name, at]) => {
      const address = typeof at === 'string' ? at : at.address
      return [name, { address, codeHash: keccak256(await deployer.codeAt(address)) }] as const
    }),
  )
  return Object.fromEntries(entries) as Manifest['contracts']
}

/** The block of a pool that was there already. */
async function createdIn(client: ChainClient, factory: Address, pool: Address): Promise<number> {
  const [created] = await getContractEvents(client, {
    address: factory,
    abi: flexPoolFactoryAbi,
    eventName: 'PoolCreated',
    args: { pool },
    fromBlock: 0n,
    strict: true,
  })
  if (!created) throw new Error(`the factory ${factory} does not know its pool ${pool}`)
  return Number(created.blockNumber)
}

function configOf(deployment: Deployment, token: Address, registry: Address): PoolConfig {
  return {
    token,
    verifierRegistry: registry,
    feeReceiver: deployment.feeReceiver,
    arbiter: deployment.arbiter ?? zeroAddress,
    disputeWindow: deployment.disputeWindowSeconds,
    epochWindow: deployment.epochWindowSeconds,
    refundGrace: deployment.refundGraceSeconds,
    heldWindow: deployment.heldWindowSeconds,
    outflowBps: deployment.outflowBps ?? 0,
    payerRole: deployment.payers === 'anyone' ? maxUint64 : PAYER_ROLE,
    guardianRole: GUARDIAN_ROLE,
    challengeBond: deployment.challengeBond ?? 0n,
  }
}

function shownConfig(config: PoolConfig): Manifest['config'] {
  return {
    arbiter: config.arbiter,
    disputeWindowSeconds: config.disputeWindow,
    epochWindowSeconds: config.epochWindow,
    refundGraceSeconds: config.refundGrace,
    heldWindowSeconds: config.heldWindow,
    outflowBps: config.outflowBps,
    payerRole: String(config.payerRole),
    guardianRole: String(config.guardianRole),
    challengeBond: String(config.challengeBond),
  }
}

/** The pool that the factory makes of this: where it is and what its code is. */
function poolAt(pieces: ReturnType<typeof piecesOf>, config: PoolConfig, programme: string) {
  const args = poolArguments(config, pieces.authority.address)
  const code = poolCode(pieces.implementation.address, args)
  const salt = keccak256(stringToHex(programme))
  const from = pieces.factory.address
  const address = getContractAddress({
    opcode: 'CREATE2',
    from,
    salt,
    bytecode: poolCreation(code),
  })
  return { address, code, salt }
}

async function holdsPool(
  deployer: Deployer,
  { address, code }: { address: Address; code: Hex },
): Promise<boolean> {
  const found = await deployer.codeAt(address)
  if (found !== '0x' && found !== code.toLowerCase()) throw otherCode('the pool', address)
  return found !== '0x'
}

/** Before the pool is there: afterwards whoever has no play money may have spent it. */
async function mint(
  client: ChainClient,
  deployer: Deployer,
  token: Address,
  mintTo: NonNullable<Deployment['mintTo']>,
): Promise<void> {
  const euro = { address: token, abi: testEuroAbi } as const
  for (const { address, amount } of mintTo) {
    const args = [address, amount] as const
    if ((await readContract(client, { ...euro, functionName: 'balanceOf', args: [address] })) > 0n)
      continue
    const data = encodeFunctionData({ abi: testEuroAbi, functionName: 'mint', args })
    await deployer.send(`minting for ${address}`, { to: token, data })
  }
}
