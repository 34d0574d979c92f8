import { parseArgs } from 'node:util'
import { askService, printAnswer } from './service.ts'

/** `gridcall chain status`: contracts, parties and what the pool holds. */
export async function status(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } })
  printAnswer(values.json, await askService('/v1/operator/parties'))
  return 0
}
