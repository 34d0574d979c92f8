import { activated } from './activated-parts.ts'
import { orderedIn } from './activation.ts'
import { type Allocation, cutAt } from './allocation.ts'
import { frequencyStandby, voltageStandby } from './armed-standby.ts'
import { methodFor } from './baseline/candidate.ts'
import { type FleetBaselines, fleetBaselines, isOfFleet, stretchKey } from './baseline/fleet.ts'
import type { Fraction } from './baseline/fraction.ts'
import type { BaselineMethod } from './baseline/method.ts'
import { type BaselineOf, energyOfStretch, ownEnergies } from './baseline/stretches.ts'
import { controlBias } from './control-group.ts'
import { type Delivery, measureDelivery, orderedEnergy } from './delivery.ts'
import { holdClaims } from './dispute.ts'
import type { EvidenceBundle } from './evidence.ts'
import { inspect } from './fair-play/inspect.ts'
import type { FlexibilityCall } from './flexibility-call.ts'
import { settleRest } from './held-rest.ts'
import type { ResourceId } from './ids.ts'
import {
  type CallSettlement,
  type OrderedPeriod,
  type Rounding,
  settle,
  type SettlementInput,
} from './settlement.ts'
import { heldSecondsOf, standbyOf } from './standby.ts'
import { byResource, type DeviceReading, energyBetween } from './telemetry.ts'
import { addSeconds, instant, secondsBetween } from './time.ts'

/** Everything in a bundle but what is computed from it. */
export type Evidence = Omit<EvidenceBundle, 'deliveries' | 'settlement'>

/** What deliveries follow from; also while the call runs and there is no bundle yet. */
export type Measurable = Pick<Evidence, 'activations' | 'allocations' | 'before' | 'readings'> & {
  readonly terms: Pick<Evidence['terms'], 'candidates' | 'program' | 'request' | 'standbyRule'>
}

/** Whose readings deliveries follow from: those ordered, and the whole fleet where one is settled. */
export function measuredResources({
  allocations,
  candidates,
  program,
}: Pick<FlexibilityCall, 'allocations' | 'candidates' | 'program'>): ResourceId[] {
  const ordered = allocations.map(({ resourceId }) => resourceId)
  const fleet = candidates.filter(({ kind }) => isOfFleet(methodFor(program, kind)))
  return [...new Set([...ordered, ...fleet.map(({ resourceId }) => resourceId)])]
}

/** Delivery per resource and ordered stretch, recomputed from the bundle's readings alone. */
export function measure(measurable: Measurable): Delivery[] {
  const { request, program } = measurable.terms
  const readings = byResource(measurable.readings)
  const allocations = used(measurable)
  const baselineOf = callBaselines({ ...measurable, allocations }, readings)
  return allocations.flatMap((allocation) =>
    measureDelivery(
      allocation,
      (stretch) => baselineOf(allocation.resourceId, stretch),
      readings.get(allocation.resourceId) ?? [],
      request.direction,
      program.settlementPeriodSeconds,
    ),
  )
}

function used({ activations, allocations, terms }: Measurable): readonly Allocation[] {
  const { candidates, program, request, standbyRule } = terms
  return activated({
    allocations,
    candidates,
    program,
    request,
    ...(activations && { activations }),
    ...(standbyRule && { standbyRule }),
  })
}

/** The baseline of every ordered stretch, by the methods in the terms. */
function callBaselines(
  { terms, allocations, before }: Measurable,
  readings: ReadonlyMap<ResourceId, readonly DeviceReading[]>,
): BaselineOf {
  const { program, request, candidates } = terms
  const early = byResource(before)
  const byId = new Map(candidates.map((candidate) => [candidate.resourceId, candidate]))
  const callOf = (id: ResourceId) => ({
    program,
    request,
    before: early.get(id) ?? [],
    readings: readings.get(id) ?? [],
  })
  const energies = new Map<ResourceId, readonly Fraction[] | null>()
  const fleets = new Map<BaselineMethod, FleetBaselines>()
  return (id, stretch) => {
    const candidate = byId.get(id)
    if (!candidate) throw new Error(`${id} is not among the terms' candidates`)
    const method = methodFor(program, candidate.kind)
    if (isOfFleet(method)) {
      const fleet = fleets.get(method) ?? fleetBaselines(method, candidates, allocations, callOf)
      fleets.set(method, fleet)
      return fleet.get(stretchKey(id, stretch.start)) ?? null
    }
    const call = callOf(id)
    const own = energies.has(id) ? (energies.get(id) ?? null) : ownEnergies(candidate, call)
    energies.set(id, own)
    return own === null ? null : energyOfStretch(method, call, own, stretch)
  }
}

/** W·min promised to the DSO up to where the ordered window ended, in whole Wh per period. */
export function orderedPeriodsOf(evidence: Evidence): OrderedPeriod[] {
  const { request, program, orderedW } = evidence.terms
  const { activations } = evidence
  return request.periods.flatMap(({ start }, i) => {
    const whole = addSeconds(start, program.settlementPeriodSeconds)
    const end = instant(Math.min(whole, evidence.deliveryEnd))
    if (end <= start) return []
    const heldW = orderedW[i] ?? 0
    const stretches = orderedIn({ start, end }, heldW, activations)
    const orderedWh = stretches.reduce((sum, stretch) => sum + orderedEnergy(stretch), 0)
    const seconds = stretches.reduce((sum, one) => sum + secondsBetween(one.start, one.end), 0)
    return [{ start, seconds, orderedWh }]
  })
}

/** What the call's escrow is split by. */
export function settlementInput(
  evidence: Evidence,
  deliveries: readonly Delivery[],
): SettlementInput {
  const { request, program, candidates, carriedWh, standbyRule, penaltyRule } = evidence.terms
  return {
    allocations: evidence.allocations,
    candidates,
    deliveries,
    orderedPeriods: orderedPeriodsOf(evidence),
    ...stoodBy(evidence, deliveries),
    ...(standbyRule === undefined ? { scalesAll: true } : {}),
    ...(penaltyRule === undefined ? { poolsPenalty: true } : {}),
    policy: program.paymentPolicy,
    priceCap: request.priceCap,
    penalty: request.penalty,
    carriedWh,
    isFinal: evidence.rest !== undefined, // a provisional share waits for the later round
    findings: inspect(evidence, deliveries),
    holds: new Map((evidence.disputed ?? []).map(({ resourceId, code }) => [resourceId, [code]])),
    feeBp: program.feeBp,
    escrow: evidence.escrow.terms.amount,
  }
}

/** Whether something has not come yet that deliveries or standing by follow from. */
export function isIncomplete(evidence: Evidence, deliveries: readonly Delivery[]): boolean {
  if (deliveries.some(({ measuredWh }) => measuredWh === null)) return true
  const { activations, allocations, armings = [], terms } = evidence
  if (activations === undefined) return false
  if (armings.some(({ recording, refusal }) => recording === null && refusal === null)) return true
  const readings = byResource(evidence.readings)
  const longestGapSeconds = terms.program.settlementPeriodSeconds
  return allocations.some(({ resourceId, periods }) => {
    const mine = readings.get(resourceId) ?? []
    return periods.some(({ start, end }) => {
      return energyBetween(mine, start, end, longestGapSeconds) === null
    })
  })
}

/** Who stood by where availability is paid for; nothing in an ordinary call. */
export function stoodBy(
  evidence: Evidence,
  deliveries: readonly Delivery[],
): Pick<SettlementInput, 'standby'> {
  const { activations, allocations, readings } = evidence
  if (activations === undefined) return {}
  const { candidates, program, request, orderedW, standbyRule: rule } = evidence.terms
  const { direction } = request
  const longestGapSeconds = program.settlementPeriodSeconds
  const { armings = [] } = evidence
  if (program.voltage) {
    const { voltage: terms } = program
    const watched = { allocations, armings, readings, terms, candidates, longestGapSeconds }
    return { standby: voltageStandby(watched) }
  }
  if (program.frequency) {
    const { frequency: terms } = program
    const watched = { allocations, armings, readings, terms, direction, longestGapSeconds }
    return { standby: frequencyStandby(watched) }
  }
  const { meteringIntervalSeconds } = program
  const called = used(evidence)
  const heldSeconds = heldSecondsOf(orderedW, program)
  const watched = { allocations, called, deliveries, readings, candidates, direction, rule }
  return {
    standby: standbyOf({ ...watched, longestGapSeconds, meteringIntervalSeconds, heldSeconds }),
  }
}

/** The exact split of the call's escrow; in a later round of what an earlier one held. */
export function settlementOf(
  evidence: Evidence,
  deliveries: readonly Delivery[],
  round?: Rounding,
): CallSettlement {
  const { program, candidates } = evidence.terms
  const { rest, disputed = [] } = evidence
  const { feeBp } = program
  const split = settle(settlementInput(evidence, deliveries), round)
  const control = controlBias(measureControl(evidence))
  const whole = control === null ? split : { ...split, control }
  if (rest) return settleRest(rest, whole, candidates, feeBp, round)
  return holdClaims(whole, disputed, { candidates, feeBp, escrow: evidence.escrow.terms.amount })
}

/** The control group over the whole delivered window, as if it had been ordered nothing. */
function measureControl(evidence: Evidence): Delivery[] {
  const { terms, deliveryEnd, before, readings } = evidence
  const { request, program, control } = terms
  if (control.length === 0) return []
  const seconds = program.settlementPeriodSeconds
  const whole = request.periods.map(({ start }) => {
    return { start, end: addSeconds(start, seconds), powerW: 0, setpointW: 0 }
  })
  const allocations = control.map(({ resourceId }): Allocation => {
    const periods = cutAt(whole, deliveryEnd)
    return { resourceId, role: 'order', periods, releasedAt: null }
  })
  return measure({
    allocations,
    before,
    readings,
    terms: { request, program, candidates: control },
  })
}

/** Completes evidence into the bundle that is stored, sent and signed. */
export function completeBundle(evidence: Evidence): EvidenceBundle {
  const deliveries = measure(evidence)
  return { ...evidence, deliveries, settlement: settlementOf(evidence, deliveries) }
}
