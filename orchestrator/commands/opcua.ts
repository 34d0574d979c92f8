import { parseArgs } from 'node:util'

const HELP = `gridcall opcua trust RESOURCE THUMBPRINT
    Tells the running service at GRIDCALL_API_URL (default http://127.0.0.1:8080), with the
    aggregator's key in GRIDCALL_API_KEY, which certificate the battery may show: SHA-1 in hex, as
    its installer reads it off the device. GET /v1/resources/RESOURCE tells what it shows now.`

/** `gridcall opcua trust`: an unknown certificate is refused until somebody who knows it says so. */
export async function run(args: string[]): Promise<number> {
  const { positionals } = parseArgs({ args, allowPositionals: true, options: {} })
  const [word, resource, thumbprint] = positionals
  if (word !== 'trust' || resource === undefined || thumbprint === undefined) {
    process.stderr.write(`${HELP}\n`)
    return 2
  }
  const url = process.env.GRIDCALL_API_URL ?? 'http://127.0.0.1:8080'
  const key = process.env.GRIDCALL_API_KEY
  if (key === undefined)
    throw new Error("GRIDCALL_API_KEY: expected the aggregator's key, got none")
  const response = await fetch(`${url}/v1/resources/${encodeURIComponent(resource)}/trust`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ thumbprint }),
    signal: AbortSignal.timeout(20_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`the service answered ${response.status}: ${text}`)
  process.stdout.write(`${resource} is trusted with ${thumbprint}\n`)
  return 0
}
