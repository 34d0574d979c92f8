const HELP = `gridcall chain deploy --help
    a pool on any EVM chain
gridcall chain status --manifest FILE --rpc URL [--json]
    asks the chain itself: does all that the manifest names stand there? exit code 0 only if so
gridcall chain status|reconcile [--json]
    Asks the running service at GRIDCALL_API_URL (default http://127.0.0.1:8080) with the
    operator's key in GRIDCALL_API_KEY.
    status      contracts, parties and what the pool holds
    reconcile   do contract, events, ledger and token balance agree? exit code 0 only if they do
    reconcile --offline FILE
                the same from the chain.json that the demo saves: every balance is recomputed from
                the logs in it, and neither service nor chain is asked; on a ledger without a
                chain every hash of its journal too`

/** `gridcall chain`: what stands on the chain and whether all books agree. */
export async function run(args: string[]): Promise<number> {
  if (args[0] === 'deploy') return (await import('./chain/deploy.ts')).deploy(args.slice(1))
  const rest = [...args]
  const at = rest.findIndex((each) => !each.startsWith('-'))
  const [word] = at < 0 ? [] : rest.splice(at, 1)
  if (word === 'status') return (await import('./chain/status.ts')).status(rest)
  if (word === 'reconcile') return (await import('./chain/reconcile.ts')).reconcile(rest)
  process.stderr.write(`${HELP}\n`)
  return args.includes('--help') ? 0 : 2
}
