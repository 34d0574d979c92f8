import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DomainError } from '#domain/errors.ts'
import type { Timer } from '#ports.ts'

const POLL_MS = 100
/** A service that was told to end has let go of its devices and servers by then. */
const PATIENCE_MS = 30_000
/** A note that cannot be read for so long is not being written: its writer was cut off. */
const UNREADABLE_LOOKS = 20

/** Who holds the folder; what the machine counts tells a process from a later one of its number. */
type Holder = {
  readonly pid: number
  readonly startTicks: string | null
  /** It was told to end and is about to. */
  readonly isEnding: boolean
}

export type HeldFolder = {
  /** Whoever comes next waits for us from now on, instead of being refused. */
  ending(): void
}

/**
 * One service per data folder, until its process is gone: another one would find the servers of
 * the first running, and lose them when the first ends. Waits for one that is ending.
 * @throws DomainError 'unavailable' with a sentence for the operator
 */
export async function holdDataFolder(options: {
  readonly dataDir: string
  readonly timer: Timer
}): Promise<HeldFolder> {
  const { dataDir, timer } = options
  const file = join(dataDir, 'service.json')
  const giveUpAt = timer.monotonicMs() + PATIENCE_MS
  let unreadable = 0
  while (!claim(dataDir, file)) {
    const holder = readHolder(file)
    unreadable = holder === null ? unreadable + 1 : 0
    if (holder === null ? unreadable > UNREADABLE_LOOKS : !isAlive(holder)) {
      rmSync(file, { force: true })
    } else if (holder !== null && (!holder.isEnding || timer.monotonicMs() > giveUpAt)) {
      const who = `process ${holder.pid} runs Gridcall on ${dataDir}`
      throw new DomainError('unavailable', `${who}: end it first, or set GRIDCALL_DATA_DIR`)
    } else {
      await timer.sleep(POLL_MS)
    }
  }
  return { ending: () => replace(file, ourselves(true)) }
}

function ourselves(isEnding: boolean): Holder {
  return { pid: process.pid, startTicks: startTicksOf(process.pid), isEnding }
}

function claim(dataDir: string, file: string): boolean {
  try {
    // Others may pass through: as root the database runs under another account.
    mkdirSync(dataDir, { recursive: true, mode: 0o711 })
    writeFileSync(file, JSON.stringify(ourselves(false)), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    const { code, path, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && path === file) return false
    throw new DomainError('unavailable', `the data folder cannot be written: ${message}`)
  }
}

/** As a whole, so that a reader never sees half of it. */
function replace(file: string, holder: Holder): void {
  const part = `${file}.${holder.pid}.part`
  try {
    writeFileSync(part, JSON.stringify(holder), { mode: 0o600 })
    renameSync(part, file)
  } catch (error) {
    // The whole folder was removed: nobody comes next.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** null where there is none, or one that is just being written. */
function readHolder(file: string): Holder | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder
  } catch (error) {
    const isHalfWritten = error instanceof SyntaxError
    if (isHalfWritten || (error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function isAlive({ pid, startTicks }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return startTicks === null || startTicksOf(pid) === startTicks
}

/** Linux counts when a process began; null elsewhere, and for one that has ended. */
function startTicksOf(pid: number): string | null {
  if (process.platform !== 'linux') return null
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // from the state on, field 3
    return /^[ZX]$/.test(fields[0] ?? '') ? null : (fields[19] ?? null)
  } catch {
    return null // gone between two looks
  }
}
