import { hashTypedData, recoverAddress, size, slice } from 'viem'
import type { Address, Hex } from '#domain/ids.ts'
import type { TypedData } from '#domain/pool-messages.ts'

/** Half the order of secp256k1: the pool refuses the second, mirrored form of a signature. */
const S_MAX = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/**
 * Who signed; null unless it is a signature that the contracts take as well: 65 bytes, v 27 or
 * 28, s in the lower half (OpenZeppelin's ECDSA).
 */
export async function recoverSigner(data: TypedData, signature: Hex): Promise<Address | null> {
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature) || size(signature) !== 65) return null
  const v = Number(slice(signature, 64, 65))
  if ((v !== 27 && v !== 28) || BigInt(slice(signature, 32, 64)) > S_MAX) return null
  try {
    return await recoverAddress({ hash: hashTypedData(data), signature })
  } catch {
    return null // r or s is no number of the curve: nobody's signature
  }
}
