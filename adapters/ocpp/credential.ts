import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** 2.1 part 4: at most 48 characters, no colon (it ends the user name in HTTP Basic). */
const IDENTITY = /^[^:\u0000-\u001f]{1,48}$/

/** The identity in `/ocpp/<identity>`; null for any other path. */
export function identityOfPath(url: string | undefined): string | null {
  const path = (url ?? '').split('?', 1)[0] ?? ''
  const match = /^\/ocpp\/([^/]+)$/.exec(path)
  if (match?.[1] === undefined) return null
  try {
    return decodeURIComponent(match[1])
  } catch {
    return null
  }
}

// Stands in for passwords that do not exist, so that the same work is done for every identity.
const NOBODY = randomBytes(32)
/** As many comparisons are made at least: the connectors of most stations. */
const PLACES = 4

/**
 * The hash of the password by which the Authorization header proves to be this identity; null: it
 * does not. The same work is done for an unknown
 * identity (no hashes), a missing header and a wrong password. The password may come as the 40 hex
 * digits that were shown or as the 20 raw bytes they stand for (1.6 security whitepaper).
 */
export function provedBy(
  identity: string,
  authorization: string | undefined,
  passwordSha256: readonly string[],
): string | null {
  const match = /^Basic ([A-Za-z0-9+/=]{1,400})$/i.exec(authorization ?? '')
  const header = Buffer.from(match?.[1] ?? '', 'base64')
  const user = Buffer.from(`${identity}:`)
  const sameUser = header.subarray(0, user.length).equals(user)
  const password = header.subarray(user.length)
  const asText = sha256(password)
  const asBytes = sha256(Buffer.from(password.toString('hex')))
  const stored = passwordSha256.map((text) => Buffer.from(text, 'hex'))
  while (stored.length < PLACES) stored.push(NOBODY)
  let proved: string | null = null
  for (const hash of stored) {
    if (hash.length !== 32) continue
    const one = timingSafeEqual(asText, hash)
    const other = timingSafeEqual(asBytes, hash)
    if ((one || other) && hash !== NOBODY) proved = hash.toString('hex')
  }
  return sameUser && match !== null && IDENTITY.test(identity) ? proved : null
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
