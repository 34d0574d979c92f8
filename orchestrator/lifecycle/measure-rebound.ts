import type { EvidenceBundle } from '#domain/evidence.ts'
import { type FlexibilityCall, isReboundOpen } from '#domain/flexibility-call.ts'
import type { CallId, ResourceId } from '#domain/ids.ts'
import {
  lastBaselinesW,
  type MeasuredRebound,
  measuredRebound,
  measuredSpan,
} from '#domain/rebound/measured.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import { parseBundle } from '#domain/verification.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { callEvent } from './announce.ts'

/**
 * Once the last device is back after a window: what all of them did meanwhile, by their meters,
 * beside what was planned. Readings that are missing are waited for as long as the program's grace;
 * then who was not heard is left out and counted. Safe to run twice.
 */
export async function measureRebound(ports: Ports, callId: CallId): Promise<void> {
  const measured = await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    const { rebound } = call
    const now = ports.clock.now()
    const span = spanOf(call)
    if (rebound === undefined || span === null || now < span.until) return false
    // What was delivered is measured first: baselines are found there.
    if (call.state === 'dispatched') return false
    const found = await measureOf(tx, call, rebound, span)
    const isLate = now >= addSeconds(span.until, call.program.graceSeconds)
    if (found.unheard > 0 && !isLate) return false
    await tx.calls.save({ ...call, rebound: { ...rebound, measured: found } })
    await tx.events.append([measuredEvent(call, found, now)])
    return true
  })
  if (measured) await ports.wakeUps.notify('events')
}

/** When it is looked for again; null: there is nothing to measure, or not yet. */
export function nextMeasuring(call: FlexibilityCall, now: Instant): Instant | null {
  const span = spanOf(call)
  if (span === null) return null
  return now < span.until ? span.until : addSeconds(now, call.program.controlCycleSeconds)
}

function spanOf(call: FlexibilityCall) {
  const { rebound, program } = call
  if (rebound === undefined || rebound.doneAt === null || !isReboundOpen(call)) return null
  return measuredSpan(rebound, rebound.doneAt, program.meteringIntervalSeconds)
}

async function measureOf(
  tx: StoreTransaction,
  call: FlexibilityCall,
  plan: NonNullable<FlexibilityCall['rebound']>,
  span: { readonly from: Instant; readonly until: Instant },
): Promise<MeasuredRebound> {
  const { meteringIntervalSeconds, settlementPeriodSeconds: longestGapSeconds } = call.program
  const ids = plan.restarts.map(({ resourceId }) => resourceId)
  // One on either side: between them registers lie on a straight line.
  const readings = await tx.readings.between(
    ids,
    addSeconds(span.from, -meteringIntervalSeconds),
    addSeconds(span.until, meteringIntervalSeconds),
  )
  return measuredRebound(plan, span, {
    readings,
    baselinesW: lastBaselinesW((await bundleOf(tx, call))?.deliveries ?? []),
    backAt: await backAtOf(tx, call, ids),
    meteringIntervalSeconds,
    longestGapSeconds,
  })
}

/** null: the call was never measured. */
async function bundleOf(
  tx: StoreTransaction,
  { id, evidence }: FlexibilityCall,
): Promise<EvidenceBundle | null> {
  const text = evidence && (await tx.evidence.load(id, evidence.version))
  return text === null ? null : parseBundle(text)
}

/** As far as nobody else has told them anything since. */
async function backAtOf(
  tx: StoreTransaction,
  { id }: FlexibilityCall,
  ids: readonly ResourceId[],
): Promise<Map<ResourceId, Instant>> {
  const found = new Map<ResourceId, Instant>()
  for (const { resourceId, callId, powerW, effectiveAt } of await tx.setpoints.current(ids)) {
    if (callId === id && powerW === null && effectiveAt !== null) found.set(resourceId, effectiveAt)
  }
  return found
}

/** A notice where they took more together than there was room for. */
function measuredEvent(call: FlexibilityCall, found: MeasuredRebound, now: Instant) {
  const { peakW, overshootW, drawnWh, unheard } = found
  const over = overshootW ?? 0
  const most = peakW === null ? 'no reading tells how much' : `at most ${peakW} W at once`
  const message =
    `after the window ${found.devices.length} resources took ${drawnWh} Wh, ${most}` +
    `${over > 0 ? `; the room was passed by ${over} W` : ''}` +
    `${unheard > 0 ? `; ${unheard} were not heard` : ''}`
  const data = { peakW, overshootW, drawnWh, unheard }
  return callEvent(call, 'rebound-measured', now, message, { notice: over > 0, data })
}
