import { statfsSync } from 'node:fs'
import { DomainError } from '#domain/errors.ts'

const diskFull =
  /no space left on device|disk quota exceeded|check free disk space|wrote only \d+ of \d+ bytes/i

/** Less than PostgreSQL's smallest step: its log may be empty because it could not be written. */
const noRoomBytes = 16e6

/** One sentence for what the server's programs print when they fail. */
export function serverFailure(what: string, output: string, folder: string): DomainError {
  const { bavail, bsize } = statfsSync(folder)
  if (diskFull.test(output) || bavail * bsize < noRoomBytes) return noRoom(folder)
  const lines = output.trim().split('\n').slice(-8).join('\n')
  return new DomainError('unavailable', `the embedded PostgreSQL: ${what}\n${lines}`)
}

/** The same for what the file system refuses us; other errors stay what they are. */
export function fileFailure(error: unknown, folder: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') return noRoom(folder)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const why = `the embedded PostgreSQL needs ${folder} to be writable for this account`
    return new DomainError('unavailable', `${why}: ${message}`)
  }
  return error
}

function noRoom(folder: string): DomainError {
  return new DomainError(
    'unavailable',
    `no disk space left for the embedded PostgreSQL in ${folder}: about 150 MB are needed; ` +
      'free some and start again',
  )
}
