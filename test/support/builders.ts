import { SIMULATED_PARTIES, simulatedSignature } from '#adapters/simulated/rail.ts'
import { READ_AS_WINDOW_BEGINS, referenceOf } from '#domain/baseline/candidate.ts'
import { fraction } from '#domain/baseline/fraction.ts'
import type { BaselineMethod } from '#domain/baseline/method.ts'
import { builtInMethod } from '#domain/baseline/methods.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { FlexibilityRequest } from '#domain/flexibility-request.ts'
import {
  type CallId,
  callId,
  congestionPointId,
  organisationId,
  ownerId,
  programId,
  resourceId,
  siteId,
} from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { curvePolicy } from '#domain/payment-policies.ts'
import type { Program } from '#domain/program.ts'
import type { Organisation, Rating, Resource } from '#domain/resource.ts'
import { addSeconds, type Instant, parseInstant } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { acceptOffer } from '#lifecycle/accept-offer.ts'
import type { Ports } from '#ports.ts'

/** A Wednesday in winter. */
export const WINDOW_START: Instant = parseInstant('2026-01-14T16:00:00Z')
export const dso = organisationId('dso')
export const north = congestionPointId('cp-north')

/** A method that comes with the product. */
export function baselineMethod(name: string): BaselineMethod {
  const found = builtInMethod(name)
  if (!found) throw new Error(`there is no baseline method ${name}`)
  return found
}

/** What a candidate says of a baseline that is read as its window begins, or of a given curve. */
export function aBaseline(baselineW: readonly number[] = [], periodSeconds = 900) {
  return {
    baselineMethod: referenceOf(baselineMethod('reading-before')),
    baselineW,
    baseline: {
      ...READ_AS_WINDOW_BEGINS,
      energies: baselineW.map((powerW) => fraction(powerW * periodSeconds, 3600)),
    },
  }
}

export function aProgram(changes: Partial<Program> = {}): Program {
  return {
    id: programId('program-1'),
    version: 1,
    dsoId: dso,
    timeZone: 'Europe/Amsterdam',
    settlementPeriodSeconds: 900,
    meteringIntervalSeconds: 30,
    controlCycleSeconds: 30,
    noticeSeconds: 300,
    graceSeconds: 120,
    disputeWindowSeconds: 180,
    epochSeconds: 120,
    epochWindowSeconds: 60,
    settleBySeconds: 1800,
    priceCapMax: microEurPerKwh(450_000n),
    feeBp: basisPoints(200),
    paymentPolicy: curvePolicy([
      { deliveredBp: 2500, payBp: 0 },
      { deliveredBp: 9500, payBp: 10_000 },
    ]),
    chargerBaseline: baselineMethod('mean-10-of-10'),
    batteryBaseline: baselineMethod('reading-before'),
    toleranceW: 200,
    toleranceBp: basisPoints(500),
    ...changes,
  }
}

export function anOrganisation(id: string, changes: Partial<Organisation> = {}): Organisation {
  return {
    id: organisationId(id),
    kind: 'aggregator',
    name: id,
    address: null,
    aggregatorShareBp: basisPoints(1500),
    ...changes,
  }
}

const CHARGER: Rating = {
  importMaxW: 7360,
  exportMaxW: 0,
  importMinW: 1380,
  phases: 1,
  energyWh: 60_000,
  reserveWh: 0,
  pausable: true,
}
const BATTERY: Rating = {
  importMaxW: 5000,
  exportMaxW: 5000,
  importMinW: 0,
  phases: 3,
  energyWh: 10_000,
  reserveWh: 2000,
  pausable: false,
}

export function aResource(
  id: string,
  kind: Resource['kind'],
  price: bigint,
  changes: Partial<Resource> = {},
): Resource {
  return {
    id: resourceId(id),
    kind,
    siteId: siteId(`site-${id}`),
    ownerId: ownerId(`owner-${id}`),
    aggregatorId: organisationId('agg-1'),
    congestionPointId: north,
    rating: kind === 'charger' ? CHARGER : BATTERY,
    offer: {
      price: microEurPerKwh(price),
      directions: ['reduce-import', 'increase-import'],
      fromMinute: 0,
      untilMinute: 1440,
    },
    connection: { protocol: 'simulated', address: id },
    meter: null,
    enrolledAt: addSeconds(WINDOW_START, -86_400),
    ...changes,
  }
}

/** A request over one or more settlement periods from the window's start. */
export function aRequest(
  powersW: readonly number[],
  changes: Partial<FlexibilityRequest> = {},
): FlexibilityRequest {
  const start = changes.window?.start ?? WINDOW_START
  return {
    congestionPointId: north,
    direction: 'reduce-import',
    window: { start, end: addSeconds(start, powersW.length * 900) },
    periods: powersW.map((powerW, i) => ({ start: addSeconds(start, i * 900), powerW })),
    priceCap: microEurPerKwh(450_000n),
    penalty: { kind: 'none' },
    ...changes,
  }
}

/** Writes parties, program, congestion point, owners and resources straight into the store. */
export async function enrolAll(
  { store }: Pick<Ports, 'store'>,
  resources: readonly Resource[],
  program: Program = aProgram(),
): Promise<void> {
  await store.transaction(async (tx) => {
    const { payer, agent } = SIMULATED_PARTIES
    await tx.organisations.save(anOrganisation('dso', { kind: 'dso', address: payer }))
    await tx.organisations.save(anOrganisation('agent', { kind: 'agent', address: agent }))
    await tx.organisations.save(anOrganisation('agg-1'))
    await tx.organisations.save(anOrganisation('agg-2'))
    await tx.organisations.saveProgram(program)
    await tx.organisations.saveCongestionPoint({ id: north, dsoId: dso, name: 'North' })
    for (const resource of resources) {
      const { ownerId: id, aggregatorId } = resource
      await tx.resources.saveOwner({ id, aggregatorId, payout: { kind: 'agent' } })
      await tx.resources.save(resource)
    }
  })
}

/** The DSO of a simulated world signs the escrow of an offered call. */
export async function acceptAsDso(ports: Ports, id: CallId): Promise<FlexibilityCall> {
  const call = await ports.store.transaction((tx) => tx.calls.lock(id))
  if (!call.escrow) throw new Error(`${id} is ${call.state} and has no escrow to accept`)
  const { terms } = call.escrow
  const signature = simulatedSignature(terms.payer, terms)
  const validBefore = terms.deliverStart / 1000
  return acceptOffer(ports, call.dsoId, id, { validAfter: 0, validBefore, signature })
}

/** A call whose window has begun, and of which nothing else is said. */
export function aDispatchedCall(
  changes: Pick<FlexibilityCall, 'candidates' | 'allocations' | 'orderedW' | 'request'> &
    Partial<FlexibilityCall>,
): FlexibilityCall {
  return {
    id: callId('call-1'),
    dsoId: dso,
    program: aProgram(),
    state: 'dispatched',
    requestedAt: addSeconds(WINDOW_START, -600),
    gateClosesAt: addSeconds(WINDOW_START, -300),
    skipped: [],
    reasons: [],
    escrow: null,
    baselineCommitment: null,
    repairs: [],
    before: [],
    windowStartCommitment: `0x${'0'.repeat(64)}`,
    cancelledAt: null,
    releasedAt: null,
    evidence: null,
    settlement: null,
    ...changes,
  }
}
