import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeOrLoadKey } from '#adapters/evm/keys.ts'
import type { Config } from '#config.ts'
import { organisationId } from '#domain/ids.ts'
import { makeAnotherKey, registerOrganisation } from '#lifecycle/register-organisation.ts'
import type { ChainIdentity, Ports, Timer } from '#ports.ts'
import type { Store } from '#store-ports.ts'
import { type Child, startChild } from '#supervisor.ts'

export const VERIFIERS = ['verifier-1', 'verifier-2', 'verifier-3'] as const
export const QUORUM = 2
/** As on a chain of others: whoever adds verifiers does it two days in sight. */
const ADMIN_DELAY_S = 172_800
/** Ten million euros of play money for the one DSO whose key lies in our own folder. */
const PLAY_MONEY = 10_000_000_000_000n

/** 100 euros. */
export const CHALLENGE_BOND = 100_000_000n

/** From which play money is paid: the example number of the IBAN registry. */
const PLAY_ACCOUNT = {
  GRIDCALL_AGENT_IBAN: 'NL91ABNA0417164300',
  GRIDCALL_AGENT_NAME: 'Payout agent that is set up for trials',
}

/** Keys of the parties that a local chain or a ledger brings along; each file is one party's. */
export function partiesFolder(dataDir: string): string {
  return join(dataDir, 'parties')
}

/** The pool that the service works with; before `startBlock` it has said nothing. */
export type EstablishedChain = { readonly identity: ChainIdentity; readonly startBlock?: number }

/**
 * The pool that this database belongs to; on a local chain one is deployed the first time.
 * @throws Error with a sentence if the chain was given and no pool is known on it, or it is not what
 * its manifest says
 */
export async function establishChain(options: {
  readonly config: Config
  readonly servers: { readonly rpcUrl: string; readonly isLocalChain: boolean }
  readonly store: Store
  readonly timer: Timer
}): Promise<EstablishedChain> {
  const { config, servers, store, timer } = options
  if (!servers.isLocalChain && config.chainManifest !== null) {
    return fromManifest(config.chainManifest, { rpcUrl: servers.rpcUrl, timer })
  }
  const known = await store.transaction((tx) => tx.chain.identity())
  if (known) return { identity: known }
  if (!servers.isLocalChain) {
    throw new Error(
      'no pool is known on the chain of CHAIN_RPC_URL: deploy one with gridcall chain deploy, ' +
        'and name its manifest in GRIDCALL_CHAIN_MANIFEST',
    )
  }
  const folder = partiesFolder(config.dataDir)
  const verifiers = await Promise.all(VERIFIERS.map((name) => makeOrLoadKey(folder, name)))
  const deployer = await makeOrLoadKey(folder, 'deployer')
  const fee = await makeOrLoadKey(folder, 'fee-receiver')
  const dso = await makeOrLoadKey(folder, 'dso')
  const { deployPool } = await import('#adapters/evm/deploy.ts')
  const { identity } = await deployPool({
    rpcUrl: servers.rpcUrl,
    timer,
    deployerKey: deployer.privateKey,
    verifiers: verifiers.map((key) => key.address),
    quorum: QUORUM,
    feeReceiver: fee.address,
    disputeWindowSeconds: config.disputeWindowSeconds,
    epochWindowSeconds: config.epochWindowSeconds,
    refundGraceSeconds: config.refundGraceSeconds,
    heldWindowSeconds: config.heldWindowSeconds,
    challengeBond: CHALLENGE_BOND,
    ...(config.arbiter === null ? {} : { arbiter: config.arbiter }),
    payers: [dso.address],
    admin: { address: deployer.address, delaySeconds: ADMIN_DELAY_S },
    mintTo: [{ address: dso.address, amount: PLAY_MONEY }],
  })
  await store.transaction((tx) => tx.chain.identify(identity))
  return { identity }
}

/** Whether it is the pool that this database belongs to is seen by whoever opens the rail. */
async function fromManifest(
  file: string,
  world: { readonly rpcUrl: string; readonly timer: Timer },
): Promise<EstablishedChain> {
  const { readManifest } = await import('#adapters/evm/manifest.ts')
  const { requireManifest } = await import('#adapters/evm/inspect.ts')
  const manifest = await readManifest(file)
  try {
    await requireManifest(manifest, world)
  } catch (error) {
    throw new Error(`GRIDCALL_CHAIN_MANIFEST: ${(error as Error).message}`, { cause: error })
  }
  return { identity: manifest.identity, startBlock: Math.max(0, manifest.block - 1) }
}

/** Three verifiers and the payout agent of a local chain or a ledger, each with its own process. */
export async function startLocalParties(options: {
  readonly config: Config
  readonly ports: Ports
  readonly apiUrl: string
  /** null: the ledger is read from the service itself. */
  readonly rpcUrl: string | null
  readonly identity: ChainIdentity
}): Promise<{ processes: { role: string; pid: number }[]; stop(): Promise<void> }> {
  const { config, ports, apiUrl, rpcUrl, identity } = options
  const folder = partiesFolder(config.dataDir)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const payments = join(folder, 'payments')
  const children: Child[] = []
  for (const name of [...VERIFIERS, 'agent']) {
    const role = name === 'agent' ? 'agent' : 'verifier'
    const key = await makeOrLoadKey(folder, name)
    const token = await registerOnce(ports, folder, name, role, key.address)
    const entry = join(import.meta.dirname, '..', 'cli.ts')
    children.push(
      startChild(name, [entry, 'start', '--role', role], {
        GRIDCALL_PARTY: name,
        GRIDCALL_PARTIES_DIR: folder,
        GRIDCALL_API_URL: apiUrl,
        GRIDCALL_API_KEY: token,
        ...(rpcUrl === null ? {} : { GRIDCALL_PARTY_RPC_URL: rpcUrl }),
        GRIDCALL_CHAIN_IDENTITY: JSON.stringify(identity),
        ...(role === 'agent' ? { ...accountOfAgent(), GRIDCALL_PAYMENTS_DIR: payments } : {}),
        LOG_LEVEL: config.logLevel,
      }),
    )
  }
  return {
    processes: children.map(({ role, pid }) => ({ role, pid })),
    async stop() {
      await Promise.all(children.map((child) => child.stop()))
    },
  }
}

/** The operator's own, if one is set: without it payment files name an account of nobody. */
function accountOfAgent(): typeof PLAY_ACCOUNT {
  const { GRIDCALL_AGENT_IBAN: iban, GRIDCALL_AGENT_NAME: name } = process.env
  if (!iban || !name) return PLAY_ACCOUNT
  return { GRIDCALL_AGENT_IBAN: iban, GRIDCALL_AGENT_NAME: name }
}

/** Registers a party the first time; its key to our API lies beside its signing key. */
async function registerOnce(
  ports: Ports,
  folder: string,
  name: string,
  kind: 'verifier' | 'agent',
  address: `0x${string}`,
): Promise<string> {
  const file = join(folder, `${name}.token`)
  const id = organisationId(name)
  const known = await ports.store.transaction((tx) => tx.organisations.find(id))
  if (known && !isSameAddress(known.address, address)) {
    throw new Error(
      `${join(folder, `${name}.key`)} is not the key of ${known.address}, which this database ` +
        'and its pool know: put that key back, or begin anew with an empty data folder',
    )
  }
  const kept = known ? await readIfThere(file) : null
  if (kept !== null) return kept
  // Registered, and killed before the key to our API was written: it gets another one.
  const key = known
    ? await makeAnotherKey(ports, id)
    : (await registerOrganisation(ports, { id, kind, name, address })).key
  await writeFile(file, `${key}\n`, { mode: 0o600 })
  return key
}

function isSameAddress(known: string | null, address: string): boolean {
  return known?.toLowerCase() === address.toLowerCase()
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    const text = (await readFile(file, 'utf8')).trim()
    return text === '' ? null : text
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
