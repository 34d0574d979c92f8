import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { DomainError } from '#domain/errors.ts'
import type { Timer } from '#ports.ts'
import { type Note, claim, forget, isRunning, readNote, writeNote } from './pid-file.ts'

const pollMs = 20

/** Anvil writes its state in place, at the end and this often; a kill loses at most so much. */
const stateIntervalSeconds = 2

export type LocalChain = {
  readonly url: string
  readonly pid: number
  /** True if it ran already when it was asked for. */
  readonly isReused: boolean
  /** Ends the chain once its state is written; resolves when its process is gone. */
  stop(): Promise<void>
}

export type LocalChainOptions = {
  /** Holds the pid file and the log; one chain per folder. */
  readonly dataDir: string
  readonly chainId: number
  /** Unix seconds of the first block; of no effect on a chain that goes on from its state. */
  readonly timestamp: number
  readonly timer: Timer
  /** Chosen free where none is given. */
  readonly port?: number
  readonly host?: string
  /** Where the chain is kept over a restart; without one it begins anew each time. */
  readonly stateFile?: string
  /** Blocks come only when somebody mines them. */
  readonly noMining?: boolean
  readonly deadlineMs?: number
}

/**
 * Starts a local EVM chain, or finds the one that runs for this folder. It is a process of its own
 * that goes on when we end. @throws DomainError 'unavailable' with a sentence for the operator
 */
export async function startAnvil(options: LocalChainOptions): Promise<LocalChain> {
  try {
    return await startOrFind(options)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') throw noRoom(options.dataDir)
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw error
    const why = `the local chain needs ${options.dataDir} to be writable for this account`
    throw new DomainError('unavailable', `${why}: ${message}`)
  }
}

async function startOrFind(options: LocalChainOptions): Promise<LocalChain> {
  const { timer, deadlineMs = 20_000, host = '127.0.0.1', chainId } = options
  const dataDir = resolve(options.dataDir)
  mkdirSync(dataDir, { recursive: true })
  const giveUpAt = timer.monotonicMs() + deadlineMs
  while (!claim(dataDir)) {
    const note = readNote(dataDir)
    if (note !== null && 'port' in note) {
      const found = await untilAnswering(note, host, timer, giveUpAt)
      if (found === chainId) return chainOf(dataDir, note, host, true, timer)
      throw new DomainError(
        'unavailable',
        `the local chain of ${dataDir} has chain id ${found}, expected ${chainId}: stop it first`,
      )
    }
    if (timer.monotonicMs() > giveUpAt) {
      throw new DomainError('unavailable', `another start of the local chain in ${dataDir} hangs`)
    }
    await timer.sleep(pollMs)
  }
  try {
    const note = await launch({ ...options, dataDir, host }, giveUpAt)
    return chainOf(dataDir, note, host, false, timer)
  } catch (error) {
    forget(dataDir)
    throw error
  }
}

async function launch(
  options: LocalChainOptions & { readonly host: string },
  giveUpAt: number,
): Promise<Note> {
  const { dataDir, host, chainId, timer, stateFile } = options
  const port = await freePort(host, options.port)
  const logFile = join(dataDir, 'anvil.log')
  const log = openSync(logFile, 'a', 0o600)
  const from = statSync(logFile).size
  const child = spawn(binary(), anvilArguments(options, port), {
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let ended: string | null = null
  child.once('error', (error) => (ended = error.message))
  child.once('exit', (code, signal) => (ended = `it ended with ${code ?? signal}`))
  child.unref()
  const { pid } = child
  while (ended === null && pid !== undefined) {
    const note = { pid, port }
    writeNote(dataDir, note) // before it answers, so that it is found whatever becomes of us
    const isAnswered = (await chainIdAt(host, port)) === chainId
    if (isAnswered && child.exitCode === null) return note // else another's chain answers there
    if (timer.monotonicMs() > giveUpAt) {
      child.kill('SIGKILL')
      ended = 'it did not answer in time'
      break
    }
    await timer.sleep(pollMs)
  }
  const output = readFileSync(logFile).subarray(from).toString()
  // Whom it was free for a moment ago was not told that it was ours.
  if (options.port === undefined && isTaken(output)) return await launch(options, giveUpAt)
  throw failure(ended ?? 'it could not be started', output, port, stateFile)
}

function anvilArguments(options: LocalChainOptions, port: number): string[] {
  const { host = '127.0.0.1', chainId, timestamp, stateFile, noMining = false } = options
  const args = ['--quiet', `--host=${host}`, `--port=${port}`, `--chain-id=${chainId}`]
  if (noMining) args.push('--no-mining')
  if (stateFile !== undefined) {
    mkdirSync(dirname(resolve(stateFile)), { recursive: true })
    args.push(`--state=${resolve(stateFile)}`, `--state-interval=${stateIntervalSeconds}`)
  }
  // With a state, the option would set the time of the next block back to where the chain began.
  const isNew = stateFile === undefined || !existsSync(stateFile)
  if (isNew) args.push(`--timestamp=${timestamp}`)
  return args
}

/** The program itself, not the package's launcher, which would be a process between it and us. */
function binary(): string {
  const cpu = process.arch === 'x64' ? 'amd64' : process.arch
  const name = `@foundry-rs/anvil-${process.platform}-${cpu}`
  const suffix = process.platform === 'win32' ? '.exe' : ''
  try {
    const require = createRequire(import.meta.url)
    return join(dirname(require.resolve(`${name}/package.json`)), 'bin', `anvil${suffix}`)
  } catch {
    throw new DomainError(
      'unavailable',
      `no local chain comes with Gridcall for this machine (npm package ${name}): ` +
        'name a chain of your own in CHAIN_RPC_URL',
    )
  }
}

function isTaken(output: string): boolean {
  return /address already in use/i.test(output)
}

function failure(what: string, output: string, port: number, stateFile?: string): DomainError {
  if (isTaken(output)) return taken(port)
  if (/failed to parse json file/i.test(output)) {
    return new DomainError(
      'unavailable',
      `the local chain's state in ${stateFile} is damaged and cannot be read: put a copy back, ` +
        'or begin anew with an empty data folder',
    )
  }
  if (/no space left on device|disk quota exceeded/i.test(output)) {
    return noRoom(stateFile ?? 'its folder')
  }
  const lines = output.trim().split('\n').slice(-8).join('\n')
  return new DomainError('unavailable', `the local chain: ${what}\n${lines}`)
}

function noRoom(place: string): DomainError {
  const what = `no disk space left for the local chain in ${place}: free some and start again`
  return new DomainError('unavailable', what)
}

/** The wanted port, which another's chain may hold already, else any that is free. */
function freePort(host: string, wanted = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? taken(wanted) : error),
    )
    probe.listen({ port: wanted, host, exclusive: true }, () => {
      const address = probe.address()
      probe.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port)
        else reject(new DomainError('unavailable', `no free port on ${host}`))
      })
    })
  })
}

function taken(port: number): DomainError {
  return new DomainError('unavailable', `port ${port}, wanted for the local chain, is taken`)
}

/** The chain id that answers there; null if nothing does. */
async function chainIdAt(host: string, port: number): Promise<number | null> {
  try {
    const response = await fetch(`http://${host}:${port}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }),
      signal: AbortSignal.timeout(2_000),
    })
    const { result } = (await response.json()) as { result?: string }
    return result === undefined ? null : Number(result)
  } catch {
    return null // not up yet, or something else listens there
  }
}

async function untilAnswering(
  note: Note,
  host: string,
  timer: Timer,
  giveUpAt: number,
): Promise<number> {
  for (;;) {
    const found = await chainIdAt(host, note.port)
    if (found !== null) return found
    if (!isRunning(note) || timer.monotonicMs() > giveUpAt) {
      throw new DomainError('unavailable', `the local chain, process ${note.pid}, does not answer`)
    }
    await timer.sleep(pollMs)
  }
}

function chainOf(
  dataDir: string,
  note: Note,
  host: string,
  isReused: boolean,
  timer: Timer,
): LocalChain {
  const { pid, port } = note
  const stop = async () => {
    await end(note, timer)
    forget(dataDir)
  }
  return { url: `http://${host}:${port}`, pid, isReused, stop }
}

/** SIGINT lets it write its state. */
async function end(note: Note, timer: Timer): Promise<void> {
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    if (!isRunning(note)) return
    process.kill(note.pid, signal)
    const giveUpAt = timer.monotonicMs() + 10_000
    while (isRunning(note) && timer.monotonicMs() < giveUpAt) await timer.sleep(pollMs)
  }
  if (isRunning(note)) {
    throw new DomainError('unavailable', `the local chain, process ${note.pid}, does not end`)
  }
}

/** Stops the chain of a folder, if one runs, and deletes what it kept. */
export async function removeLocalChain(dataDir: string, timer: Timer): Promise<void> {
  const folder = resolve(dataDir)
  const note = readNote(folder)
  if (note !== null && 'port' in note) {
    await chainOf(folder, note, '127.0.0.1', true, timer).stop()
  }
  rmSync(folder, { recursive: true, force: true })
}
