import { type MicroEur, microEur } from './money.ts'
import type { CallSettlement, SettlementLine } from './settlement.ts'

/** Why a line is held whose settlement somebody challenged at the pool. */
export type ChallengeCode = 'challenged'
const CODE: ChallengeCode = 'challenged'

/**
 * What a settlement is once it was challenged at the pool: everything it paid, the fee included,
 * is on hold; what went back to the DSO goes back all the same.
 */
export function challengedSettlement(settlement: CallSettlement): CallSettlement {
  const { payout, fee, held } = settlement
  return {
    ...settlement,
    lines: settlement.lines.map(challengedLine),
    payout: NOTHING,
    fee: NOTHING,
    held: microEur(payout + fee + held),
  }
}

const NOTHING: MicroEur = microEur(0n)

function challengedLine(line: SettlementLine): SettlementLine {
  if (line.gross === 0n) return line
  return {
    ...line,
    gross: NOTHING,
    held: microEur(line.held + line.gross),
    ownerAmount: NOTHING,
    aggregatorAmount: NOTHING,
    reason: 'held',
    heldFor: [...(line.heldFor ?? []), CODE],
  }
}
