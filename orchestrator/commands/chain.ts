import { parseArgs } from 'node:util'

const HELP = `gridcall chain status|reconcile [--json]
    Asks the running service at GRIDCALL_API_URL (default http://127.0.0.1:8080) with the
    operator's key in GRIDCALL_API_KEY.
    status      contracts, parties and what the pool holds
    reconcile   do database, events and token balances agree? exit code 0 only if they do`

/** `gridcall chain`: what stands on the chain and whether all books agree. */
export async function run(args: string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  })
  const [word] = positionals
  if (word === 'status') {
    print(values.json, await ask('/v1/operator/parties'))
    return 0
  }
  if (word === 'reconcile') {
    const answer = await ask('/v1/operator/reconciliation')
    print(values.json, answer)
    return answer.reconciled === true ? 0 : 1
  }
  process.stderr.write(`${HELP}\n`)
  return 2
}

function print(isJson: boolean, answer: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(answer, null, isJson ? 0 : 2)}\n`)
}

async function ask(path: string): Promise<Record<string, unknown>> {
  const url = process.env.GRIDCALL_API_URL ?? 'http://127.0.0.1:8080'
  const key = process.env.GRIDCALL_API_KEY
  if (key === undefined) throw new Error("GRIDCALL_API_KEY: expected the operator's key, got none")
  const response = await fetch(`${url}${path}`, {
    headers: { authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(20_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
  return JSON.parse(text) as Record<string, unknown>
}
