import { privateKeyToAccount } from 'viem/accounts'
import type { Hex } from '#domain/ids.ts'
import type { Attestor } from '#ports.ts'
import { epochTypedData, settlementTypedData } from './typed-data.ts'
import type { PoolDomain } from './wire.ts'

/** A verifier's key, bound to one pool on one chain: a signature is worth nothing elsewhere. */
export function createAttestor(privateKey: Hex, domain: PoolDomain): Attestor {
  const account = privateKeyToAccount(privateKey)
  return {
    address: account.address,
    signSettlement: (statement) => account.signTypedData(settlementTypedData(domain, statement)),
    signEpoch: (statement) => account.signTypedData(epochTypedData(domain, statement)),
  }
}
