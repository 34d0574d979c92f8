import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { chmod, link, mkdir, open, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Signer, VerifySignature } from '#ports.ts'
import { type Hex, hex } from '#domain/ids.ts'

/** DER of an Ed25519 public key is this, then the 32 bytes of the key (RFC 8410, 4). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex')
const publicKeyBytes = 32
const signatureBytes = 64

/**
 * The Ed25519 key `name` of a folder. Made at the first call (PKCS#8 PEM, mode 600, folder 700) and
 * found again ever after; of two processes that make it at once, one wins and both get its key.
 * @throws Error naming the file if it holds anything else than an Ed25519 private key.
 */
export async function openSigner(folder: string, name: string): Promise<Signer> {
  const file = path.join(folder, `${name}.key.pem`)
  const privateKey = readKey(file, (await readIfThere(file)) ?? (await makeKey(folder, file)))
  const publicKey = rawPublicKey(createPublicKey(privateKey))
  return {
    publicKey,
    sign: (hash) => toHex(sign(null, bytesOf(hash), privateKey)),
  }
}

/**
 * Is this an Ed25519 signature of the bytes of `hash` by the key? Malformed keys and signatures are
 * no signature: the answer is false, whatever a party sends.
 */
export const verifyEd25519: VerifySignature = (publicKey, hash, signature) => {
  const raw = asBytes(publicKey, publicKeyBytes)
  const signed = asBytes(signature, signatureBytes)
  const message = asBytes(hash)
  if (!raw || !signed || !message) return false
  const der = Buffer.concat([spkiPrefix, raw])
  return verify(null, message, createPublicKey({ key: der, format: 'der', type: 'spki' }), signed)
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    const pem = await readFile(file, 'utf8')
    await chmod(file, 0o600) // a copy or a backup may have opened it to others
    return pem
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Written aside, made durable and then linked: a crash leaves a whole key or none. */
async function makeKey(folder: string, file: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const aside = `${file}.${process.pid}.${rawPublicKey(createPublicKey(privateKey)).slice(2, 18)}`
  const handle = await open(aside, 'wx', 0o600)
  try {
    await handle.writeFile(pem)
    await handle.sync()
  } finally {
    await handle.close()
  }
  try {
    await link(aside, file)
    return pem
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return await readFile(file, 'utf8')
    throw error
  } finally {
    await rm(aside, { force: true })
  }
}

function readKey(file: string, pem: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (cause) {
    throw new Error(`${file}: expected an Ed25519 private key in PEM`, { cause })
  }
  if (key.asymmetricKeyType === 'ed25519') return key
  throw new Error(`${file}: expected an Ed25519 private key, got ${key.asymmetricKeyType}`)
}

function rawPublicKey(key: KeyObject): Hex {
  return toHex(key.export({ format: 'der', type: 'spki' }).subarray(spkiPrefix.length))
}

function toHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes).toString('hex')}`
}

function bytesOf(value: Hex): Buffer {
  return Buffer.from(hex(value).slice(2), 'hex')
}

function asBytes(value: string, length?: number): Buffer | null {
  if (!/^0x([0-9a-fA-F]{2})*$/.test(value)) return null
  const bytes = Buffer.from(value.slice(2), 'hex')
  return length === undefined || bytes.length === length ? bytes : null
}
