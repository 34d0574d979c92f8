import type { Hex, OrganisationId, OwnerId, ResourceId } from './ids.ts'
import type { MicroEur } from './money.ts'

/** What one resource earned in one call and why. Energies in whole Wh. */
export type SettlementLine = {
  readonly resourceId: ResourceId
  readonly ownerId: OwnerId
  readonly aggregatorId: OrganisationId
  readonly orderedWh: number
  /** Signed and uncapped. */
  readonly deliveredWh: number
  /** Between 0 and orderedWh, before portfolio scaling. */
  readonly eligibleWh: number
  readonly gross: MicroEur
  readonly ownerAmount: MicroEur
  readonly aggregatorAmount: MicroEur
  readonly reason: 'paid' | 'not-obeying' | 'nothing-delivered' | 'no-readings'
}

/** The exact split: payout + fee + refund = escrow. */
export type CallSettlement = {
  readonly lines: readonly SettlementLine[]
  readonly orderedWh: number
  readonly deliveredWh: number
  readonly payableWh: number
  readonly deficientWh: number
  readonly penalty: MicroEur
  readonly payout: MicroEur
  readonly fee: MicroEur
  readonly refund: MicroEur
  readonly linesRoot: Hex
}
