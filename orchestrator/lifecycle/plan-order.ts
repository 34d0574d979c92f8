import type { Allocation, Offerable, PeriodNeed } from '#domain/allocation.ts'
import { unavoidableShortfallWh } from '#domain/allocation/feasibility.ts'
import { fleetOf, relaxed } from '#domain/allocation/greedy-plan.ts'
import type { AllocationStatement, Limits, Wanted } from '#domain/allocation/limits.ts'
import { allocationsOf, limitsOf, wantedOf } from '#domain/allocation/offers.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { Ports } from '#ports.ts'
import { planAllocation } from './plan-allocation.ts'

/**
 * Wall ms: gate closure waits no longer for the solver; merit order goes without it. A few times what
 * the solver's work takes (`npm run bench -- allocation`), so that it is not this which decides.
 */
export const SOLVER_DEADLINE_MS = 6_000
/**
 * For all plans after the first, each of which gets half of what is left of it. The gate holds its
 * congestion point meanwhile, and a repair there waits 10 s for that before its cycle is undone.
 */
const REPLANS_MS = 3_000

/** What is to be ordered, and what was asked for: less is ordered where more is not sure enough. */
type Asked = {
  readonly needs: readonly PeriodNeed[]
  readonly requested: readonly PeriodNeed[]
  /** Of the calls before; null: there were none. */
  readonly giniBp: number | null
}

type CallOf = Pick<FlexibilityCall, 'request'> & {
  readonly program: Pick<FlexibilityCall['program'], 'rotationBandBp'>
}

/** Who is ordered what as the gate closes, how that was found, and what nobody could serve. */
export async function planOrder(
  { solver }: Pick<Ports, 'solver'>,
  { request, program }: CallOf,
  { needs, requested, giniBp }: Asked,
  offers: readonly Offerable[],
  plansBefore = 0,
): Promise<{ allocations: Allocation[]; allocatedBy: AllocationStatement }> {
  const devices = offers.map((offer) => limitsOf(offer, needs, request.direction))
  const wanted = wantedOf(needs)
  const deadlineMs = plansBefore === 0 ? SOLVER_DEADLINE_MS : REPLANS_MS / 2 ** plansBefore
  const options = { deadlineMs, priceCap: Number(request.priceCap) }
  const { powerW, method, because } = await planAllocation(solver, devices, wanted, options)
  return {
    allocations: allocationsOf(offers, needs, powerW, request.direction, 'order'),
    allocatedBy: {
      method,
      because: `${because}${sayingBands(offers, program.rotationBandBp ?? 0)}`,
      unavoidableWh: outOfReachWh(devices, wantedOf(requested)),
      ...(giniBp === null ? {} : { giniBp }),
    },
  }
}

/** A sentence for the DSO: how it was allocated, and what of its request is out of reach. */
export function sayingHow({ because, unavoidableWh }: AllocationStatement): string {
  if (unavoidableWh === 0) return because
  return `${because}; ${unavoidableWh} Wh of the request are beyond all resources together`
}

/** The least cost is then one of prices that count, and not of those that are paid. */
function sayingBands(offers: readonly Offerable[], bandBp: number): string {
  const isBanded = offers.some(({ candidate }) => candidate.bandPrice !== undefined)
  return isBanded ? `; prices within ${bandBp / 100} % counted as equal` : ''
}

function outOfReachWh(devices: readonly Limits[], wanted: Wanted): number {
  const able = relaxed(devices, wanted)
  if (able === null) return 0
  const hours = wanted.hours[0] ?? 0
  return Math.floor(unavoidableShortfallWh(fleetOf(able), { powerW: wanted.powerW, hours }))
}
