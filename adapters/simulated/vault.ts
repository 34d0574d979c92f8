import type { BankAccount } from '#domain/bank-account.ts'
import { bytesOf, hashOf } from '#domain/canonical.ts'
import { DomainError } from '#domain/errors.ts'
import type { Hex } from '#domain/ids.ts'
import type { AccountVault } from '#ports.ts'

/** The vault of the simulated world: arithmetic in place of a cipher; no key outlives it. */
export function createSimulatedVault(): AccountVault {
  const keyIds = ['simulated-1']
  let made = 1
  let sealed = 0
  const keyId = () => keyIds[0] as string
  return {
    keyId,
    seal(place, { iban, name }) {
      const wrappedKey = hashOf({ ...place, number: (sealed += 1) })
      const plain = new TextEncoder().encode(JSON.stringify([iban, name]))
      return { keyId: keyId(), wrappedKey, sealed: toHex(mix(wrappedKey, plain)) }
    },
    open(account) {
      const { wrappedKey, keyId: under } = account
      if (wrappedKey === null || !keyIds.includes(under)) {
        throw new DomainError('unavailable', 'a bank account cannot be read: its key is gone')
      }
      const plain = mix(wrappedKey as Hex, bytesOf(account.sealed as Hex))
      const text = new TextDecoder().decode(plain)
      const [iban, name] = JSON.parse(text) as [BankAccount['iban'], string | null]
      return { iban, name }
    },
    rewrap: (account) => ({ ...account, keyId: keyId() }),
    async addKey() {
      keyIds.unshift(`simulated-${(made += 1)}`)
      return keyId()
    },
    async dropOldKeys() {
      keyIds.splice(1)
    },
  }
}

function mix(key: Hex, bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => {
    const block = bytesOf(hashOf([key, Math.floor(i / 32)]))
    return byte ^ (block[i % 32] ?? 0)
  })
}

function toHex(bytes: Uint8Array): Hex {
  return `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
