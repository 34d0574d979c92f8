import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DomainError } from '#domain/errors.ts'

/** Whom the server runs as; null for the account that we run as. */
export type Account = { readonly uid: number; readonly gid: number } | null

/** PostgreSQL refuses to run as root, so root lends it the account that owns nothing. */
const nobody = { uid: 65534, gid: 65534 }

/** Local folder that every account can enter, and that survives a restart of the machine. */
const openFolder = '/var/tmp'

export function serverAccount(): Account {
  return process.getuid?.() === 0 ? nobody : null
}

/** True if a folder on the way to `path` lets the account not through. */
export function isClosedTo(account: Account, path: string): boolean {
  if (account === null) return false
  for (let folder = realpathSync(path); ; folder = dirname(folder)) {
    const { uid, gid, mode } = statSync(folder)
    const enter = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if ((mode & enter) === 0) return true
    if (folder === dirname(folder)) return false
  }
}

/**
 * A folder of ours where any account can enter. The name can be foreseen, so what is there must be
 * ours already. @throws DomainError 'unavailable' if somebody else made it
 */
export function folderOpenToAll(name: string): string {
  const folder = join(realpathSync(openFolder), `gridcall-${name}`)
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  const entry = lstatSync(folder)
  const isOurs = entry.isDirectory() && entry.uid === process.getuid?.()
  if (!isOurs || (entry.mode & 0o022) !== 0) {
    throw new DomainError(
      'unavailable',
      `${folder} should be a folder that only this account writes to; remove it and start again`,
    )
  }
  chmodSync(folder, 0o711) // the mask of modes may have closed it
  return folder
}

/** All such folders that are this account's. */
export function foldersOpenToAll(): string[] {
  const parent = realpathSync(openFolder)
  return readdirSync(parent)
    .filter((name) => name.startsWith('gridcall-'))
    .map((name) => join(parent, name))
    .filter((folder) => lstatSync(folder, { throwIfNoEntry: false })?.uid === process.getuid?.())
}

/** An empty folder that belongs to the account and to nobody else. */
export function makePrivateFolder(path: string, account: Account): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  giveTo(account, path)
}

export function giveTo(account: Account, path: string): void {
  if (account !== null) chownSync(path, account.uid, account.gid)
}
