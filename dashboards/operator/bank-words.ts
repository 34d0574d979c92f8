import type { LedgerAccount, Parties } from '../api.ts'

/** Whose money can come into the escrow account or leave it. */
export type Party = { readonly name: string; readonly address: string }

/** Grid operators pay in, the payout agent and the receiver of fees take out. */
export function partiesOf({ payers, agents, feeReceiver }: Parties): Party[] {
  const dsos = payers.flatMap(({ dsoId, address }) =>
    address === null ? [] : [{ name: `Grid operator ${dsoId}`, address }],
  )
  const paid = agents.map((address) => ({ name: 'Payout agent', address }))
  return [...dsos, ...paid, { name: 'Receiver of fees', address: feeReceiver }]
}

/** A party's own money; none where nothing was ever booked. */
export function accountOf(
  accounts: readonly LedgerAccount[],
  { address }: Party,
): LedgerAccount | null {
  const name = `wallet:${address.toLowerCase()}`
  return accounts.find(({ account }) => account === name) ?? null
}

const MINOR_PER_CENT = 10_000n

/** Whole cents as they stand on a bank's statement, in minor units; null for anything else. */
export function minorOf(text: string): string | null {
  const parts = /^(\d{1,9})(?:[.,](\d{2}))?$/.exec(text.trim())
  if (parts === null) return null
  const cents = BigInt(`${parts[1]}${parts[2] ?? '00'}`)
  return cents === 0n ? null : (cents * MINOR_PER_CENT).toString()
}
