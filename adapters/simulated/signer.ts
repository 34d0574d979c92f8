import { hashOf } from '#domain/canonical.ts'
import type { Hex } from '#domain/ids.ts'
import type { Signer, VerifySignature } from '#ports.ts'

/** A gateway's signature in the simulated world: a hash that names the key. */
export function createSimulatedSigner(name: string): Signer {
  const publicKey = hashOf({ gateway: name })
  return { publicKey, sign: (hash: Hex) => hashOf({ publicKey, hash }) }
}

export const verifySimulatedSignature: VerifySignature = (publicKey, hash, signature) =>
  signature === hashOf({ publicKey, hash })
