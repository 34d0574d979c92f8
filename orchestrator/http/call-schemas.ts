import { z } from '@hono/zod-openapi'
import { METHODS } from '#domain/allocation/limits.ts'
import type { LineReason } from '#domain/settlement.ts'
import { CorrectionView } from './correction-view.ts'
import { ReboundView, RestartView } from './rebound-view.ts'
import { At, DirectionText, MoneyText, Window } from './schemas.ts'

const STATES = [
  'requested',
  'offered',
  'ordered',
  'dispatched',
  'measured',
  'verified',
  'settled',
  'paid',
  'declined',
  'expired',
  'cancelled',
  'refunded',
] as const
export const StateText = z.enum(STATES)

export const PenaltyView = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('per-kwh'), minorPerKwh: z.string() }),
])

export const PeriodView = z.object({
  start: At,
  end: At,
  requestedW: z.int().nullable(),
  orderedW: z.int(),
  baselineW: z.int().nullable(),
  measuredW: z.int().nullable(),
  deliveredW: z.int().nullable().openapi({ description: "Signed in the call's direction" }),
})

export const RepairView = z.object({
  resourceId: z.string(),
  orderedW: z.int(),
  observedW: z.int(),
  startedAt: At,
  detectedAt: At,
  replacedBy: z.array(z.string()),
  restoredAt: At.nullable(),
  reason: z.enum([
    'not-obeying',
    'silent',
    'refused',
    'overridden',
    'cannot-pause',
    'implausible',
    'owner-limit',
  ]),
  detail: z.string().optional().openapi({ description: 'For aggregator and owner: which limit' }),
})

/** How resources were chosen, and how much of the request all of them could not serve. */
const AllocatedByView = z.object({
  method: z.enum(METHODS),
  because: z.string(),
  unavoidableWh: z.int(),
  giniBp: z
    .int()
    .optional()
    .openapi({ description: 'How unevenly the calls of 30 days fell on those who offered' }),
})

/** The feeder by which each device's effect on the short branch was counted. */
const NetworkView = z.object({
  feederHash: z.string(),
  feederVersion: z.int(),
  branchId: z.string(),
  unplaced: z.int().openapi({ description: 'Resources that the feeder does not place' }),
  leftOut: z.int().openapi({ description: 'Resources that would have created a new congestion' }),
})

export const SkippedView = z.object({
  resourceId: z.string(),
  reason: z.string(),
  detail: z.string(),
})

export const AllocationView = z.object({
  resourceId: z.string(),
  kind: z.enum(['charger', 'battery']),
  role: z.enum(['order', 'repair']),
  priceMinorPerKwh: z.string(),
  effectBp: z
    .int()
    .nullable()
    .openapi({ description: 'Watts off the short branch per 10,000 W here; null: as many' }),
  periods: z.array(z.object({ start: At, end: At, powerW: z.int(), setpointW: z.int() })),
  releasedAt: At.nullable(),
})

/** What was seen at a resource: a 'hold' keeps its line's money in escrow, a 'note' does not. */
export const FindingView = z.object({
  code: z.string(),
  severity: z.enum(['hold', 'note']),
  detail: z.record(z.string(), z.union([z.int(), z.string()])),
})

/** Why a line earns what it earns. */
export const LINE_REASONS = [
  'paid',
  'not-obeying',
  'overridden',
  'nothing-delivered',
  'stood-by',
  'no-readings',
  'portfolio-short',
  'penalised',
  'held',
  'not-upheld',
  'owner-limit',
] as const satisfies readonly LineReason[]

export const LineView = z.object({
  resourceId: z.string(),
  orderedWh: z.int(),
  reservedWh: z.int().nullable().openapi({ description: 'Stood by; null: nothing did' }),
  deliveredWh: z.int(),
  payableWh: z.int(),
  reason: z.enum(LINE_REASONS),
  ownerMinor: MoneyText,
  aggregatorMinor: MoneyText.nullable(),
  heldMinor: MoneyText.openapi({ description: 'Earned by the figures and still in escrow' }),
  findings: z.array(FindingView),
})

export const EscrowView = z.object({
  requestId: z.string(),
  payer: z.string(),
  amountMinor: MoneyText,
  authorised: z.boolean(),
  deliverStart: At,
  deliverEnd: At,
  settleBy: At,
  fundedMinor: MoneyText,
  paidMinor: MoneyText,
  feeMinor: MoneyText,
  refundMinor: MoneyText,
  heldMinor: MoneyText,
  currency: z.literal('EUR'),
  minorPerUnit: z.literal('1000000'),
})

export const TransactionView = z.object({
  kind: z.string(),
  hash: z.string(),
  block: z.int(),
  epoch: z.int().nullable(),
})

export const AttestationsView = z.object({
  required: z.int(),
  signed: z.int(),
  signers: z.array(z.string()),
  refusals: z.array(
    z.object({
      verifier: z.string(),
      line: z.string(),
      expected: z.string(),
      got: z.string(),
    }),
  ),
})

/** What a baseline said of devices that nobody called: our own error in this call. */
export const ControlView = z.object({
  devices: z.int(),
  baselineWh: z.int(),
  meteredWh: z.int(),
  biasWh: z.int().openapi({ description: 'Baseline minus metered' }),
  biasBp: z.int().nullable().openapi({ description: 'Of what was metered' }),
})

const Common = {
  id: z.string(),
  state: StateText,
  dsoId: z.string(),
  congestionPointId: z.string(),
  product: z.enum(['scheduled', 'availability', 'frequency-response', 'voltage-support']),
  direction: DirectionText,
  window: Window,
  requestedAt: At,
  gateClosesAt: At,
  cancelledAt: At.nullable(),
  releasedAt: At.nullable(),
  orderedWh: z.int(),
  deliveredWh: z.int().nullable(),
  control: ControlView.nullable(),
  periods: z.array(PeriodView),
  repairs: z.array(RepairView),
}

/** What a DSO has reserved and can use; prices per kWh, at the congestion point. */
export const ReserveView = z.object({
  heldW: z.int(),
  usableFrom: At.nullable().openapi({ description: 'null: it can be used no more, or not yet' }),
  usableUntil: At,
  standbyMinorPerKwh: MoneyText.openapi({
    description: 'Per kWh at the congestion point, as the others; rounded up',
  }),
  leastMinorPerKwh: MoneyText.openapi({ description: 'Of the cheapest that stands by, once used' }),
  mostMinorPerKwh: MoneyText,
})

export const ActivationView = z.object({
  start: At,
  end: At,
  orderedAt: At,
  powerW: z.int().nullable().openapi({ description: 'null: all that is held' }),
  orderedWh: z.int(),
  deliveredWh: z.int().nullable().openapi({ description: 'As far as the meters have told' }),
})

const ForDso = {
  ...Common,
  requestedWh: z.int(),
  deficientWh: z.int().nullable(),
  priceCapMinorPerKwh: z.string(),
  penalty: PenaltyView,
  programVersion: z.int(),
  resourcesOrdered: z.int(),
  reserve: ReserveView.nullable().openapi({ description: 'null: nothing stands by' }),
  activations: z.array(ActivationView),
  skipped: z.array(SkippedView),
  allocatedBy: AllocatedByView.nullable(),
  network: NetworkView.nullable().openapi({ description: 'null: no feeder is known there' }),
  reasons: z.array(z.string()),
  corrections: z
    .array(CorrectionView)
    .openapi({ description: 'Whatever devices were told anew inside the window, oldest first' }),
  rebound: ReboundView.nullable(),
  escrow: EscrowView.nullable(),
  transactions: z.array(TransactionView),
  attestations: AttestationsView,
  evidence: z
    .object({ version: z.int(), root: z.string(), bundleHash: z.string(), closedAt: At })
    .nullable(),
}

/** A DSO sees totals, periods and repairs, never owners or their devices' shares. */
export const DsoCall = z.object({ view: z.literal('dso'), ...ForDso })

export const OperatorCall = z.object({
  view: z.literal('operator'),
  ...ForDso,
  allocations: z.array(AllocationView),
  restarts: z.array(RestartView),
  lines: z.array(LineView),
})

/** An aggregator sees its own resources' part. */
export const AggregatorCall = z.object({
  view: z.literal('aggregator'),
  ...Common,
  allocations: z.array(AllocationView),
  restarts: z.array(RestartView),
  skipped: z.array(SkippedView),
  corrections: z.array(CorrectionView).openapi({ description: 'Of the own devices' }),
  lines: z.array(LineView),
})

/** An owner sees the part of the own devices, from the window's start on. */
export const OwnerCall = z.object({
  view: z.literal('owner'),
  ...Common,
  allocations: z.array(AllocationView),
  restarts: z.array(RestartView),
  lines: z.array(LineView),
})

export const CallView = z.discriminatedUnion('view', [
  DsoCall,
  OperatorCall,
  AggregatorCall,
  OwnerCall,
])
export type CallView = z.infer<typeof CallView>
