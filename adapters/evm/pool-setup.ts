import { encodeFunctionData, isAddressEqual, zeroAddress } from 'viem'
import { readContract } from 'viem/actions'
import { flexPoolFactoryAbi } from '#contracts/generated/FlexPoolFactory.ts'
import { poolAuthorityAbi } from '#contracts/generated/PoolAuthority.ts'
import { verifierRegistryAbi } from '#contracts/generated/VerifierRegistry.ts'
import type { Address, Hex } from '#domain/ids.ts'
import type { PoolConfig, piecesOf } from './contract-code.ts'
import type { Deployer } from './deployer.ts'
import type { ChainClient } from './rpc.ts'

/** Roles of our pools at their authority. */
export const ADMIN_ROLE = 0n
export const PAYER_ROLE = 1n
export const GUARDIAN_ROLE = 2n

export type Admin = { readonly address: Address; readonly delaySeconds: number }

/** What should be so once everything is deployed. */
export type Wanted = {
  readonly config: PoolConfig
  readonly programme: string
  readonly salt: Hex
  readonly pool: Address
  /** Ascending. */
  readonly verifiers: readonly Address[]
  readonly quorum: number
  readonly payers: readonly Address[]
  readonly guardians: readonly Address[]
  readonly admin: Admin
}

type Pieces = ReturnType<typeof piecesOf>
/** Something only the admin can do. */
type Act = { readonly what: string; readonly target: Address; readonly data: Hex }

/**
 * Does in one transaction what only the admin can do: names verifiers, creates the pool, grants
 * roles, and hands over. Does nothing where nothing is missing.
 * @throws Error that names what was expected, where something else stands or the admin's role was
 * handed over already
 */
export async function setUpPool(
  client: ChainClient,
  deployer: Deployer,
  pieces: Pieces,
  wanted: Wanted,
): Promise<void> {
  const authority = pieces.authority.address
  const acts = [
    ...(await setMissing(client, pieces, wanted)),
    ...(await poolMissing(client, pieces, wanted)),
    ...(await membersMissing(client, authority, PAYER_ROLE, wanted.payers)),
    ...(await membersMissing(client, authority, GUARDIAN_ROLE, wanted.guardians)),
  ]
  const [isAdmin, delay] = await roleOf(client, authority, ADMIN_ROLE, deployer.address)
  const handOver =
    isAdmin && delay === 0 ? handOverTo(authority, deployer.address, wanted.admin) : []
  if (!isAdmin || delay > 0) await requireHandedOver(client, authority, deployer, wanted, acts)
  const all = [...acts, ...handOver]
  if (all.length === 0) return
  const calls = all.map(({ target, data }) =>
    target === authority ? data : authorityCall('execute', [target, data]),
  )
  const data = authorityCall('multicall', [calls])
  await deployer.send(`setting up the pool of ${wanted.programme}`, { to: authority, data })
}

/** Our own verifiers, in a first set; a set that is there already must be them. */
async function setMissing(client: ChainClient, pieces: Pieces, wanted: Wanted): Promise<Act[]> {
  const registry = { address: pieces.registry.address, abi: verifierRegistryAbi } as const
  const current = await readContract(client, { ...registry, functionName: 'currentSetId' })
  const { verifiers, quorum } = wanted
  if (current > 0) {
    const at = { ...registry, args: [current] } as const
    const found = await readContract(client, { ...at, functionName: 'signersOf' })
    const needed = await readContract(client, { ...at, functionName: 'quorum' })
    const isSame = found.join() === verifiers.join() && needed === quorum
    if (isSame) return []
    throw new Error(
      `expected ${quorum} of the verifiers ${verifiers.join(', ')}, but set ${current} of ` +
        `${registry.address} is ${needed} of ${found.join(', ')}: the admin adds another set`,
    )
  }
  const data = encodeFunctionData({
    abi: verifierRegistryAbi,
    functionName: 'addSet',
    args: [verifiers, quorum],
  })
  return [{ what: 'naming the verifiers', target: registry.address, data }]
}

async function poolMissing(client: ChainClient, pieces: Pieces, wanted: Wanted): Promise<Act[]> {
  const { config, programme, salt, pool } = wanted
  const factory = { address: pieces.factory.address, abi: flexPoolFactoryAbi } as const
  const args = [salt, config.token] as const
  const found = await readContract(client, { ...factory, functionName: 'poolOf', args })
  if (isAddressEqual(found, pool)) return []
  if (found !== zeroAddress) {
    throw new Error(
      `expected the pool of ${programme} at ${pool}, but it is ${found}: a programme has one pool ` +
        'per token, and nothing it was created with can change',
    )
  }
  const create = { abi: flexPoolFactoryAbi, functionName: 'createPool' } as const
  const data = encodeFunctionData({ ...create, args: [config, salt] })
  return [{ what: `creating the pool of ${programme}`, target: factory.address, data }]
}

async function membersMissing(
  client: ChainClient,
  authority: Address,
  role: bigint,
  accounts: readonly Address[],
): Promise<Act[]> {
  const acts: Act[] = []
  for (const account of accounts) {
    const [isMember, delay] = await roleOf(client, authority, role, account)
    if (isMember && delay === 0) continue
    const data = authorityCall('grantRole', [role, account, 0])
    acts.push({ what: `granting role ${role} to ${account}`, target: authority, data })
  }
  return acts
}

/** The last acts of a deployer who shall not stay the admin, or only with a delay. */
function handOverTo(authority: Address, deployer: Address, admin: Admin): Act[] {
  const { address, delaySeconds } = admin
  if (isAddressEqual(address, deployer) && delaySeconds === 0) return []
  const grant = authorityCall('grantRole', [ADMIN_ROLE, address, delaySeconds])
  const acts = [{ what: `making ${address} the admin`, target: authority, data: grant }]
  if (isAddressEqual(address, deployer)) return acts
  const renounce = authorityCall('renounceRole', [ADMIN_ROLE, deployer])
  return [...acts, { what: 'giving the admin’s role up', target: authority, data: renounce }]
}

/** The deployer has handed over: then the admin must be the one, and nothing may be missing. */
async function requireHandedOver(
  client: ChainClient,
  authority: Address,
  deployer: Deployer,
  { admin }: Wanted,
  acts: readonly Act[],
): Promise<void> {
  const [isAdmin, delay] = await roleOf(client, authority, ADMIN_ROLE, admin.address)
  if (!isAdmin || delay !== admin.delaySeconds) {
    const found = isAdmin ? `it has a delay of ${delay} s` : 'it is not'
    throw new Error(
      `expected ${admin.address} as the admin of ${authority} with a delay of ` +
        `${admin.delaySeconds} s, but ${found}, and ${deployer.address} has handed over`,
    )
  }
  if (acts.length === 0) return
  const steps = acts.map(({ what, target, data }) => `${what}: schedule(${target}, ${data}, 0)`)
  throw new Error(
    `${deployer.address} has handed over; the admin ${admin.address} has to send to ${authority}, ` +
      `and execute ${delay} s later: ${steps.join('; ')}`,
  )
}

/** Whether an account holds a role now, and the delay it holds it with. */
export function roleOf(
  client: ChainClient,
  authority: Address,
  role: bigint,
  account: Address,
): Promise<readonly [isMember: boolean, delaySeconds: number]> {
  const args = [role, account] as const
  return readContract(client, {
    address: authority,
    abi: poolAuthorityAbi,
    functionName: 'hasRole',
    args,
  })
}

function authorityCall(functionName: string, args: readonly unknown[]): Hex {
  return encodeFunctionData({ abi: poolAuthorityAbi, functionName, args } as never)
}
