import { parseArgs } from 'node:util'
import { askService, printAnswer } from './service.ts'

/** `gridcall chain reconcile`: do all books agree? The exit code is 0 only if they do. */
export async function reconcile(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } })
  const answer = await askService('/v1/operator/reconciliation')
  printAnswer(values.json, answer)
  return answer.reconciled === true ? 0 : 1
}
