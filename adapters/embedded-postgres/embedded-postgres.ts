import { rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import postgres from 'postgres'
import type { Log, Timer } from '#ports.ts'
import { type Account, serverAccount } from './account.ts'
import { findBinaries } from './binaries.ts'
import {
  clusterFolder,
  ensureCluster,
  readAccess,
  removeOrphans,
  superuser,
  writeAccess,
} from './cluster.ts'
import { fileFailure } from './failure.ts'
import { findPostmaster, host, startPostmaster, stopPostmaster } from './postmaster.ts'

const database = 'gridcall'

const stopDeadlineMs = 20_000

export type EmbeddedPostgres = {
  /** postgres://… of a database of our own, with the password. Not for logs. */
  readonly url: string
  readonly pid: number
  /** True if it ran already when it was asked for. */
  readonly isReused: boolean
  /** Ends the server; resolves when its process is gone. */
  stop(): Promise<void>
}

export type EmbeddedPostgresOptions = {
  /** Holds the server's log and, where the server's account can enter, its data. */
  readonly dataDir: string
  readonly log: Log
  readonly timer: Timer
  /** For making the data folder, and again for the start. */
  readonly deadlineMs?: number
  /** Settings of PostgreSQL over ours. */
  readonly settings?: Readonly<Record<string, string>>
}

/**
 * Starts PostgreSQL on a folder, or finds the one that runs on it: there is never a second. The
 * server is a process of its own that goes on when we end, so it has to be stopped by `stop`.
 * @throws DomainError 'unavailable' with a sentence for whoever runs the service
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  try {
    return await startOrFind(options)
  } catch (error) {
    throw fileFailure(error, resolve(options.dataDir))
  }
}

async function startOrFind(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log, timer, deadlineMs = 60_000, settings = {} } = options
  const dataDir = resolve(options.dataDir)
  const account = serverAccount()
  const cluster = clusterFolder(account, dataDir)
  const start = { account, cluster, log, timer, deadlineMs, dataDir, settings }
  const before = findPostmaster(cluster)
  const giveUpAt = timer.monotonicMs() + deadlineMs
  for (;;) {
    const running = findPostmaster(cluster)
    const postmaster = running?.isReady ? running : await bringUp(start)
    const { password, port } = readAccess(cluster)
    if (port !== postmaster.port) writeAccess(account, cluster, { password, port: postmaster.port })
    const at = (name: string) =>
      `postgres://${superuser}:${password}@${host}:${postmaster.port}/${name}`
    try {
      await timer.deadline(ensureDatabase(at('postgres')), deadlineMs, 'the embedded PostgreSQL')
    } catch (error) {
      if (!isEnding(error) || timer.monotonicMs() > giveUpAt) throw error
      await timer.sleep(100)
      continue
    }
    return {
      url: at(database),
      pid: postmaster.pid,
      isReused: before?.pid === postmaster.pid,
      stop: () => stopPostmaster(cluster, timer, stopDeadlineMs),
    }
  }
}

/** A server that was found running may have been about to end, or be recovering from a crash. */
function isEnding(error: unknown): boolean {
  const { code } = error as { code?: string }
  return /^(ECONNRESET|ECONNREFUSED|CONNECTION_\w+|57P0[123])$/.test(code ?? '')
}

async function bringUp(start: {
  readonly account: Account
  readonly cluster: string
  readonly dataDir: string
  readonly log: Log
  readonly timer: Timer
  readonly deadlineMs: number
  readonly settings: Readonly<Record<string, string>>
}) {
  const { account, cluster, dataDir, settings: overrides } = start
  const binaries = findBinaries(account, dataDir)
  if (account !== null) removeOrphans((folder) => findPostmaster(folder) !== null)
  await ensureCluster({ ...start, binaries, isDurable: overrides.fsync !== 'off' })
  const { port } = readAccess(cluster)
  const logFile = join(dataDir, 'postgres.log')
  return await startPostmaster({ ...start, program: binaries.postgres, logFile, port, overrides })
}

/** Also the proof that the password fits: a stranger's server on our port would refuse it. */
async function ensureDatabase(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: 20, onnotice: () => undefined })
  try {
    const found = await sql`select 1 from pg_database where datname = ${database}`
    if (found.length === 0) await sql.unsafe(`create database ${database}`)
  } catch (error) {
    const isMadeByAnother = /^(42P04|23505)$/.test((error as { code?: string }).code ?? '')
    if (!isMadeByAnother) throw error
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** Stops the server of a folder, if one runs, and deletes its data, wherever that lies. */
export async function removeEmbeddedPostgres(dataDir: string, timer: Timer): Promise<void> {
  const folder = resolve(dataDir)
  const cluster = clusterFolder(serverAccount(), folder)
  await stopPostmaster(cluster, timer, stopDeadlineMs)
  const isElsewhere = dirname(cluster) !== folder
  if (isElsewhere) rmSync(dirname(cluster), { recursive: true, force: true })
  rmSync(folder, { recursive: true, force: true })
}
