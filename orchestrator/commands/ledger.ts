const HELP = `gridcall ledger deposit --account ADDRESS --eur AMOUNT --reference TEXT [--out] [--json]
    Books a line of the bank's statement of the escrow account: a DSO paid in, or was paid out. The
    bank's reference is booked once, however often it is given. AMOUNT in euros: 5000 or 5000.00
gridcall ledger reconcile [--json]
    do transfers, accounts, journal and ledger agree? exit code 0 only if they do
    reconcile --offline FILE
                the same from the books that the demo saves or GET /v1/operator/books answers:
                every hash and balance is recomputed, and the service is not asked
gridcall ledger return REQUEST
    gives a final payout back to its payer that no epoch counted for a year
gridcall ledger withdraw ADDRESS
    what the pool owes a party (a bond that came back, a refund) is its own, and the bank can pay it
gridcall ledger verifiers --quorum N ADDRESS...
    who settles what is opened from now on, in ascending order; what is open keeps its own. Restart
    the service at once
gridcall ledger pause --seconds N | rearm
    stops what is new for so long, at most half the grace before a refund (GRIDCALL_REFUND_GRACE at
    the ledger's first start) and 7 days. What is owed goes on. rearm allows the next pause

All ask the running service at GRIDCALL_API_URL (default http://127.0.0.1:8080) with the operator's
key in GRIDCALL_API_KEY.`

/** `gridcall ledger`: money that is on no chain. */
export async function run(args: string[]): Promise<number> {
  const [word, ...rest] = args
  if (word === 'deposit') return (await import('./ledger/deposit.ts')).deposit(rest)
  if (word === 'reconcile') return (await import('./chain/reconcile.ts')).reconcile(rest)
  if (['return', 'withdraw', 'verifiers', 'pause', 'rearm'].includes(word ?? '')) {
    return (await import('./ledger/act.ts')).act(word as string, rest)
  }
  process.stderr.write(`${HELP}\n`)
  return word === '--help' ? 0 : 2
}
