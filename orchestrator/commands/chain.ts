const HELP = `gridcall chain status|reconcile [--json]
    Asks the running service at GRIDCALL_API_URL (default http://127.0.0.1:8080) with the
    operator's key in GRIDCALL_API_KEY.
    status      contracts, parties and what the pool holds
    reconcile   do contract, events, ledger and token balance agree? exit code 0 only if they do
    reconcile --offline FILE
                the same from the chain.json that the demo saves: every balance is recomputed from
                the logs in it, and neither service nor chain is asked`

/** `gridcall chain`: what stands on the chain and whether all books agree. */
export async function run(args: string[]): Promise<number> {
  const rest = [...args]
  const at = rest.findIndex((each) => !each.startsWith('-'))
  const [word] = at < 0 ? [] : rest.splice(at, 1)
  if (word === 'status') return (await import('./chain/status.ts')).status(rest)
  if (word === 'reconcile') return (await import('./chain/reconcile.ts')).reconcile(rest)
  process.stderr.write(`${HELP}\n`)
  return args.includes('--help') ? 0 : 2
}
