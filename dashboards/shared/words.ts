import type { CallState, EarningsLine, Repair } from '../api.ts'

/** The order in which a call passes its states. */
export const LIFE = [
  'requested',
  'offered',
  'ordered',
  'dispatched',
  'measured',
  'verified',
  'settled',
  'paid',
] as const satisfies readonly CallState[]

export const STATE: Readonly<Record<CallState, string>> = {
  requested: 'Requested',
  offered: 'Offered',
  ordered: 'Ordered',
  dispatched: 'Dispatched',
  measured: 'Measured',
  verified: 'Verified',
  settled: 'Settled',
  paid: 'Paid',
  declined: 'Declined',
  expired: 'Expired',
  cancelled: 'Cancelled',
  refunded: 'Refunded',
}

const ENDED: ReadonlySet<CallState> = new Set([
  'paid',
  'declined',
  'expired',
  'cancelled',
  'refunded',
])

/** Nothing more happens to a call in such a state. */
export function hasEnded(state: CallState): boolean {
  return ENDED.has(state)
}

/** It ended, but not as it should. */
export function hasFailed(state: CallState): boolean {
  return ENDED.has(state) && state !== 'paid'
}

export const REPAIRED: Readonly<Record<Repair['reason'], string>> = {
  'not-obeying': 'accepted its setpoint but did not follow it',
  silent: 'stopped reporting',
  refused: 'refused its setpoint',
  implausible: 'told a power that its own register or charge contradicts',
  'cannot-pause': 'does not go to 0 and is held at its minimum',
  overridden: 'was taken back by its driver or owner',
  'owner-limit': 'was let go, because its owner allows no more',
}

export const PAID: Readonly<Record<EarningsLine['status'], string>> = {
  'being-verified': 'Being verified',
  'to-be-paid': 'Due',
  paid: 'Paid',
  held: 'On hold',
  'not-paid': 'Not paid',
}

export const KIND = { charger: 'Charger', battery: 'Battery' } as const

export const DIRECTION = {
  'reduce-import': 'Reduce import',
  'increase-import': 'Increase import',
} as const

export const PROTOCOL = {
  ocpp: 'OCPP',
  opcua: 'OPC UA',
  modbus: 'Modbus',
  simulated: 'simulation',
} as const

/** What the pool wrote down, in words. */
export const TRANSACTION: Readonly<Record<string, string>> = {
  RequestOpened: 'Escrow funded',
  RequestCancelled: 'Cancelled, escrow returned',
  SettlementProposed: 'Settlement proposed',
  SettlementChallenged: 'Settlement challenged',
  RequestFinalized: 'Settlement final',
  RestHeld: 'Part put on hold',
  RequestRefunded: 'Escrow refunded',
  PayoutReturned: 'Unclaimed payout returned',
  BondReturned: 'Stake of a challenge returned',
  BondForfeited: 'Stake of a challenge forfeited',
  EpochPosted: 'Payout posted',
  EpochActivated: 'Payout active',
  EpochRejected: 'Payout rejected',
  Paid: 'Payout paid',
}
