import type { z } from '@hono/zod-openapi'
import type { Allocation, SkippedResource } from '#domain/allocation.ts'
import type { ChainEvent } from '#domain/chain.ts'
import type { FlexibilityCall, Repair } from '#domain/flexibility-call.ts'
import type { CallId, Hex, ResourceId } from '#domain/ids.ts'
import type { SettlementLine } from '#domain/settlement.ts'
import { findSet } from '#domain/settling-set.ts'
import { secondsBetween } from '#domain/time.ts'
import { reservedWhOf } from '#domain/standby.ts'
import { energyOrdered, toWattHours, wattMinutes, watts } from '#domain/units.ts'
import { followCall, type PeriodFigures } from '#lifecycle/follow-call.ts'
import { followActivations, followReserve } from '#lifecycle/follow-reserve.ts'
import type { ApiKey, Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { type CallAccess, visibleCall } from './call-access.ts'
import type {
  AllocationView,
  AttestationsView,
  CallView,
  DsoCall,
  EscrowView,
  LineView,
  PeriodView,
  RepairView,
  TransactionView,
} from './call-schemas.ts'
import { activationView, reserveView } from './activation-view.ts'
import { correctionViews } from './correction-view.ts'
import { reboundView, restartViews } from './rebound-view.ts'
import { at, atOrNull, windowView } from './schemas.ts'

/** A call as this key may see it; the caller has checked that it may see it at all. */
export async function callView(
  ports: Ports,
  tx: StoreTransaction,
  access: CallAccess,
  call: FlexibilityCall,
): Promise<CallView> {
  const { key, own } = access
  const figures = await followCall(ports, tx, call, own)
  const { settlement } = call
  if (own === null) {
    const whole = {
      ...common(call, figures, null),
      ...(await dsoPart(ports, tx, call)),
      deliveredWh: settlement?.deliveredWh ?? null,
      orderedWh: settlement?.orderedWh ?? energyOf(figures, ({ orderedW }) => orderedW),
    }
    if (key.role === 'dso') {
      return { view: 'dso', ...whole, skipped: whole.skipped.map(withoutOwnersFigures) }
    }
    return {
      view: 'operator',
      ...whole,
      allocations: call.allocations.map((allocation) => allocationView(call, allocation)),
      restarts: restartViews(call, null),
      lines: (settlement?.lines ?? []).map((line) => lineView(call, line, true)),
    }
  }
  const lines = (settlement?.lines ?? []).filter((line) => own.has(line.resourceId))
  const mine = {
    ...common(call, figures, own),
    deliveredWh: settlement === null ? null : lines.reduce((sum, l) => sum + l.deliveredWh, 0),
    allocations: call.allocations
      .filter(({ resourceId }) => own.has(resourceId))
      .map((allocation) => allocationView(call, allocation)),
    restarts: restartViews(call, own),
    lines: lines.map((line) => lineView(call, line, key.role === 'aggregator')),
  }
  if (key.role === 'owner') return { view: 'owner', ...mine }
  const skipped = call.skipped.filter(({ resourceId }) => own.has(resourceId))
  return {
    view: 'aggregator',
    ...mine,
    skipped: skipped.map((entry) => ({ ...entry })),
    corrections: correctionViews(call, own),
  }
}

/** Reasons whose figures tell of a driver's departure, a charge or an owner's wish. */
const OF_OWNERS: ReadonlySet<string> = new Set<SkippedResource['reason']>([
  'departure',
  'driver-override',
  'kept-by-owner',
  'no-capability',
  'no-consent',
])

/** A DSO reads why a resource was left out; when its car leaves is nothing to it. */
function withoutOwnersFigures<T extends { reason: string; detail: string }>(entry: T): T {
  return OF_OWNERS.has(entry.reason) ? { ...entry, detail: '' } : entry
}

/** What a DSO is answered after it has changed its call. */
export async function dsoView(
  ports: Ports,
  key: ApiKey,
  id: CallId,
): Promise<z.infer<typeof DsoCall>> {
  return ports.store.transaction(async (tx) => {
    const { access, call } = await visibleCall(ports, tx, key, id)
    const view = await callView(ports, tx, access, call)
    if (view.view !== 'dso') throw new Error(`a DSO was shown the view of ${view.view}`)
    return view
  })
}

function common(
  call: FlexibilityCall,
  figures: readonly PeriodFigures[],
  own: ReadonlySet<ResourceId> | null,
) {
  return {
    id: call.id,
    state: call.state,
    dsoId: call.dsoId,
    congestionPointId: call.request.congestionPointId,
    product: call.program.product ?? ('scheduled' as const),
    direction: call.request.direction,
    window: windowView(call.request.window),
    requestedAt: at(call.requestedAt),
    gateClosesAt: at(call.gateClosesAt),
    cancelledAt: atOrNull(call.cancelledAt),
    releasedAt: atOrNull(call.releasedAt),
    control: call.settlement?.control ? { ...call.settlement.control } : null,
    orderedWh: energyOf(figures, ({ orderedW }) => orderedW),
    periods: figures.map((period) => periodView(period, own === null)),
    repairs: call.repairs.flatMap((repair) => repairView(repair, own)),
  }
}

async function dsoPart(ports: Ports, tx: StoreTransaction, call: FlexibilityCall) {
  const { request, settlement, evidence } = call
  const { penalty } = request
  const { periods } = request
  const seconds = call.program.settlementPeriodSeconds
  const requested = periods.reduce((sum, p) => sum + energyOrdered(watts(p.powerW), seconds), 0)
  return {
    requestedWh: toWattHours(wattMinutes(requested)),
    deficientWh: settlement?.deficientWh ?? null,
    priceCapMinorPerKwh: request.priceCap.toString(),
    penalty:
      penalty.kind === 'none'
        ? { kind: penalty.kind }
        : { kind: penalty.kind, minorPerKwh: penalty.price.toString() },
    programVersion: call.program.version,
    resourcesOrdered: call.allocations.length,
    reserve: reserveView(followReserve(ports, call)),
    activations: (await followActivations(ports, tx, call)).map(activationView),
    skipped: call.skipped.map((entry) => ({ ...entry })),
    allocatedBy: call.allocatedBy ? { ...call.allocatedBy } : null,
    network: call.network ? { ...call.network } : null,
    reasons: [...call.reasons],
    corrections: correctionViews(call, null),
    rebound: reboundView(call),
    escrow: await escrowView(tx, call),
    transactions: await transactionsOf(tx, call),
    attestations: await attestationsOf(ports, tx, call),
    evidence:
      evidence === null
        ? null
        : {
            version: evidence.version,
            root: evidence.root,
            bundleHash: evidence.bundleHash,
            closedAt: at(evidence.closedAt),
          },
  }
}

/** What the escrow holds and where it went, as the chain said. */
async function escrowView(
  tx: StoreTransaction,
  call: FlexibilityCall,
): Promise<z.infer<typeof EscrowView> | null> {
  if (call.escrow === null) return null
  const { terms, requestId, authorisation } = call.escrow
  const events = await ownEvents(tx, call.id, requestId)
  let [funded, paid, fee, refund] = [0n, 0n, 0n, 0n]
  for (const event of events) {
    if (event.kind === 'RequestOpened') funded = event.amount
    const isBack = event.kind === 'RequestCancelled' || event.kind === 'RequestRefunded'
    if (isBack) refund += event.amount
    if (event.kind === 'RequestFinalized') {
      paid += event.payout
      fee += event.fee
      refund += event.refund
    }
    if (event.kind === 'PayoutReturned') {
      paid -= event.amount
      refund += event.amount
    }
  }
  const held = funded - paid - fee - refund
  return {
    requestId,
    payer: terms.payer,
    amountMinor: terms.amount.toString(),
    authorised: authorisation !== null,
    deliverStart: at(terms.deliverStart),
    deliverEnd: at(terms.deliverEnd),
    settleBy: at(terms.settleBy),
    fundedMinor: funded.toString(),
    paidMinor: paid.toString(),
    feeMinor: fee.toString(),
    refundMinor: refund.toString(),
    heldMinor: held.toString(),
    currency: 'EUR',
    minorPerUnit: '1000000',
  }
}

/** The transactions of this call and of the epochs that pay it. */
async function transactionsOf(
  tx: StoreTransaction,
  call: FlexibilityCall,
): Promise<z.infer<typeof TransactionView>[]> {
  if (call.escrow === null) return []
  const own = await ownEvents(tx, call.id, call.escrow.requestId)
  const epochs = (await tx.payouts.list()).filter(({ callIds }) => callIds.includes(call.id))
  const numbers = new Set(epochs.map(({ epoch }) => epoch))
  const paying: ChainEvent[] = []
  for (const kind of numbers.size === 0 ? [] : EPOCH_KINDS) {
    const events = await tx.chain.events({ kind })
    paying.push(...events.filter((event) => 'epoch' in event && numbers.has(event.epoch)))
  }
  return [...own, ...paying].map(transactionView)
}

/** What the chain said of the call's request and of what it had on hold. */
async function ownEvents(tx: StoreTransaction, callId: CallId, requestId: Hex) {
  const events = await tx.chain.events({ requestId })
  for (const { id } of await tx.rests.list({ callId })) {
    events.push(...(await tx.chain.events({ requestId: id })))
  }
  return events
}

const EPOCH_KINDS = ['EpochPosted', 'EpochActivated', 'EpochRejected', 'Paid'] as const

export function transactionView(event: ChainEvent): z.infer<typeof TransactionView> {
  const epoch = 'epoch' in event ? event.epoch : null
  return { kind: event.kind, hash: event.transactionHash, block: event.block, epoch }
}

async function attestationsOf(
  ports: Ports,
  tx: StoreTransaction,
  call: FlexibilityCall,
): Promise<z.infer<typeof AttestationsView>> {
  const { parties } = ports.rail
  const setId = call.escrow?.terms.verifierSetId ?? parties.verifierSetId
  const version = call.evidence?.version
  const signed = (await tx.attestations.of('settlement', call.id)).filter(
    (attestation) => attestation.version === version,
  )
  const refusals = await tx.attestations.refusals('settlement', call.id)
  return {
    required: (findSet(parties, setId) ?? parties).quorum,
    signed: signed.length,
    signers: signed.map(({ verifier }) => verifier),
    refusals: refusals.map(({ verifier, line, expected, got }) => ({
      verifier,
      line,
      expected,
      got,
    })),
  }
}

function periodView(period: PeriodFigures, whole: boolean): z.infer<typeof PeriodView> {
  const { start, end, requestedW, ...figures } = period
  return { start: at(start), end: at(end), requestedW: whole ? requestedW : null, ...figures }
}

/** Of a repair an aggregator or owner sees the own devices, and no other names. */
function repairView(
  repair: Repair,
  own: ReadonlySet<ResourceId> | null,
): z.infer<typeof RepairView>[] {
  if (own !== null && !own.has(repair.resourceId)) return []
  const replacedBy = repair.replacedBy.filter((id) => own === null || own.has(id))
  const { startedAt, detectedAt, restoredAt, detail, ...rest } = repair
  return [
    {
      ...rest,
      ...(own === null || detail === undefined ? {} : { detail }),
      replacedBy,
      startedAt: at(startedAt),
      detectedAt: at(detectedAt),
      restoredAt: atOrNull(restoredAt),
    },
  ]
}

function allocationView(
  call: FlexibilityCall,
  { resourceId, role, periods, releasedAt }: Allocation,
): z.infer<typeof AllocationView> {
  const candidate = call.candidates.find((c) => c.resourceId === resourceId)
  if (candidate === undefined) throw new Error(`${resourceId} is no candidate of ${call.id}`)
  return {
    resourceId,
    kind: candidate.kind,
    role,
    priceMinorPerKwh: candidate.price.toString(),
    effectBp: candidate.effectBp ?? null,
    periods: periods.map(({ start, end, powerW, setpointW }) => ({
      start: at(start),
      end: at(end),
      powerW,
      setpointW,
    })),
    releasedAt: atOrNull(releasedAt),
  }
}

function lineView(
  call: FlexibilityCall,
  line: SettlementLine,
  withAggregator: boolean,
): z.infer<typeof LineView> {
  const { resourceId, orderedWh, deliveredWh, eligibleWh, reason } = line
  return {
    resourceId,
    orderedWh,
    reservedWh: reservedWhOf(call, resourceId),
    deliveredWh,
    payableWh: eligibleWh,
    reason,
    ownerMinor: line.ownerAmount.toString(),
    aggregatorMinor: withAggregator ? line.aggregatorAmount.toString() : null,
    heldMinor: line.held.toString(),
    findings: (line.findings ?? []).map(({ code, severity, detail }) => ({
      code,
      severity,
      detail: { ...detail },
    })),
  }
}

function energyOf(
  figures: readonly PeriodFigures[],
  powerOf: (period: PeriodFigures) => number,
): number {
  const minutes = figures.reduce(
    (sum, period) =>
      sum + energyOrdered(watts(powerOf(period)), secondsBetween(period.start, period.end)),
    0,
  )
  return toWattHours(wattMinutes(minutes))
}
