import { parseArgs } from 'node:util'
import { askService, printAnswer } from '../chain/service.ts'

/** `gridcall ledger return|withdraw|verifiers|pause|rearm`: what is not the service's to do by itself. */
export async function act(word: string, args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      quorum: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const isAnyones = word === 'return' || word === 'withdraw'
  const path = isAnyones ? '/v1/ledger/acts' : '/v1/operator/ledger/acts'
  const answer = await askService(path, bodyOf(word, positionals, values))
  printAnswer(values.json, answer)
  return 0
}

function bodyOf(
  word: string,
  positionals: readonly string[],
  {
    quorum,
    seconds,
  }: { readonly quorum?: string | undefined; readonly seconds?: string | undefined },
): object {
  if (word === 'return') return { kind: 'returnUnallocated', requestId: positionals[0] }
  if (word === 'withdraw') return { kind: 'withdrawCredit', account: positionals[0] }
  if (word === 'verifiers') {
    return { kind: 'addVerifierSet', verifiers: positionals, quorum: whole('quorum', quorum) }
  }
  if (word === 'rearm') return { kind: 'rearmPause' }
  return { kind: 'pause', seconds: whole('seconds', seconds) }
}

function whole(name: string, text: string | undefined): number {
  if (text !== undefined && /^\d{1,9}$/.test(text)) return Number(text)
  throw new Error(`--${name}: expected a whole number, got ${text ?? 'none'}`)
}
