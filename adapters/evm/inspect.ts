import { keccak256 } from 'viem'
import { getChainId, getCode, readContract } from 'viem/actions'
import { flexPoolAbi } from '#contracts/generated/FlexPool.ts'
import { flexPoolFactoryAbi } from '#contracts/generated/FlexPoolFactory.ts'
import { verifierRegistryAbi } from '#contracts/generated/VerifierRegistry.ts'
import type { Address } from '#domain/ids.ts'
import type { Timer } from '#ports.ts'
import { readFunding } from './funding.ts'
import { genesisHash } from './identity.ts'
import type { Manifest } from './manifest.ts'
import { readPoolState } from './pool-state.ts'
import { ADMIN_ROLE, roleOf } from './pool-setup.ts'
import { type ChainClient, createChainClient, plainly } from './rpc.ts'

/**
 * Before anything is asked of a pool: it is the chain that the manifest names, and every contract
 * has the code that it had then. @throws Error in one sentence that names what differs
 */
export async function requireManifest(
  manifest: Manifest,
  world: { rpcUrl: string; timer: Timer },
): Promise<void> {
  const { faults } = await plainly(faultsOf(createChainClient(world), manifest))
  if (faults.length > 0) throw new Error(faults.join('; '))
}

/** Another chain, or contracts of it that are not there or are other ones. */
async function faultsOf(client: ChainClient, { identity, contracts }: Manifest) {
  const chainId = await getChainId(client)
  if (chainId !== identity.chainId) {
    const fault = `expected the chain with id ${identity.chainId}, but id ${chainId} answers`
    return { chainId, faults: [fault] }
  }
  if ((await genesisHash(client)) !== identity.genesisHash) {
    const fault = `expected a chain that begins with ${identity.genesisHash}, but it does not`
    return { chainId, faults: [fault] }
  }
  const faults: string[] = []
  for (const [name, { address, codeHash }] of Object.entries(contracts)) {
    const code = (await getCode(client, { address })) ?? '0x'
    if (code === '0x') faults.push(`expected the ${name} at ${address}, but nothing is there`)
    else if (keccak256(code) !== codeHash) {
      faults.push(`expected the ${name} at ${address}, but other code is there`)
    }
  }
  return { chainId, faults }
}

/** Asks the chain itself whether all that a manifest names stands there. Amounts are micro-EUR. */
export async function inspectPool(manifest: Manifest, world: { rpcUrl: string; timer: Timer }) {
  const client = createChainClient(world)
  const { identity, contracts } = manifest
  const { chainId, faults } = await faultsOf(client, manifest)
  if (faults.length > 0) return { ok: false, chainId, faults }
  const sets = await readSets(client, manifest)
  const roles = await readRoles(client, manifest)
  faults.push(...roles.faults)
  const at = { address: identity.pool, abi: flexPoolAbi } as const
  const [until, limit, used] = await readContract(client, { ...at, functionName: 'pauseState' })
  const [perDay, room] = await readContract(client, { ...at, functionName: 'outflow' })
  const bond = await readContract(client, { ...at, functionName: 'challengeBond' })
  const outflow = perDay === 0n ? null : { perDay: String(perDay), room: String(room) }
  const state = await readPoolState(client, identity, null)
  const shown = Object.entries(state).map(([key, value]) => [
    key,
    typeof value === 'bigint' ? String(value) : value,
  ])
  return {
    ok: faults.length === 0,
    chainId,
    programme: manifest.programme,
    contracts,
    roles: roles.found,
    verifiers: sets,
    pause: { untilSeconds: until, limitSeconds: limit, used },
    outflow,
    challengeBond: String(bond),
    funding: (await readFunding(client, identity)).way,
    pool: Object.fromEntries(shown) as Record<string, unknown>,
    faults,
  }
}

async function readSets(client: ChainClient, { contracts }: Manifest) {
  const registry = { address: contracts.registry.address, abi: verifierRegistryAbi } as const
  const currentSetId = await readContract(client, { ...registry, functionName: 'currentSetId' })
  const args = [currentSetId] as const
  const members = await readContract(client, { ...registry, functionName: 'signersOf', args })
  const quorum = await readContract(client, { ...registry, functionName: 'quorum', args })
  return { currentSetId, members, quorum }
}

/** The roles that the manifest names, as the authority has them now. */
async function readRoles(client: ChainClient, manifest: Manifest) {
  const authority = manifest.contracts.authority.address
  const factory = { address: manifest.contracts.factory.address, abi: flexPoolFactoryAbi } as const
  const [config] = await readContract(client, {
    ...factory,
    functionName: 'configOf',
    args: [manifest.identity.pool],
  })
  const faults: string[] = []
  const held = async (role: bigint, name: string, account: Address) => {
    const [isMember, delaySeconds] = await roleOf(client, authority, role, account)
    if (!isMember) faults.push(`expected ${account} as ${name}, but it is not`)
    return { account, isMember, delaySeconds }
  }
  const { payers, guardians, admin } = manifest
  const all = <T>(list: readonly Address[], work: (each: Address) => Promise<T>) =>
    Promise.all(list.map(work))
  const found = {
    admin: await held(ADMIN_ROLE, 'admin', admin.address),
    payers:
      payers === 'anyone'
        ? payers
        : await all(payers, (each) => held(config.payerRole, 'payer', each)),
    guardians: await all(guardians, (each) => held(config.guardianRole, 'guardian', each)),
  }
  return { found, faults }
}
