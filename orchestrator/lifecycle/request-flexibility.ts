import { hashOf } from '#domain/canonical.ts'
import { fieldError } from '#domain/errors.ts'
import { POOL_MONEY_MAX } from '#domain/escrow.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { FlexibilityRequest } from '#domain/flexibility-request.ts'
import { type CallId, callId, type OrganisationId } from '#domain/ids.ts'
import type { Program } from '#domain/program.ts'
import { escrowNeeded } from '#domain/settlement.ts'
import { addSeconds, formatInstant, type Instant, settlementPeriodStarts } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import { callEvent } from './announce.ts'

/**
 * Accepts a DSO's request for flexibility. The call's id follows from DSO and idempotency key, so
 * the same post twice, also across a restart, is one call.
 * @throws DomainError that names the field: window-in-the-past, notice-too-short,
 * window-not-aligned, power-not-positive, price-above-cap, unknown-congestion-point,
 * idempotency-key-reused
 */
export async function requestFlexibility(
  ports: Ports,
  dsoId: OrganisationId,
  idempotencyKey: string,
  request: FlexibilityRequest,
): Promise<{ call: FlexibilityCall; repeated: boolean }> {
  const id = callId(`call-${hashOf({ dsoId, idempotencyKey }).slice(2, 18)}`)
  const done = await ports.store.transaction(async (tx) => {
    const known = await tx.calls.find(id)
    if (known) return { call: sameRequest(known, request, idempotencyKey), repeated: true }
    const program = await tx.organisations.program(dsoId)
    if (!program) throw fieldError('wrong-state', 'program', 'a program in force', 'none')
    const point = await tx.organisations.congestionPoint(request.congestionPointId)
    if (point?.dsoId !== dsoId) {
      const expected = 'a congestion point of this DSO'
      const got = request.congestionPointId
      throw fieldError('unknown-congestion-point', 'congestionPointId', expected, got)
    }
    const now = ports.clock.now()
    checkRequest(request, program, now)
    const call = newCall(id, dsoId, program, request, now)
    await tx.calls.create(call)
    await tx.events.append([
      callEvent(call, 'call-requested', now, `requested at ${request.congestionPointId}`),
    ])
    return { call, repeated: false }
  })
  await ports.wakeUps.wakeCall(id, done.call.gateClosesAt)
  await ports.wakeUps.notify('events')
  return done
}

function sameRequest(known: FlexibilityCall, request: FlexibilityRequest, key: string) {
  if (hashOf(known.request) !== hashOf(request)) {
    const expected = 'a new key for a request with another content'
    throw fieldError('idempotency-key-reused', 'header.idempotency-key', expected, key)
  }
  return known
}

function newCall(
  id: CallId,
  dsoId: OrganisationId,
  program: Program,
  request: FlexibilityRequest,
  now: Instant,
): FlexibilityCall {
  return {
    id,
    dsoId,
    program,
    request,
    state: 'requested',
    requestedAt: now,
    gateClosesAt: addSeconds(request.window.start, -program.noticeSeconds),
    candidates: [],
    allocations: [],
    orderedW: [],
    skipped: [],
    reasons: [],
    escrow: null,
    baselineCommitment: null,
    repairs: [],
    ...(program.product !== undefined ? { activations: [] } : {}),
    before: [],
    windowStartCommitment: null,
    cancelledAt: null,
    releasedAt: null,
    evidence: null,
    settlement: null,
  }
}

function checkRequest(request: FlexibilityRequest, program: Program, now: Instant): void {
  const { window, periods, priceCap } = request
  const text = formatInstant(window.start)
  if (window.start <= now) {
    const expected = `a start after ${formatInstant(now)}`
    throw fieldError('window-in-the-past', 'window.start', expected, text)
  }
  if (window.start < addSeconds(now, program.noticeSeconds)) {
    const expected = `a start at least ${program.noticeSeconds} s after now`
    throw fieldError('notice-too-short', 'window.start', expected, text)
  }
  checkPeriods(request, program)
  const wrong = periods.findIndex(({ powerW }) => !Number.isSafeInteger(powerW) || powerW <= 0)
  if (wrong !== -1) {
    const field = `periods[${wrong}].powerW`
    throw fieldError('power-not-positive', field, 'whole W above 0', periods[wrong]?.powerW)
  }
  if (priceCap <= 0n || priceCap > program.priceCapMax) {
    const expected = `more than 0 and at most ${program.priceCapMax} micro-EUR per kWh`
    throw fieldError('price-above-cap', 'priceCapMinorPerKwh', expected, priceCap.toString())
  }
  checkAmount(request, program)
}

/** No pool could hold the escrow of more: better said now than when it is to be opened. */
function checkAmount({ periods, priceCap }: FlexibilityRequest, program: Program): void {
  const { settlementPeriodSeconds, feeBp, paymentPolicy } = program
  const powerW = periods.reduce((sum, period) => sum + period.powerW, 0)
  const energyWh = Math.ceil((powerW * settlementPeriodSeconds) / 3600)
  const needed = escrowNeeded(energyWh, priceCap, feeBp, paymentPolicy)
  if (Number.isSafeInteger(energyWh) && needed <= POOL_MONEY_MAX) return
  const expected = `energy whose escrow is at most ${POOL_MONEY_MAX} micro-EUR at the price cap`
  throw fieldError('malformed', 'periods', expected, `${energyWh} Wh, ${needed} micro-EUR`)
}

function checkPeriods({ window, periods }: FlexibilityRequest, program: Program): void {
  const step = program.settlementPeriodSeconds
  const aligned = window.start % (step * 1000) === 0 && window.end % (step * 1000) === 0
  if (!aligned || window.end <= window.start) {
    const got = `${formatInstant(window.start)} to ${formatInstant(window.end)}`
    const expected = `whole settlement periods of ${step} s on the clock`
    throw fieldError('window-not-aligned', 'window', expected, got)
  }
  const starts = settlementPeriodStarts(window, step)
  const same =
    starts.length === periods.length && starts.every((start, i) => periods[i]?.start === start)
  if (!same) {
    const expected = `one entry per settlement period: ${starts.map(formatInstant).join(', ')}`
    const got = periods.map((period) => formatInstant(period.start)).join(', ')
    throw fieldError('window-not-aligned', 'periods', expected, got)
  }
}
