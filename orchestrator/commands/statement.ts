import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'

const HELP = `gridcall statement owner|invoice|reconciliation [--month 2024-01] [--format pdf|csv] [--out FILE] [--dso ID]
    Fetches a month's document from the service at GRIDCALL_API_URL (default http://127.0.0.1:8080)
    with the key in GRIDCALL_API_KEY and writes it to FILE, or where the service names it.
    owner           what an owner's devices earned, why, and what was paid (owner's key)
    invoice         what a DSO owes and gets back (DSO's key, or the operator's with --dso)
    reconciliation  events, ledger and payments side by side (the same keys); exit code 0 only if
                    nothing differs`

/** Path by document, as a party itself asks; the operator names a DSO. */
const PATHS: Readonly<Record<string, string>> = {
  owner: '/v1/owner/statement',
  invoice: '/v1/dso/invoice',
  reconciliation: '/v1/dso/reconciliation',
}

/** `gridcall statement`: the documents of a month. */
export async function run(args: string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      month: { type: 'string' },
      format: { type: 'string', default: 'pdf' },
      out: { type: 'string' },
      dso: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const [word = ''] = positionals
  const path = values.dso === undefined ? PATHS[word] : ofDso(values.dso, word)
  if (path === undefined || values.help) {
    process.stderr.write(`${HELP}\n`)
    return values.help ? 0 : 2
  }
  const query = new URLSearchParams({ format: values.format })
  if (values.month !== undefined) query.set('month', values.month)
  const response = await ask(`${path}?${query}`)
  const named = /filename="([A-Za-z0-9_.:-]+)"/.exec(
    response.headers.get('content-disposition') ?? '',
  )?.[1]
  const file = values.out ?? named ?? `statement.${values.format}`
  await writeFile(file, new Uint8Array(await response.arrayBuffer()))
  process.stdout.write(`${file}\n`)
  return response.headers.get('gridcall-reconciled') === 'false' ? 1 : 0
}

function ofDso(dso: string, word: string): string | undefined {
  if (word !== 'invoice' && word !== 'reconciliation') return undefined
  return `/v1/operator/dsos/${encodeURIComponent(dso)}/${word}`
}

async function ask(path: string): Promise<Response> {
  const url = process.env.GRIDCALL_API_URL ?? 'http://127.0.0.1:8080'
  const key = process.env.GRIDCALL_API_KEY
  if (key === undefined) throw new Error("GRIDCALL_API_KEY: expected the party's key, got none")
  const response = await fetch(`${url}${path}`, {
    headers: { authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(60_000),
  })
  if (response.ok) return response
  const { detail } = (await response.json()) as { detail?: string }
  throw new Error(`the service answered ${response.status}: ${detail ?? ''}`)
}
