import { readFile, rename, writeFile } from 'node:fs/promises'
import type { Address, Hex } from '#domain/ids.ts'
import type { ChainIdentity } from '#ports.ts'

const FORMAT = 'gridcall-chain/1'

const contractNames = [
  'token',
  'authority',
  'registry',
  'implementation',
  'factory',
  'pool',
] as const
export type ContractName = (typeof contractNames)[number]

/** What stands on a chain for one programme, as `chain deploy` writes it and `start` reads it. */
export type Manifest = {
  readonly format: typeof FORMAT
  readonly identity: ChainIdentity
  readonly programme: string
  readonly contracts: Readonly<
    Record<ContractName, { readonly address: Address; readonly codeHash: Hex }>
  >
  /** What the pool was created with: seconds, 1/10,000; roles and micro-EUR as decimal text. */
  readonly config: {
    readonly arbiter: Address
    readonly disputeWindowSeconds: number
    readonly epochWindowSeconds: number
    readonly refundGraceSeconds: number
    readonly heldWindowSeconds: number
    readonly outflowBps: number
    readonly payerRole: string
    readonly guardianRole: string
    readonly challengeBond: string
  }
  readonly verifiers: readonly Address[]
  readonly quorum: number
  readonly payers: readonly Address[] | 'anyone'
  readonly guardians: readonly Address[]
  readonly admin: { readonly address: Address; readonly delaySeconds: number }
  /** The pool says nothing before this block. */
  readonly block: number
  /** The transactions that made it, as far as this file saw them. */
  readonly transactions: readonly {
    readonly what: string
    readonly hash: Hex
    readonly block: number
  }[]
}

/** Reads a manifest. @throws Error in one sentence if the file holds anything else */
export async function readManifest(file: string): Promise<Manifest> {
  const manifest = await readManifestIfThere(file)
  if (manifest === null) throw new Error(`expected a manifest of gridcall chain deploy at ${file}`)
  return manifest
}

/** The same; null where there is no such file. */
export async function readManifestIfThere(file: string): Promise<Manifest | null> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const fault = faultOf(parsed(text))
  if (fault !== null) {
    throw new Error(`expected a manifest of gridcall chain deploy in ${file}, but ${fault}`)
  }
  return JSON.parse(text) as Manifest
}

/** Written whole beside its place first: a reader never sees half a manifest. */
export async function writeManifest(file: string, manifest: Manifest): Promise<void> {
  const part = `${file}.${process.pid}.part`
  await writeFile(part, `${JSON.stringify(manifest, null, 2)}\n`)
  await rename(part, file)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function faultOf(value: unknown): string | null {
  const found = value as Partial<Manifest> | null
  if (typeof found !== 'object' || found === null) return 'it is no JSON object'
  if (found.format !== FORMAT) return `its format is ${JSON.stringify(found.format)}`
  const { chainId, genesisHash, feeReceiver } = found.identity ?? {}
  if (!Number.isSafeInteger(chainId)) return 'its chain id is no number'
  if (!/^0x[0-9a-f]{64}$/i.test(String(genesisHash))) return 'its genesis is no hash'
  if (!isAddress(feeReceiver)) return 'its fee receiver is no address'
  const wrong = contractNames.find((name) => !isAddress(found.contracts?.[name]?.address))
  if (wrong !== undefined) return `its ${wrong} is no address`
  for (const name of ['pool', 'token', 'registry'] as const) {
    if (found.identity?.[name] === found.contracts?.[name].address) continue
    return `it names two addresses for its ${name}`
  }
  if (!Array.isArray(found.verifiers) || typeof found.config !== 'object') return 'it is torn'
  return typeof found.admin?.address === 'string' ? null : 'it names no admin'
}

function isAddress(text: unknown): boolean {
  return /^0x[0-9a-fA-F]{40}$/.test(String(text))
}
