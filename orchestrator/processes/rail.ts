import { randomBytes } from 'node:crypto'
import { readHeadTime } from '#adapters/evm/head.ts'
import { makeOrLoadKey } from '#adapters/evm/keys.ts'
import { createEvmRail } from '#adapters/evm/rail.ts'
import { establishLedger, readLedger } from '#adapters/ledger-rail/establish.ts'
import { createLedgerRail } from '#adapters/ledger-rail/rail.ts'
import type { Config } from '#config.ts'
import { createSoleRight } from '#db/sole-right.ts'
import { LEDGER_CHAIN_ID } from '#domain/pool-books.ts'
import type { ChainIdentity, Clock, Log, PayoutRail, Timer } from '#ports.ts'
import type { Store } from '#store-ports.ts'
import type { Servers } from '#supervisor.ts'
import {
  CHALLENGE_BOND,
  establishChain,
  partiesFolder,
  QUORUM,
  VERIFIERS,
} from './local-parties.ts'
import { openRelayerSigner } from './relayer-signer.ts'
import { wallMs } from './wall-time.ts'

export type OpenRail = {
  readonly rail: PayoutRail
  readonly identity: ChainIdentity
  /** Business time up to which the rail is known; null where nobody can say. */
  readonly headAt: () => Promise<number | null>
  release(): Promise<void>
}

type RailOptions = {
  readonly config: Config
  readonly servers: Servers
  readonly databaseUrl: string
  readonly store: Store
  readonly clock: Clock
  readonly timer: Timer
  readonly log: Log
  /** No epoch is posted while books differ. */
  readonly mayPost: () => Promise<boolean>
  /** Whether this process may bring along what a ledger begins with. */
  readonly mayEstablish: boolean
}

/** The rail that the settings name. @throws Error with one sentence for the operator */
export async function openRail(options: RailOptions): Promise<OpenRail> {
  return options.config.rail === 'ledger' ? openLedger(options) : openChain(options)
}

async function openChain(options: RailOptions): Promise<OpenRail> {
  const { config, databaseUrl: url, store, clock, timer, log } = options
  const { rpcUrl, isLocalChain } = options.servers
  if (rpcUrl === null) throw new Error('CHAIN_RPC_URL: expected the URL of a chain, got none')
  const known = await store.transaction((tx) => tx.chain.identity())
  if (known?.chainId === LEDGER_CHAIN_ID) {
    throw new Error(
      'this database belongs to a ledger without a chain: leave CHAIN_RPC_URL and GRIDCALL_RAIL ' +
        'unset, or begin anew with an empty database',
    )
  }
  const servers = { rpcUrl, isLocalChain }
  const chain = await establishChain({ config, servers, store, timer })
  const { identity } = chain
  const relayer = await openRelayerSigner({
    environment: process.env,
    dataDir: config.dataDir,
    isLocalChain,
    timer,
    wallMs,
    log,
  })
  const sender = `${identity.chainId} ${identity.pool}`
  const key = `${identity.chainId} ${relayer.address}`
  const names = [`chain outbox ${sender}`, `chain key ${key}`].map((name) => name.toLowerCase())
  const soleRight = createSoleRight({ url, log, names })
  const { mayPost } = options
  const common = { rpcUrl, store, clock, timer, log, ...chain, soleRight, mayPost }
  try {
    const rail = await createEvmRail({ ...common, signer: relayer, local: isLocalChain })
    const headAt = () => readHeadTime({ rpcUrl, timer })
    return { rail, identity, headAt, release: () => soleRight.release() }
  } catch (error) {
    await soleRight.release()
    throw error
  }
}

/** The parties of a ledger are those that a local chain would bring along. */
async function openLedger(options: RailOptions): Promise<OpenRail> {
  const { config, store, clock, log, mayPost } = options
  const folder = partiesFolder(config.dataDir)
  const terms = async () => {
    const verifiers = await Promise.all(VERIFIERS.map((name) => makeOrLoadKey(folder, name)))
    return {
      verifiers: verifiers.map(({ address }) => address),
      quorum: QUORUM,
      feeReceiver: (await makeOrLoadKey(folder, 'fee-receiver')).address,
      arbiter: config.arbiter,
      disputeWindowSeconds: config.disputeWindowSeconds,
      epochWindowSeconds: config.epochWindowSeconds,
      heldWindowSeconds: config.heldWindowSeconds,
      refundGraceSeconds: config.refundGraceSeconds,
      challengeBond: CHALLENGE_BOND,
    }
  }
  const random = { bytes: (length: number) => randomBytes(length) }
  const setup = options.mayEstablish
    ? await establishLedger({ store, random, terms })
    : await readLedger(store)
  if (setup === null) {
    throw new Error(
      'no ledger is established in this database: run gridcall start --role api,worker once',
    )
  }
  const rail = createLedgerRail({ store, clock, log, setup, mayPost })
  const headAt = async () => clock.now() // it is read where it is written
  const { chainId, genesisHash, pool, token, registry, feeReceiver } = setup
  const identity = { chainId, genesisHash, pool, token, registry, feeReceiver }
  return { rail, identity, headAt, release: async () => undefined }
}
