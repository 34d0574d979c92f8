import { join } from 'node:path'
import { fileSigner } from '#adapters/evm/file-signer.ts'
import { makeOrLoadKey } from '#adapters/evm/keys.ts'
import { createKmsSigner } from '#adapters/kms/kms-signer.ts'
import type { Log, Timer, TransactionSigner } from '#ports.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Who signs the relayer's transactions: the KMS that is named in the environment, else a key in a
 * file, which is warned of wherever money is not play money. @throws Error with one sentence
 */
export async function openRelayerSigner(options: {
  readonly environment: Environment
  readonly dataDir: string
  readonly isLocalChain: boolean
  readonly timer: Timer
  readonly wallMs: () => number
  readonly log: Log
}): Promise<TransactionSigner> {
  const { environment, dataDir, isLocalChain, log, ...rest } = options
  const keyId = environment['GRIDCALL_KMS_KEY'] ?? ''
  if (keyId !== '') return createKmsSigner({ ...kmsSettings(environment), ...rest, keyId })
  const relayer = await makeOrLoadKey(join(dataDir, 'keys'), 'relayer')
  if (!isLocalChain) {
    log.warn(
      "DEVELOPMENT KEY: the relayer's key lies unprotected in a file of the data folder, and the " +
        'chain is not a local one. Name a key of a KMS in GRIDCALL_KMS_KEY.',
      { relayer: relayer.address },
    )
  }
  return fileSigner(relayer.privateKey)
}

function kmsSettings(environment: Environment) {
  const region = environment['GRIDCALL_KMS_REGION'] ?? ''
  if (region === '') {
    throw new Error('GRIDCALL_KMS_REGION: expected the region of GRIDCALL_KMS_KEY, got none')
  }
  const url = environment['GRIDCALL_KMS_URL'] ?? `https://kms.${region}.amazonaws.com`
  const accessKeyId = environment['AWS_ACCESS_KEY_ID']
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY']
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new Error('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: expected both or none, got one')
  }
  const sessionToken = environment['AWS_SESSION_TOKEN']
  const session = sessionToken === undefined ? {} : { sessionToken }
  const isGiven = accessKeyId !== undefined && secretAccessKey !== undefined
  const credentials = isGiven ? { accessKeyId, secretAccessKey, ...session } : null
  return { region, url, credentials }
}
