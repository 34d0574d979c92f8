import type { Instant } from './time.ts'

/** One side of a posting; accounts are named like 'escrow:CALL', 'owner:OWNER', 'fee'. */
export type LedgerEntry = {
  readonly account: string
  /** + to the account, - from it; micro-EUR. */
  readonly amount: bigint
  readonly at: Instant
}
