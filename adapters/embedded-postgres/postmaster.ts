import { spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { DomainError } from '#domain/errors.ts'
import type { Timer } from '#ports.ts'
import type { Account } from './account.ts'
import { serverEnvironment } from './cluster.ts'
import { serverFailure } from './failure.ts'

export const host = '127.0.0.1'

const pollMs = 15
const logBytesMax = 10e6

/** What PostgreSQL notes about a running server in `postmaster.pid`. */
export type Postmaster = {
  readonly pid: number
  readonly port: number
  readonly isReady: boolean
}

/** Fast and small, but nothing that a crash could turn into lost or broken data. */
const settings = {
  listen_addresses: host,
  unix_socket_directories: '',
  max_connections: '80',
  shared_buffers: '64MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  max_wal_size: '512MB',
  min_wal_size: '80MB',
  checkpoint_timeout: '10min',
  io_method: 'sync', // no worker processes for what the kernel has cached
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Rows and statements can hold personal data: the log names the error only.
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
  idle_in_transaction_session_timeout: '5min',
}

/** True while the process runs; a dead one that nobody has waited for does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  if (process.platform !== 'linux') return true
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return false // gone between the two looks
  }
}

/** A number in a file may be another process's by now; a postmaster works in its data folder. */
function isServerOf(pid: number, cluster: string): boolean {
  if (process.platform !== 'linux') return true
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === cluster
  } catch {
    return false // gone, or not ours to look at and so not the server that we started
  }
}

/**
 * The server that runs on this folder; null if none does. PostgreSQL itself overwrites the note of
 * a dead server, but trusts one whose number belongs to another process now: that one is removed.
 */
export function findPostmaster(cluster: string): Postmaster | null {
  const file = join(cluster, 'postmaster.pid')
  let lines: string[]
  try {
    lines = readFileSync(file, 'utf8').split('\n')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const pid = Number(lines[0])
  if (!(pid > 0) || !isRunning(pid)) return null // being written, or left by a dead server
  if (!isServerOf(pid, cluster)) {
    rmSync(file, { force: true })
    return null
  }
  return { pid, port: Number(lines[3]), isReady: lines[7]?.trim() === 'ready' }
}

/** The wanted port if it is free, else any that is. */
async function choosePort(wanted: number | null): Promise<number> {
  const tryPort = (port: number) =>
    new Promise<number | null>((resolve) => {
      const probe = createServer()
      probe.once('error', () => resolve(null))
      probe.listen({ port, host, exclusive: true }, () => {
        const address = probe.address()
        const chosen = typeof address === 'object' && address !== null ? address.port : null
        probe.close(() => resolve(chosen))
      })
    })
  const port = (wanted === null ? null : await tryPort(wanted)) ?? (await tryPort(0))
  if (port === null) throw new DomainError('unavailable', `no free port on ${host}`)
  return port
}

function openLog(file: string): { descriptor: number; from: number } {
  mkdirSync(dirname(file), { recursive: true })
  if (existsSync(file) && statSync(file).size > logBytesMax) truncateSync(file)
  const descriptor = openSync(file, 'a', 0o600)
  return { descriptor, from: statSync(file).size }
}

export type StartOptions = {
  readonly account: Account
  readonly program: string
  readonly cluster: string
  readonly logFile: string
  readonly port: number | null
  readonly timer: Timer
  readonly deadlineMs: number
  readonly overrides: Readonly<Record<string, string>>
}

/**
 * Starts a server as a detached child, so that it outlives us, and waits until it takes
 * connections. Finds the running one instead if another start was faster.
 * @throws DomainError 'unavailable' with the end of the server's log
 */
export async function startPostmaster(options: StartOptions): Promise<Postmaster> {
  const { cluster, timer, deadlineMs } = options
  const giveUpAt = timer.monotonicMs() + deadlineMs
  let wantedPort = options.port
  for (;;) {
    const found = findPostmaster(cluster)
    if (found !== null) return await untilReady(found, options, giveUpAt)
    const started = await launch(options, await choosePort(wantedPort), giveUpAt)
    if ('pid' in started) return started
    if (started.isPortTaken) wantedPort = null
    const isWorthTrying = started.isPortTaken || started.isFolderTaken
    if (!isWorthTrying || timer.monotonicMs() > giveUpAt) throw started.failure
    await timer.sleep(100)
  }
}

type Failed = { failure: DomainError; isPortTaken: boolean; isFolderTaken: boolean }

async function launch(
  { account, program, cluster, logFile, overrides, timer }: StartOptions,
  port: number,
  giveUpAt: number,
): Promise<Postmaster | Failed> {
  const args = Object.entries({ ...settings, ...overrides }).map(([name, value]) => {
    return `--${name}=${value}`
  })
  const { descriptor, from } = openLog(logFile)
  const child = spawn(program, ['-D', cluster, `--port=${port}`, ...args], {
    ...account,
    cwd: cluster,
    detached: true,
    env: serverEnvironment(),
    stdio: ['ignore', descriptor, descriptor],
  })
  closeSync(descriptor)
  let ended: string | null = null
  child.once('error', (error) => (ended = error.message))
  child.once('exit', (code, signal) => (ended = `it ended with ${code ?? signal}`))
  child.unref()
  while (ended === null) {
    const found = findPostmaster(cluster)
    if (found?.isReady && found.pid === child.pid) return found
    if (timer.monotonicMs() > giveUpAt) {
      child.kill('SIGQUIT')
      ended = 'it was not ready in time'
      break
    }
    await timer.sleep(pollMs)
  }
  const output = readFileSync(logFile).subarray(from).toString()
  return {
    failure: serverFailure(ended, output, cluster),
    isPortTaken: /could not bind|address already in use/i.test(output),
    // By a faster start, or by what a killed server's children have not let go of yet.
    isFolderTaken: /postmaster\.pid" already exists|shared memory block .* in use/i.test(output),
  }
}

async function untilReady(
  found: Postmaster,
  { cluster, timer, logFile }: StartOptions,
  giveUpAt: number,
): Promise<Postmaster> {
  for (let now: Postmaster | null = found; now !== null; now = findPostmaster(cluster)) {
    if (now.isReady) return now
    if (timer.monotonicMs() > giveUpAt) break
    await timer.sleep(pollMs)
  }
  const what = `the server with process id ${found.pid} did not get ready`
  throw new DomainError('unavailable', `the embedded PostgreSQL: ${what}; its log is ${logFile}`)
}

/**
 * Ends the folder's server, if one runs: first cleanly, breaking connections off; after the
 * deadline like a crash, which it recovers from at its next start.
 */
export async function stopPostmaster(
  cluster: string,
  timer: Timer,
  deadlineMs: number,
): Promise<void> {
  const pid = findPostmaster(cluster)?.pid
  if (pid === undefined) return
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    const giveUpAt = timer.monotonicMs() + deadlineMs
    while (isRunning(pid)) {
      if (timer.monotonicMs() > giveUpAt) break
      await timer.sleep(pollMs)
    }
    if (!isRunning(pid)) return
  }
  throw new DomainError('unavailable', `the embedded PostgreSQL, process ${pid}, does not end`)
}
