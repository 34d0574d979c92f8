import { chmod, link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import type { Address, Hex } from '#domain/ids.ts'

export type PartyKey = { readonly address: Address; readonly privateKey: Hex }

/**
 * The secp256k1 key of one party, made the first time it is asked for and kept in a file that
 * only its owner may read. Two processes that ask at once get the same key.
 * @throws Error if the file is open to others or holds anything but a key
 */
export async function makeOrLoadKey(folder: string, name: string): Promise<PartyKey> {
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name)) {
    throw new RangeError(`a key's name must be small letters, digits and '-', got '${name}'`)
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, `${name}.key`)
  return (await readKey(file)) ?? (await makeKey(file))
}

/** The key in a file that only its owner may read. @throws Error otherwise */
export async function loadKey(file: string): Promise<PartyKey> {
  const key = await readKey(file)
  if (key === null) throw new Error(`expected a key file at ${file}, but there is none`)
  return key
}

async function readKey(file: string): Promise<PartyKey | null> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (found === null) return null
  // Windows has no such bits and reports 666 for every file.
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
    const mode = (found.mode & 0o777).toString(8)
    throw new Error(`a key file must have mode 600, but ${file} has mode ${mode}`)
  }
  const text = (await readFile(file, 'utf8')).trim()
  if (!/^0x[0-9a-f]{64}$/.test(text)) {
    throw new Error(`a key file must hold 0x and 64 hexadecimal digits, but ${file} does not`)
  }
  return partyKey(text as Hex)
}

/** Written whole beside its place and then linked there, which fails if another was faster. */
async function makeKey(file: string): Promise<PartyKey> {
  const privateKey = generatePrivateKey()
  const part = `${file}.${process.pid}.${privateKeyToAccount(privateKey).address.slice(2, 10)}`
  await writeFile(part, `${privateKey}\n`, { mode: 0o600, flag: 'wx' })
  await chmod(part, 0o600)
  try {
    await link(part, file)
    return partyKey(privateKey)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const first = await readKey(file)
    if (first === null) throw error
    return first
  } finally {
    await rm(part, { force: true })
  }
}

function partyKey(privateKey: Hex): PartyKey {
  return { address: privateKeyToAccount(privateKey).address, privateKey }
}
