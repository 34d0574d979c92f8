import { privateKeyToAccount } from 'viem/accounts'
import type { Hex } from '#domain/ids.ts'
import { type PoolDomain, epochTypedData, settlementTypedData } from '#domain/pool-messages.ts'
import type { Attestor } from '#ports.ts'

/** A verifier's key, bound to one pool on one chain: a signature is worth nothing elsewhere. */
export function createAttestor(privateKey: Hex, domain: PoolDomain): Attestor {
  const account = privateKeyToAccount(privateKey)
  return {
    address: account.address,
    signSettlement: (statement) => account.signTypedData(settlementTypedData(domain, statement)),
    signEpoch: (statement) => account.signTypedData(epochTypedData(domain, statement)),
  }
}
