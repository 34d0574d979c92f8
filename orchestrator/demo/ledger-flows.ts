import type { PartyApi } from './api.ts'

type AccountLine = {
  readonly account: string
  readonly debitsPending: string
  readonly debitsPosted: string
  readonly creditsPosted: string
}

/**
 * What went into the pool and out of it, as the parties' own accounts on the ledger say: what they
 * gave and got beside what came from the bank and went there.
 */
export async function ledgerFlows(
  operator: PartyApi,
): Promise<{ in: bigint; out: bigint; balance: bigint }> {
  const accounts = await operator.get<AccountLine[]>('/v1/operator/ledger/accounts')
  let into = 0n
  let out = 0n
  for (const { account, debitsPending, debitsPosted, creditsPosted } of accounts) {
    if (account.startsWith('wallet:')) {
      into += BigInt(debitsPosted) + BigInt(debitsPending)
      out += BigInt(creditsPosted)
    }
    if (account === 'bank') {
      into -= BigInt(creditsPosted)
      out -= BigInt(debitsPosted)
    }
  }
  return { in: into, out, balance: into - out }
}
