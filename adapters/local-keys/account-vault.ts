import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { chmod, link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { BankAccount, SealedAccount } from '#domain/bank-account.ts'
import { DomainError } from '#domain/errors.ts'
import type { AccountVault } from '#ports.ts'

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
/** NIST SP 800-38D, 8.2: 96 bits; each data key seals once, so that no nonce comes twice. */
const NONCE_BYTES = 12
const TAG_BYTES = 16

type WrappingKey = { readonly id: string; readonly bytes: Buffer }

/**
 * The vault whose keys lie in a file of their own: a line per key, its id and 32 bytes in base64,
 * the newest first. `mayMake`: nothing is sealed yet, so a missing file is a first start.
 * @throws Error with one sentence for a file that is missing, unreadable or lacks a needed key
 */
export async function openAccountVault(options: {
  readonly file: string
  readonly mayMake: boolean
  /** Ids of the keys under which something is sealed. */
  readonly needed?: readonly string[]
}): Promise<AccountVault> {
  const { file, mayMake, needed = [] } = options
  const text = (await readIfThere(file)) ?? (mayMake ? await makeFile(file) : null)
  if (text === null) {
    throw new Error(
      `${file} is missing, and bank accounts in this database are sealed under the key in it: ` +
        'put that file back, or name it in GRIDCALL_IBAN_KEY',
    )
  }
  const keys = readKeys(file, text)
  const lacking = needed.find((id) => !keys.some((key) => key.id === id))
  if (lacking !== undefined) {
    throw new Error(
      `${file} does not hold key ${lacking}, under which bank accounts in this database are ` +
        'sealed: put the file back that belongs to this database',
    )
  }
  return vaultOf(file, keys)
}

/** For processes that never touch a bank account: they need no key, and read nothing. */
export function createClosedVault(): AccountVault {
  const refuse = (): never => {
    throw new DomainError('unavailable', 'this process has no key to bank accounts; the API has')
  }
  return {
    keyId: refuse,
    seal: refuse,
    open: refuse,
    rewrap: refuse,
    addKey: async () => refuse(),
    dropOldKeys: async () => refuse(),
  }
}

function vaultOf(file: string, keys: WrappingKey[]): AccountVault {
  const newest = () => keys[0] as WrappingKey // readKeys refuses an empty file
  const dataKeyOf = (account: SealedAccount): Buffer => {
    const { keyId, wrappedKey } = account
    if (wrappedKey === null) throw refused('the account was erased: its key is destroyed')
    const key = keys.find(({ id }) => id === keyId)
    if (key === undefined) throw refused(`it is sealed under key ${keyId}, which is not in ${file}`)
    return decrypt(key.bytes, wrappedKey, placeOf(account), `key ${keyId} does not fit`)
  }
  const wrap = (place: string, dataKey: Buffer) => ({
    keyId: newest().id,
    wrappedKey: encrypt(newest().bytes, dataKey, place),
  })
  return {
    keyId: () => newest().id,
    seal(place, account) {
      const dataKey = randomBytes(KEY_BYTES)
      const text = Buffer.from(JSON.stringify([account.iban, account.name]))
      return {
        ...wrap(placeOf(place), dataKey),
        sealed: encrypt(dataKey, text, placeOf(place)),
      }
    },
    open(account) {
      const dataKey = dataKeyOf(account)
      const bytes = decrypt(dataKey, account.sealed, placeOf(account), 'it was changed')
      const [iban, name] = JSON.parse(bytes.toString()) as [BankAccount['iban'], string | null]
      return { iban, name }
    },
    rewrap: (account) => ({ ...account, ...wrap(placeOf(account), dataKeyOf(account)) }),
    async addKey() {
      const key = makeKey()
      await replaceFile(file, [key, ...keys])
      keys.unshift(key)
      return key.id
    },
    async dropOldKeys() {
      await replaceFile(file, [newest()])
      keys.splice(1)
    },
  }
}

/** A sealed text fits its own place only: a row copied to another holder does not open. */
function placeOf({ holder, version }: Pick<SealedAccount, 'holder' | 'version'>): string {
  return `${holder} ${version}`
}

function encrypt(key: Buffer, plain: Buffer, place: string): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(place))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
}

function decrypt(key: Buffer, text: string, place: string, otherwise: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  const nonce = bytes.subarray(0, NONCE_BYTES)
  const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.from(place)).setAuthTag(tag)
    const body = bytes.subarray(NONCE_BYTES + TAG_BYTES)
    return Buffer.concat([decipher.update(body), decipher.final()])
  } catch {
    throw refused(otherwise) // what Node says of a wrong tag helps nobody
  }
}

function refused(why: string): DomainError {
  return new DomainError('unavailable', `a bank account cannot be read: ${why}`)
}

function makeKey(): WrappingKey {
  const bytes = randomBytes(KEY_BYTES)
  return { id: idOf(bytes), bytes }
}

function idOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 12)
}

function readKeys(file: string, text: string): WrappingKey[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const keys = lines.map((line) => {
    const [id = '', base64 = ''] = line.trim().split(/\s+/)
    return { id, bytes: Buffer.from(base64, 'base64') }
  })
  const isWhole = keys.every(({ id, bytes }) => bytes.length === KEY_BYTES && idOf(bytes) === id)
  if (keys.length === 0 || !isWhole) {
    throw new Error(`${file}: expected a line per key, its id and 32 bytes in base64`)
  }
  return keys
}

function writeKeys(keys: readonly WrappingKey[]): string {
  return keys.map(({ id, bytes }) => `${id} ${bytes.toString('base64')}\n`).join('')
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    const text = await readFile(file, 'utf8')
    await chmod(file, 0o600) // a copy or a backup may have opened it to others
    return text
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Of two processes that make it at once, one wins and both get its key. */
async function makeFile(file: string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  const text = writeKeys([makeKey()])
  const aside = await writeAside(file, text)
  try {
    await link(aside, file)
    return text
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return await readFile(file, 'utf8')
    throw error
  } finally {
    await rm(aside, { force: true })
  }
}

/** As a whole: a crash leaves the old keys or the new ones. */
async function replaceFile(file: string, keys: readonly WrappingKey[]): Promise<void> {
  await rename(await writeAside(file, writeKeys(keys)), file)
}

async function writeAside(file: string, text: string): Promise<string> {
  const aside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  const handle = await open(aside, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return aside
}
