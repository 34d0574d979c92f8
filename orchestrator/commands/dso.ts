import { parseArgs } from 'node:util'
import { makeOrLoadKey } from '#adapters/evm/keys.ts'
import { readConfig } from '#config.ts'
import { partiesFolder } from '#processes/local-parties.ts'

const HELP = `gridcall dso address
    Prints the address of the DSO's key in GRIDCALL_DATA_DIR/parties/dso.key, made if it is missing.
gridcall dso sign FILE|-
    Signs the typed data that GET /v1/flexibility-calls/ID/authorisation (or …/cancellation)
    answered and prints the body for POST …/acceptance (or …/cancellation); of what …/permit
    answered, the body's permit.`

/** `gridcall dso`: the DSO's own hand, for whoever works with curl. The key never leaves its file. */
export async function run(args: string[]): Promise<number> {
  const { positionals } = parseArgs({ args, allowPositionals: true, options: {} })
  const [word, file] = positionals
  const { dataDir } = readConfig(process.env)
  if (word === 'address') {
    const key = await makeOrLoadKey(partiesFolder(dataDir), 'dso')
    process.stdout.write(`${key.address}\n`)
    return 0
  }
  if (word === 'sign' && file !== undefined) {
    const key = await makeOrLoadKey(partiesFolder(dataDir), 'dso')
    process.stdout.write(`${JSON.stringify(await sign(key.privateKey, await readInput(file)))}\n`)
    return 0
  }
  process.stderr.write(`${HELP}\n`)
  return word === '--help' ? 0 : 2
}

async function readInput(file: string): Promise<TypedData> {
  const { readFile } = await import('node:fs/promises')
  const text = await readFile(file === '-' ? '/dev/stdin' : file, 'utf8')
  const data = JSON.parse(text) as Partial<TypedData>
  if (!signedHere.some((each) => each === data.primaryType)) {
    const got = JSON.stringify(data.primaryType ?? text.slice(0, 200))
    throw new Error(`expected typed data of ${signedHere.join(', ')}; got ${got}`)
  }
  return data as TypedData
}

const signedHere = ['ReceiveWithAuthorization', 'Open', 'Permit', 'Cancel'] as const

type TypedData = {
  readonly primaryType: (typeof signedHere)[number]
  readonly message: Readonly<
    Partial<Record<'validAfter' | 'validBefore' | 'value' | 'deadline', string>>
  >
}

async function sign(privateKey: `0x${string}`, data: TypedData): Promise<object> {
  const { privateKeyToAccount } = await import('viem/accounts')
  const signature = await privateKeyToAccount(privateKey).signTypedData(data as never)
  const { validAfter, validBefore, value, deadline } = data.message
  if (data.primaryType === 'Permit') return { value, deadline: Number(deadline), signature }
  if (data.primaryType !== 'ReceiveWithAuthorization') return { signature }
  return { validAfter: Number(validAfter), validBefore: Number(validBefore), signature }
}
