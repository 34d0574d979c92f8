import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createClosedVault, openAccountVault } from '#adapters/local-keys/account-vault.ts'
import { type BankAccount, ownerAccount, type SealedAccount } from '#domain/bank-account.ts'
import { parseIban } from '#domain/iban.ts'
import { ownerId } from '#domain/ids.ts'
import { instant } from '#domain/time.ts'
import type { AccountVault } from '#ports.ts'

const ACCOUNT: BankAccount = { iban: parseIban('DE89370400440532013000', 'iban'), name: 'Änne B' }

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vault-'))
  file = path.join(folder, 'keys', 'iban.key')
})
afterEach(() => rm(folder, { recursive: true }))

const open = (needed: string[] = []) => openAccountVault({ file, mayMake: true, needed })
const sealedBy = (vault: AccountVault, id = 'anna', version = 1): SealedAccount => {
  const place = { holder: ownerAccount(ownerId(id)), version }
  return { ...place, ...vault.seal(place, ACCOUNT), from: instant(0), refused: null }
}

describe('the vault of bank accounts', () => {
  test('a missing file is one sentence where something is sealed already', async () => {
    const opening = openAccountVault({ file, mayMake: false })
    await expect(opening).rejects.toThrow(/iban.key is missing, and .* put that file back/)
    await expect(stat(file)).rejects.toThrow('ENOENT')
  })

  test('a file with another key is one sentence that names the lacking key', async () => {
    await open()
    await expect(open(['0123456789ab'])).rejects.toThrow(/does not hold key 0123456789ab/)
  })

  test.each(['', 'nonsense', 'aaaaaaaaaaaa AAAA'])(
    'a file that holds %j is refused',
    async (text) => {
      await open()
      await writeFile(file, text)
      await expect(open()).rejects.toThrow('expected a line per key, its id and 32 bytes in base64')
    },
  )

  test('the file is made at the first start for nobody else, and found again', async () => {
    const made = await open()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await chmod(file, 0o644) // as after a careless copy
    const again = await open([made.keyId()])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(again.open(sealedBy(made))).toEqual(ACCOUNT)
  })

  test('of two processes that make the file at once both use the same key', async () => {
    const [one, other] = await Promise.all([open(), open()])
    expect(other.open(sealedBy(one))).toEqual(ACCOUNT)
  })

  test('what is sealed shows nothing and is different each time', async () => {
    const vault = await open()
    const [one, other] = [sealedBy(vault), sealedBy(vault)]
    expect(one.sealed).not.toBe(other.sealed)
    const shown = JSON.stringify([one, other].map((row) => Buffer.from(row.sealed, 'base64')))
    expect(shown + JSON.stringify(one)).not.toContain(ACCOUNT.iban)
  })

  test('an erased, a changed and a moved account do not open, and say no more than that', async () => {
    const vault = await open()
    const account = sealedBy(vault)
    const changed = `${account.sealed.slice(0, -4)}AAA=`
    const another = await openAccountVault({ file: path.join(folder, 'other.key'), mayMake: true })
    expect(() => vault.open({ ...account, wrappedKey: null })).toThrow(/erased: its key is destr/)
    expect(() => vault.open({ ...account, sealed: changed })).toThrow(/it was changed/)
    expect(() => vault.open({ ...account, version: 2 })).toThrow(/does not fit/)
    expect(() => another.open(account)).toThrow(
      `sealed under key ${vault.keyId()}, which is not in`,
    )
    expect(() => createClosedVault().open(account)).toThrow('this process has no key')
  })

  test('after a rotation the old rows still open until all are wrapped anew', async () => {
    const vault = await open()
    const old = sealedBy(vault)
    const newKey = await vault.addKey()
    expect(vault.keyId()).toBe(newKey)
    const half = await open([old.keyId, newKey]) // another start in between
    expect(half.open(old)).toEqual(ACCOUNT)
    const wrapped = vault.rewrap(old)
    expect(wrapped).toMatchObject({ keyId: newKey, sealed: old.sealed })
    await vault.dropOldKeys()
    expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(1)
    expect((await open([newKey])).open(wrapped)).toEqual(ACCOUNT)
    expect(() => vault.open(old)).toThrow(`sealed under key ${old.keyId}`)
  })
})
