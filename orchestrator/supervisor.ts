import { type ChildProcess, spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import {
  type EmbeddedPostgres,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from '#adapters/embedded-postgres/embedded-postgres.ts'
import { type LocalChain, removeLocalChain, startAnvil } from '#adapters/local-chain/local-chain.ts'
import { DomainError } from '#domain/errors.ts'
import type { Instant } from '#domain/time.ts'
import type { Log, Timer } from '#ports.ts'

/** The chain id of the chain that we bring ourselves: nobody's. */
export const LOCAL_CHAIN_ID = 31_338

export type Servers = {
  readonly databaseUrl: string
  /** null: money is on a ledger without a chain. */
  readonly rpcUrl: string | null
  readonly isLocalChain: boolean
  /** Role and pid of what was started or found again. */
  readonly processes: readonly { readonly role: string; readonly pid: number }[]
  /** Ends what we brought, the chain first; what was given stays. */
  stop(): Promise<void>
}

export type ServerOptions = {
  readonly dataDir: string
  readonly databaseUrl: string | null
  readonly chainRpcUrl: string | null
  readonly rail: 'evm' | 'ledger'
  /** Business time of the first block of a new local chain. */
  readonly chainStart: Instant
  readonly log: Log
  readonly timer: Timer
}

/** Starts PostgreSQL and, on a chain of our own, that; or finds them again: both outlive the service. */
export async function startServers(options: ServerOptions): Promise<Servers> {
  const { dataDir, log, timer } = options
  const isLocalChain = options.rail === 'evm' && options.chainRpcUrl === null
  const [postgres, chain] = await Promise.allSettled([
    options.databaseUrl === null
      ? startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres'), log, timer })
      : null,
    isLocalChain ? startLocalChain(options) : null,
  ])
  const stop = async () => {
    if (chain.status === 'fulfilled') await chain.value?.stop()
    if (postgres.status === 'fulfilled') await postgres.value?.stop()
  }
  if (postgres.status === 'rejected' || chain.status === 'rejected') {
    await stop()
    throw postgres.status === 'rejected' ? postgres.reason : (chain as PromiseRejectedResult).reason
  }
  return {
    databaseUrl: options.databaseUrl ?? (postgres.value as EmbeddedPostgres).url,
    rpcUrl: options.chainRpcUrl ?? chain.value?.url ?? null,
    isLocalChain,
    processes: [
      ...(postgres.value ? [{ role: 'postgres', pid: postgres.value.pid }] : []),
      ...(chain.value ? [{ role: 'chain', pid: chain.value.pid }] : []),
    ],
    stop,
  }
}

/** Stops the servers that a data folder brought along, whoever started them, and deletes it. */
export async function removeServers(dataDir: string, timer: Timer): Promise<void> {
  await removeLocalChain(join(dataDir, 'chain'), timer)
  await removeEmbeddedPostgres(join(dataDir, 'postgres'), timer)
  await rm(dataDir, { recursive: true, force: true })
}

function startLocalChain({ dataDir, chainStart, timer }: ServerOptions): Promise<LocalChain> {
  const folder = join(dataDir, 'chain')
  return startAnvil({
    dataDir: folder,
    stateFile: join(folder, 'state.json'),
    chainId: LOCAL_CHAIN_ID,
    timestamp: Math.floor(chainStart / 1000),
    noMining: true,
    timer,
  })
}

/** Said before anything is started. @throws DomainError 'unavailable' with a sentence */
export async function refuseTakenPort(
  { host, port }: { readonly host: string; readonly port: number },
  setting: string,
): Promise<void> {
  if (port === 0) return
  await new Promise<void>((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `port ${port} of ${host} is taken: end what listens there, or set ${setting}`
      reject(error.code === 'EADDRINUSE' ? new DomainError('unavailable', taken) : error)
    })
    probe.listen(port, host, () => probe.close(() => resolve()))
  })
}

export type Child = {
  readonly role: string
  readonly pid: number
  readonly process: ChildProcess
  /** Asks it to end, and makes it after a deadline. */
  stop(): Promise<void>
}

/** A small young generation: tens of MB less per process, for collections of a millisecond. */
const SMALL_HEAP = ['--max-semi-space-size=2']

const STOP_DEADLINE_MS = 15_000

/** Starts a process of ours; its log lines go to our standard error. */
export function startChild(
  role: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Child {
  const child = spawn(process.execPath, [...SMALL_HEAP, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`the ${role} could not be started`)
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
  })
  return {
    role,
    pid,
    process: child,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const cut = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
      await gone
      clearTimeout(cut)
    },
  }
}
