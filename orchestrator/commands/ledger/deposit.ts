import { parseArgs } from 'node:util'
import { minorOfEuros } from '#domain/money.ts'
import { askService, printAnswer } from '../chain/service.ts'

const OPTIONS = {
  account: { type: 'string' },
  eur: { type: 'string' },
  reference: { type: 'string' },
  out: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const

/** `gridcall ledger deposit`: what the bank says of the escrow account. */
export async function deposit(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS })
  const { account, eur, reference, out, json } = values
  for (const [name, value] of Object.entries({ account, eur, reference })) {
    if (value === undefined) throw new Error(`--${name}: expected a value, got none`)
  }
  const amountMinor = String(minorOfEuros(eur ?? ''))
  const direction = out ? 'out' : 'in'
  const body = { direction, account, amountMinor, reference }
  const answer = await askService('/v1/operator/ledger/bank-movements', body)
  printAnswer(json, answer)
  return 0
}
