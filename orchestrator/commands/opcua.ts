import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { userFile } from '#adapters/opcua/identity.ts'
import { readConfig } from '#config.ts'

const HELP = `gridcall opcua trust
    Lists your batteries: which certificate is trusted and which one each shows.
gridcall opcua trust RESOURCE THUMBPRINT
    Which certificate the battery may show: SHA-1 in hex, as its installer reads it off the device.
gridcall opcua trust RESOURCE --revoke
    From now on none: the connection is dropped.
    These three ask the running service at GRIDCALL_API_URL (default http://127.0.0.1:8080), with
    the aggregator's key in GRIDCALL_API_KEY.
gridcall opcua user RESOURCE NAME | RESOURCE --remove
    Keeps the user's name and password (one line on standard input) for a battery enrolled with
    "user": "password", in a file of GRIDCALL_DATA_DIR on the machine of its gateway.`

/** `gridcall opcua`: an unknown certificate is refused until somebody who knows it says so. */
export async function run(args: string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      revoke: { type: 'boolean', default: false },
      remove: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const [word, resource, given] = positionals
  const isTrust = word === 'trust' && !values.remove && !values.help
  const isUser = word === 'user' && !values.revoke && !values.help
  if (isTrust && resource === undefined && !values.revoke) return await list()
  if (isTrust && resource !== undefined && (given === undefined) === values.revoke) {
    return await trust(resource, given ?? null)
  }
  if (isUser && resource !== undefined && (given === undefined) === values.remove) {
    return await keepUser(resource, given ?? null)
  }
  process.stderr.write(`${HELP}\n`)
  return values.help ? 0 : 2
}

type Listed = {
  readonly id: string
  readonly connection: {
    readonly protocol: string
    readonly endpoint: string
    readonly thumbprint: string | null
    readonly presentedThumbprint: string | null
  }
}

async function list(): Promise<number> {
  const resources = JSON.parse(await ask('GET', '/v1/resources')) as Listed[]
  const batteries = resources.filter(({ connection }) => connection.protocol === 'opcua')
  for (const { id, connection } of batteries) {
    const { endpoint, thumbprint, presentedThumbprint: shown } = connection
    const shows = shown === null ? 'shows none yet' : `shows ${shown}`
    const differs = shown !== null && shown !== thumbprint ? '  <- not the trusted one' : ''
    process.stdout.write(`${id}  ${endpoint}\n`)
    process.stdout.write(`    trusted ${thumbprint ?? 'none'}, ${shows}${differs}\n`)
  }
  if (batteries.length === 0) process.stdout.write('no battery over OPC UA is enrolled\n')
  return 0
}

async function trust(resource: string, thumbprint: string | null): Promise<number> {
  await ask('POST', `/v1/resources/${encodeURIComponent(resource)}/trust`, { thumbprint })
  const outcome =
    thumbprint === null ? 'is trusted with none any more' : `is trusted with ${thumbprint}`
  process.stdout.write(`${resource} ${outcome}\n`)
  return 0
}

async function ask(method: string, path: string, body?: object): Promise<string> {
  const url = process.env.GRIDCALL_API_URL ?? 'http://127.0.0.1:8080'
  const key = process.env.GRIDCALL_API_KEY
  if (key === undefined)
    throw new Error("GRIDCALL_API_KEY: expected the aggregator's key, got none")
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`the service answered ${response.status}: ${text}`)
  return text
}

/** The password comes on standard input, so that it stands in no history and no list of processes. */
async function keepUser(resource: string, name: string | null): Promise<number> {
  const file = userFile(join(readConfig(process.env).dataDir, 'pki'), resource)
  if (name === null) {
    await rm(file, { force: true })
    process.stdout.write(`the user at ${resource} is forgotten\n`)
    return 0
  }
  const password = await firstLine()
  if (password === '') throw new Error('expected the password as a line on standard input')
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const part = `${file}.part`
  await writeFile(part, JSON.stringify({ name, password }), { mode: 0o600 })
  await chmod(part, 0o600)
  await rename(part, file)
  process.stdout.write(
    `${name} is the user at ${resource}; its gateway takes it up as it connects\n`,
  )
  return 0
}

async function firstLine(): Promise<string> {
  let text = ''
  process.stdin.setEncoding('utf8')
  for await (const chunk of process.stdin) {
    text += String(chunk)
    if (text.includes('\n')) break
  }
  return text.split(/\r?\n/, 1)[0] ?? ''
}
