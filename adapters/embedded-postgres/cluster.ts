import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { DomainError } from '#domain/errors.ts'
import type { Log, Timer } from '#ports.ts'
import {
  type Account,
  folderOpenToAll,
  foldersOpenToAll,
  giveTo,
  isClosedTo,
  makePrivateFolder,
} from './account.ts'
import type { Binaries } from './binaries.ts'
import { serverFailure } from './failure.ts'

export const superuser = 'gridcall'

/** The major version of the binaries; a data folder of another one cannot be opened. */
const version = '18'

const accessName = 'gridcall-access.json'

/** In a folder outside of the data folder: whose data it holds. */
const originName = 'data-of'

const REMOVED_MEANWHILE = new Set(['ENOENT', 'ENOTDIR', 'ENOTEMPTY'])

/** What a client needs besides the host; the port is the last one used. */
export type Access = { readonly password: string; readonly port: number | null }

/** Where the data of `dataDir` lies: inside it, unless the server's account cannot enter there. */
export function clusterFolder(account: Account, dataDir: string): string {
  const isNew = !existsSync(dataDir)
  mkdirSync(dataDir, { recursive: true, mode: 0o711 })
  if (isNew) chmodSync(dataDir, 0o711)
  if (!isClosedTo(account, dataDir)) return join(realpathSync(dataDir), 'cluster')
  const origin = realpathSync(dataDir)
  const name = createHash('sha256').update(origin).digest('hex').slice(0, 16)
  const folder = folderOpenToAll(name)
  writeFileSync(join(folder, originName), origin)
  return join(folder, 'cluster')
}

/**
 * Removes data whose data folder was in the machine's folder for temporary files and is gone. Others
 * stay, because a folder that is not there may be on a disk that is not mounted.
 */
export function removeOrphans(isRunningIn: (cluster: string) => boolean): void {
  for (const folder of foldersOpenToAll()) {
    try {
      const list = join(folder, originName)
      const origin = existsSync(list) ? readFileSync(list, 'utf8') : null
      if (origin === null || !origin.startsWith(join(tmpdir(), '/')) || existsSync(origin)) continue
      if (!isRunningIn(join(folder, 'cluster'))) rmSync(folder, { recursive: true, force: true })
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (!REMOVED_MEANWHILE.has(code)) throw error // else another start removes it just now
    }
  }
}

export function readAccess(cluster: string): Access {
  return JSON.parse(readFileSync(join(cluster, accessName), 'utf8')) as Access
}

/** Replaced as a whole, so that a reader never sees half of it. */
export function writeAccess(account: Account, cluster: string, access: Access): void {
  const part = join(cluster, `${accessName}.${process.pid}.part`)
  writeFileSync(part, JSON.stringify(access), { mode: 0o600 })
  giveTo(account, part)
  renameSync(part, join(cluster, accessName))
}

/** What is left of a folder that was being made, or lost a part, is kept for a person to look at. */
function setHalfMadeAside(cluster: string, log: Log): void {
  const parts = ['PG_VERSION', join('global', 'pg_control'), accessName]
  if (!existsSync(cluster) || parts.every((part) => existsSync(join(cluster, part)))) return
  let aside = `${cluster}.half-made`
  for (let number = 2; existsSync(aside); number += 1) aside = `${cluster}.half-made-${number}`
  renameSync(cluster, aside)
  log.warn(`the database folder ${cluster} was only half made; it was moved to ${aside}`)
}

/** Leftovers of starts that were killed while they made a folder. */
function removeAbandonedParts(cluster: string): void {
  const prefix = `${basename(cluster)}.new-`
  for (const name of readdirSync(dirname(cluster))) {
    if (!name.startsWith(prefix)) continue
    const pid = Number.parseInt(name.slice(prefix.length), 10)
    if (pid === process.pid) continue
    try {
      process.kill(pid, 0)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') continue
      rmSync(join(dirname(cluster), name), { recursive: true, force: true })
    }
  }
}

/** Makes the data folder where there is none that is whole. @throws DomainError 'unavailable' */
export async function ensureCluster(options: {
  readonly account: Account
  readonly binaries: Binaries
  readonly cluster: string
  readonly log: Log
  readonly timer: Timer
  readonly deadlineMs: number
  /** False for data that nobody misses after a crash of the machine. */
  readonly isDurable: boolean
}): Promise<void> {
  const { account, binaries, cluster, log, timer, deadlineMs, isDurable } = options
  setHalfMadeAside(cluster, log)
  if (existsSync(cluster)) {
    const found = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim()
    if (found === version) return
    throw new DomainError(
      'unavailable',
      `${cluster} was made by PostgreSQL ${found} and this is PostgreSQL ${version}: ` +
        'move the data over with pg_dump, or name another folder',
    )
  }
  removeAbandonedParts(cluster)
  const part = `${cluster}.new-${process.pid}-${randomBytes(4).toString('hex')}`
  makePrivateFolder(part, account)
  const passwordFile = `${part}-password`
  const password = randomBytes(24).toString('hex')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  giveTo(account, passwordFile)
  const tooLate = new AbortController()
  try {
    const args = initdbArguments(part, passwordFile, isDurable)
    const making = runInitdb(account, binaries, args, dirname(cluster), tooLate.signal)
    await timer.deadline(making, deadlineMs, `making the database folder ${cluster}`)
    writeAccess(account, part, { password, port: null })
    renameSync(part, cluster)
  } catch (error) {
    tooLate.abort()
    rmSync(part, { recursive: true, force: true })
    const code = (error as NodeJS.ErrnoException).code
    const isMadeByAnother = code === 'ENOTEMPTY' || code === 'EEXIST'
    if (!isMadeByAnother) throw error
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

/** The built-in locale is the same on every machine, also on one that has no locales at all. */
function initdbArguments(folder: string, passwordFile: string, isDurable: boolean): string[] {
  return [
    `--pgdata=${folder}`,
    `--username=${superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...(isDurable ? [] : ['--no-sync']),
  ]
}

function runInitdb(
  account: Account,
  { initdb }: Binaries,
  args: string[],
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(initdb, args, {
      ...account,
      cwd: dirname(initdb),
      env: serverEnvironment(),
      signal,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(serverFailure(`initdb ended with ${code}`, output, folder))
    })
  })
}

/** Nothing of the caller's environment but where programs are: no locale, no PG… variables. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TMPDIR } = process.env
  const kept = Object.entries({ PATH, SystemRoot, TMPDIR }).filter(([, value]) => value)
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' }
}
