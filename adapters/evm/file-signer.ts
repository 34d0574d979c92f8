import { privateKeyToAddress, sign } from 'viem/accounts'
import type { Hex } from '#domain/ids.ts'
import type { TransactionSigner } from '#ports.ts'

/** A key that lies in this process: for development and play money (keys.ts keeps the file). */
export function fileSigner(privateKey: Hex): TransactionSigner {
  return {
    address: privateKeyToAddress(privateKey),
    signDigest: (hash) => sign({ hash, privateKey, to: 'hex' }),
  }
}
