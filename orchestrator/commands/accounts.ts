import { parseArgs } from 'node:util'

const HELP = `gridcall accounts rotate-key [--json]
    Has the running service at GRIDCALL_API_URL (default http://127.0.0.1:8080) make a new key for
    bank accounts and seal them all under it; the operator's key is in GRIDCALL_API_KEY.
    Keep a copy of the key file (GRIDCALL_IBAN_KEY) afterwards: the old one opens nothing any more.`

/** `gridcall accounts`: the key under which bank accounts are sealed. */
export async function run(args: string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
  })
  if (positionals[0] !== 'rotate-key' || values.help === true) {
    process.stderr.write(`${HELP}\n`)
    return values.help === true ? 0 : 2
  }
  const url = process.env.GRIDCALL_API_URL ?? 'http://127.0.0.1:8080'
  const key = process.env.GRIDCALL_API_KEY
  if (key === undefined) throw new Error("GRIDCALL_API_KEY: expected the operator's key, got none")
  const response = await fetch(`${url}/v1/operator/account-key-rotations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: '{}',
    signal: AbortSignal.timeout(60_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`the service answered ${response.status}: ${text}`)
  const { keyId, accounts } = JSON.parse(text) as { keyId: string; accounts: number }
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ keyId, accounts })}\n`
      : `${accounts} bank accounts are sealed under key ${keyId} now\n`,
  )
  return 0
}
