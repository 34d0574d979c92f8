import type { Candidate, SkippedResource } from '#domain/allocation.ts'
import { meritOrder } from '#domain/allocation/offers.ts'
import { meanPower, methodFor, referenceOf } from '#domain/baseline/candidate.ts'
import { cannotAnswer, hasCurves } from '#domain/armed-curve.ts'
import { type Capability, ratingAsFound } from '#domain/capability.ts'
import { controlGroupOf } from '#domain/control-group.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { standingOfferAnswers } from '#domain/flexibility-offer.ts'
import type { CallId, ResourceId } from '#domain/ids.ts'
import { ratingUnderLaw } from '#domain/legal-floor.ts'
import { type BehindPoint, behindPoint } from '#domain/network/behind-point.ts'
import { type OwnerLimits, ratingWithReserve, sayWithdrawn } from '#domain/owner-limits.ts'
import type { Rating, Resource } from '#domain/resource.ts'
import { inPriceBands } from '#domain/rotation.ts'
import { basisPoints } from '#domain/units.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { calledLately } from './called-lately.ts'
import { keptOut, type Tied } from './calls-around.ts'
import { fleetsElsewhere } from './fleets-elsewhere.ts'
import { readHistory } from './read-history.ts'

/**
 * Who could take part in a call, with baseline and price, in merit order; who is left out and why;
 * and who is held out, to judge baselines by.
 */
export async function findCandidates(tx: StoreTransaction, call: FlexibilityCall) {
  const { program } = call
  const { answering, owners, skipped, network } = await whoAnswers(tx, call)
  const found = await tx.resources.capabilities(answering.map(({ id }) => id))
  const capabilities = new Map(found.map((known) => [known.resourceId, known.capability]))
  const able = answering.filter(({ id }) => {
    const detail = cannotAnswer(program, capabilities.get(id) ?? null)
    if (detail !== null) skipped.push({ resourceId: id, reason: 'no-capability', detail })
    return detail === null
  })
  const willing = able.map((resource) => {
    const { id } = resource
    return {
      ...resource,
      rating: ratingToPromise(resource, program, capabilities.get(id), owners.get(id)),
    }
  })
  const { baselines, history } = await readHistory(tx, call, willing)
  const { calledBp, giniBp } = await calledLately(tx, call)
  const shares = new Map<string, Candidate['aggregatorShareBp']>()
  for (const aggregator of await tx.organisations.list('aggregator')) {
    shares.set(aggregator.id, aggregator.aggregatorShareBp)
  }
  const asking = willing.map((resource): Candidate => {
    const baseline = baselines.get(resource.id)
    const share = shares.get(resource.aggregatorId)
    if (!baseline || share === undefined) {
      throw new Error(`${resource.id} has no baseline or aggregator`)
    }
    const { id: resourceId, ownerId, aggregatorId, kind, rating, offer } = resource
    return {
      resourceId,
      ownerId,
      aggregatorId,
      aggregatorShareBp: share,
      kind,
      rating,
      price: offer.price,
      ...effectIn(network, resourceId),
      ...(calledBp.has(resourceId) ? { calledBp: calledBp.get(resourceId) ?? 0 } : {}),
      ...(offer.conditions === undefined ? {} : { conditions: offer.conditions }),
      baselineMethod: referenceOf(methodFor(program, kind)),
      baselineW: baseline.energies.map((energy) =>
        meanPower(energy, program.settlementPeriodSeconds),
      ),
      baseline,
    }
  })
  const all = inPriceBands(asking, program.rotationBandBp ?? 0)
  all.sort(meritOrder)
  const meterKeys = willing.flatMap(({ id, meter }) => {
    return meter === null ? [] : [{ resourceId: id, ...meter }]
  })
  const control = await heldOut(tx, call, all)
  for (const { resourceId } of control) {
    const detail = 'held out of this call, by the hash of its id, so that baselines can be judged'
    skipped.push({ resourceId, reason: 'control-group', detail })
  }
  const candidates = all.filter((candidate) => !control.includes(candidate))
  return { candidates, control, skipped, history, meterKeys, giniBp, network }
}

/** What may be promised of a device: as found out, by the law, and its owner. */
export function ratingToPromise(
  { kind, rating }: Pick<Resource, 'kind' | 'rating'>,
  program: FlexibilityCall['program'],
  capability: Capability | null = null,
  owner?: OwnerLimits,
): Rating {
  const found = ratingAsFound(kind, rating, capability)
  const lawful = ratingUnderLaw({ kind, rating: found }, program)
  return owner === undefined ? lawful : ratingWithReserve(lawful, owner)
}

/** Those whose own offer, owner and place keep none of them out of the call. */
async function whoAnswers(tx: StoreTransaction, call: FlexibilityCall) {
  const { request, program } = call
  const resources = await tx.resources.list({ congestionPointId: request.congestionPointId })
  const skipped: SkippedResource[] = []
  const elsewhere = await fleetsElsewhere(tx, call)
  const out = await keptOut(tx, call, resources.map(tiedOf))
  const stored = await tx.organisations.feeder(request.congestionPointId)
  // No branch is short of frequency or voltage: what a W does there says nothing of either.
  const network = stored === null || hasCurves(program) ? null : behindPoint(stored, resources)
  const said = await tx.control.limits(resources.map(({ id }) => id))
  const owners = new Map(said.map((limits) => [limits.resourceId, limits]))
  const answering = resources.filter((resource) => {
    const other = elsewhere.get(resource.id)
    const no =
      withoutConsent(owners.get(resource.id)) ??
      (other === undefined ? null : inOtherFleet(resource.id, other)) ??
      standingOfferAnswers(resource, request, program.timeZone) ??
      out.get(resource.id) ??
      withoutEffect(network, resource.id)
    if (no) skipped.push(no)
    return no === null
  })
  return { answering, owners, skipped, network }
}

function inOtherFleet(resourceId: ResourceId, other: CallId): SkippedResource {
  const detail = `it belongs to a fleet that call ${other} settles as a whole at that time`
  return { resourceId, reason: 'already-promised', detail }
}

/** Its owner, or his aggregator, withdrew the consent; null: it stands. */
export function withoutConsent(limits: OwnerLimits | undefined): SkippedResource | null {
  const detail = limits === undefined ? null : sayWithdrawn(limits.consent)
  if (limits === undefined || detail === null) return null
  return { resourceId: limits.resourceId, reason: 'no-consent', detail }
}

function tiedOf({ id: resourceId, offer: { conditions } }: Resource): Tied {
  return conditions === undefined ? { resourceId } : { resourceId, conditions }
}

/** What does not lie behind the branch relieves it of nothing. */
function withoutEffect(
  network: BehindPoint | null,
  resourceId: ResourceId,
): SkippedResource | null {
  if (network?.effectBp.get(resourceId) !== 0) return null
  const detail = `it does not lie behind ${network.statement.branchId}, the branch that is short`
  return { resourceId, reason: 'no-effect', detail }
}

function effectIn(
  network: BehindPoint | null,
  resourceId: ResourceId,
): Pick<Candidate, 'effectBp' | 'siteId'> {
  const effectBp = network?.effectBp.get(resourceId)
  const siteId = network?.siteOf.get(resourceId)
  return {
    ...(effectBp === undefined ? {} : { effectBp }),
    ...(siteId === undefined ? {} : { siteId }),
  }
}

/** The control group, without devices that another call moves in the same window. */
async function heldOut(tx: StoreTransaction, call: FlexibilityCall, all: readonly Candidate[]) {
  const { program, request, id } = call
  const ids = all.map(({ resourceId }) => resourceId)
  const chosen = controlGroupOf(id, ids, program.controlGroupBp ?? basisPoints(0))
  if (chosen.size === 0) return []
  const taken = await tx.promises.taken([...chosen], request.window.start, request.window.end)
  const moved = new Set(taken.map(({ resourceId }) => resourceId))
  return all.filter(({ resourceId }) => chosen.has(resourceId) && !moved.has(resourceId))
}
