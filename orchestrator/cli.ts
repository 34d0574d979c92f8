import { enableCompileCache } from 'node:module'

enableCompileCache()

/** Every word of the command line, what it does, and where it lives. */
const WORDS: Readonly<Record<string, { readonly says: string; readonly file: string }>> = {
  demo: { says: 'run a flexibility call from the request to the payout', file: 'demo' },
  start: { says: 'run the service', file: 'start' },
  verify: { says: 'recompute an evidence bundle, with no service and no database', file: 'verify' },
  dso: { says: 'sign as the DSO: dso address, dso sign', file: 'dso' },
  chain: { says: 'chain deploy, chain status, chain reconcile', file: 'chain' },
  ledger: { says: 'money on no chain: ledger deposit, ledger reconcile', file: 'ledger' },
  statement: {
    says: 'a month as PDF or CSV: owner, invoice, reconciliation',
    file: 'statement',
  },
  accounts: { says: 'accounts rotate-key: a new key for bank accounts', file: 'accounts' },
  simulate: { says: 'one machine, a day or a year of calls, without hardware', file: 'simulate' },
  network: { says: 'network check|import FILE: a feeder, before and for its use', file: 'network' },
  'emergency-stop': {
    says: 'end all control at a congestion point, or everywhere, at once',
    file: 'emergency-stop',
  },
  devices: { says: 'devices list, devices watch ID: the truth chain live', file: 'devices' },
  opcua: {
    says: 'opcua trust, user: which certificate a battery may show, who we are',
    file: 'opcua',
  },
  bench: { says: 'measure and print JSON: allocation, gas, tree …', file: 'bench' },
  backtest: {
    says: 'what baselines and payments would have been: baselines, policy',
    file: 'backtest',
  },
  test: { says: 'run the tests', file: 'test' },
  check: { says: 'types, lint, format, dead code', file: 'check' },
  'test:contracts': { says: 'test the contracts', file: 'test-contracts' },
  'test:interop': { says: 'against peers that others wrote', file: 'test-interop' },
  'test:faults': { says: 'kills, bad days, the walk-through', file: 'test-faults' },
}

function help(): string {
  const width = Math.max(...Object.keys(WORDS).map((word) => word.length))
  const lines = Object.entries(WORDS).map(([word, { says }]) => `  ${word.padEnd(width)}  ${says}`)
  return [
    'gridcall <word> [options]',
    '',
    ...lines,
    '',
    'A word explains itself with --help.',
  ].join('\n')
}

async function main(): Promise<number> {
  const [word, ...args] = process.argv.slice(2)
  if (word === undefined || word === 'help' || word === '--help' || word === '-h') {
    process.stdout.write(`${help()}\n`)
    return word === undefined ? 2 : 0
  }
  const known = WORDS[word]
  if (known === undefined) {
    process.stderr.write(`gridcall: no word ${JSON.stringify(word)}\n\n${help()}\n`)
    return 2
  }
  const command = (await import(`./commands/${known.file}.ts`)) as {
    run(args: string[]): Promise<number>
  }
  return command.run(args)
}

/** Ends for good once everything is printed: an open channel to a parent must not keep us. */
function end(code: number): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
}

main().then(end, (error: unknown) => {
  process.stderr.write(`gridcall: ${error instanceof Error ? error.message : String(error)}\n`)
  end(1)
})
