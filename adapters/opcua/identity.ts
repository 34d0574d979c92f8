import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { UserIdentityInfo } from 'node-opcua'
import type { ResourceId } from '#domain/ids.ts'
import type { ClientPki } from './certificates.ts'
import type { Opcua } from './library.ts'

/** As whom we act within the encrypted channel. */
export type UserKind = 'anonymous' | 'password' | 'certificate'

/** Why a battery cannot be asked for a session: something is missing on our side. */
export class IdentityMissing extends Error {}

/**
 * Where the name and password of the user at one battery stand: beside our own keys, mode 600, in a
 * file of the gateway that holds the connection. They are in no database and in no answer.
 */
export function userFile(pkiFolder: string, resourceId: string): string {
  return path.join(pkiFolder, 'users', `${encodeURIComponent(resourceId)}.json`)
}

/** @throws IdentityMissing where the user's name and password are not on this machine. */
export async function identityFor(
  opcua: Opcua,
  pki: ClientPki,
  kind: UserKind,
  resourceId: ResourceId,
): Promise<UserIdentityInfo> {
  const { UserTokenType } = opcua
  if (kind === 'anonymous') return { type: UserTokenType.Anonymous }
  if (kind === 'certificate') {
    const certificateData = new X509Certificate(pki.certificate.pem).raw
    const privateKey = await readFile(pki.privateKeyFile, 'utf8')
    return { type: UserTokenType.Certificate, certificateData, privateKey }
  }
  const file = userFile(pki.folder, resourceId)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw error
    throw new IdentityMissing(
      `expected a user and a password for ${resourceId}, got none: gridcall opcua user ${resourceId} NAME`,
    )
  }
  return { type: UserTokenType.UserName, ...parseUser(text, file) }
}

/** The file's text is never part of a message: it holds a password. */
function parseUser(text: string, file: string): { userName: string; password: string } {
  try {
    const { name, password } = JSON.parse(text) as { name?: unknown; password?: unknown }
    if (typeof name === 'string' && typeof password === 'string') {
      return { userName: name, password }
    }
  } catch {
    // said below in words that do not quote it
  }
  throw new IdentityMissing(`${file}: expected {"name", "password"}, got something else`)
}
