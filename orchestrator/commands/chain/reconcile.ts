import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { balancesByEvents } from '#domain/chain-books.ts'
import { checkChainFile, parseChainFile } from '#domain/chain-file.ts'
import { askService, printAnswer } from './service.ts'

const OPTIONS = {
  json: { type: 'boolean', default: false },
  offline: { type: 'string' },
} as const

/** `gridcall chain reconcile`: do all books agree? The exit code is 0 only if they do. */
export async function reconcile(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS })
  const { offline } = values
  const answer =
    offline === undefined
      ? await askService('/v1/operator/reconciliation')
      : await fromFile(offline)
  printAnswer(values.json, answer)
  return answer['reconciled'] === true ? 0 : 1
}

/** Everything recomputed from the logs in a file: neither service nor chain is asked. */
async function fromFile(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, 'utf8')
  const { file } = parseChainFile(text)
  const differences = checkChainFile(text)
  const { chainId, pool } = file.identity
  const sums = balancesByEvents(file)
  const { locked, allocatable, allocated, claimed, credits, tokenBalance, liveEpoch } = sums
  const amounts = { locked, allocatable, allocated, claimed, credits, tokenBalance }
  return {
    reconciled: differences.length === 0,
    differences,
    chainId,
    pool,
    block: file.cursor.block,
    events: file.events.length,
    postings: file.postings.length,
    liveEpoch,
    byLogs: Object.fromEntries(Object.entries(amounts).map(([name, n]) => [name, n.toString()])),
  }
}
