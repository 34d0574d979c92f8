import crypto, { createSecretKey, type KeyObject } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

/**
 * For a process that only makes load: Node takes a key that comes as bytes four times as slowly as
 * one that it knows already, and the OPC UA library has bytes only. Here the bytes of a channel are
 * made a key once. Never in the process that is measured.
 */
export function rememberKeys(): void {
  const known = new WeakMap<Buffer, KeyObject>()
  const keyOf = <T>(key: T): T | KeyObject => {
    if (!Buffer.isBuffer(key)) return key
    const made = known.get(key) ?? createSecretKey(key)
    known.set(key, made)
    return made
  }
  const { createHmac, createCipheriv, createDecipheriv } = crypto
  crypto.createHmac = (algorithm, key, options) => createHmac(algorithm, keyOf(key), options)
  const withKey = (make: typeof createCipheriv | typeof createDecipheriv) =>
    ((algorithm: 'aes-256-cbc', key: Buffer, iv: Buffer) =>
      make(algorithm, keyOf(key), iv)) as never
  crypto.createCipheriv = withKey(createCipheriv)
  crypto.createDecipheriv = withKey(createDecipheriv)
  syncBuiltinESMExports()
}
