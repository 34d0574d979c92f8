import type { Allocation, Candidate } from '../allocation.ts'
import type { ResourceId } from '../ids.ts'
import { energyBetween } from '../telemetry.ts'
import { type Instant, instant, secondsBetween } from '../time.ts'
import { adjust } from './adjust.ts'
import { methodFor } from './candidate.ts'
import { type Fraction, fraction, minus, over, plus, times, ZERO } from './fraction.ts'
import type { BaselineMethod, HistoryMethod, StateBasedMethod } from './method.ts'
import { adjustmentOf } from './shape.ts'
import { type CallReadings, levelOf, periodEnd, rounded, type Stretch } from './stretches.ts'

type FleetMethod = HistoryMethod | StateBasedMethod

/** A fleet's baseline is of all its members together; only such methods have one. */
export function isOfFleet(method: BaselineMethod): method is FleetMethod {
  return method.unit === 'fleet' && (method.family === 'history' || method.family === 'state-based')
}

/** A device whose level is known: it counts in the fleet, whether it is ordered to move or not. */
type Member = {
  readonly candidate: Candidate
  readonly call: CallReadings
  readonly level: Fraction
}

/** Whole Wh by resource and start of stretch. */
export type FleetBaselines = ReadonlyMap<string, number>

export function stretchKey(resourceId: ResourceId, start: Instant): string {
  return `${resourceId} ${start}`
}

/**
 * The baseline of a fleet that is settled as a whole, and its share per ordered stretch. What
 * members drew that were not ordered to move is their own baseline and is taken off, so that cars
 * that arrive elsewhere in the fleet are nobody's delivery. The rest is shared by what each drew
 * before the window; shares are rounded so that they sum to the whole.
 */
export function fleetBaselines(
  method: FleetMethod,
  candidates: readonly Candidate[],
  allocations: readonly Allocation[],
  callOf: (resourceId: ResourceId) => CallReadings,
): FleetBaselines {
  const members = candidates.flatMap((candidate): Member[] => {
    const call = callOf(candidate.resourceId)
    if (methodFor(call.program, candidate.kind) !== method) return []
    const level = levelOf(candidate, call)
    return level === null ? [] : [{ candidate, call, level }]
  })
  const [first] = members
  if (!first) return new Map()
  const energies = wholeFleet(method, members)
  const shares = new Map<string, number>()
  const stretches = stretchesOf(members, allocations)
  first.call.request.periods.forEach(({ start }, i) => {
    const whole = periodEnd(first.call, start)
    const mine = stretches.filter((s) => s.start >= start && s.start < whole)
    if (mine.length === 0) return
    const end = instant(Math.max(...mine.map((stretch) => stretch.end)))
    const part = fraction(end - start, whole - start)
    const elsewhere = drawnElsewhere(members, mine, { start, end })
    const pot = minus(times(energies[i] ?? ZERO, part), fraction(elsewhere))
    share(method, pot, mine, shares)
  })
  return shares
}

type MemberStretch = Stretch & { readonly member: Member }

function stretchesOf(members: readonly Member[], allocations: readonly Allocation[]) {
  const byId = new Map(members.map((member) => [member.candidate.resourceId, member]))
  return allocations
    .flatMap(({ resourceId, periods }): MemberStretch[] => {
      const member = byId.get(resourceId)
      return member ? periods.map(({ start, end }) => ({ start, end, member })) : []
    })
    .sort((a, b) => (idOf(a) < idOf(b) ? -1 : idOf(a) > idOf(b) ? 1 : a.start - b.start))
}

const idOf = ({ member }: MemberStretch): ResourceId => member.candidate.resourceId

/** The sum of the members' shapes, at the level that the sum of their meters shows. */
function wholeFleet(method: FleetMethod, members: readonly Member[]): readonly Fraction[] {
  const baselines = members.map(({ candidate }) => candidate.baseline)
  const [first] = baselines
  const energies = (first?.energies ?? []).map((_, i) =>
    baselines.map((baseline) => baseline.energies[i] ?? ZERO).reduce(plus, ZERO),
  )
  const rule = adjustmentOf(method)
  if (rule === null) return energies
  const usual = baselines.map((baseline) => baseline.level?.usual ?? ZERO).reduce(plus, ZERO)
  const mine = members.map(({ level }) => level).reduce(plus, ZERO)
  const isSigned = members.some(({ candidate }) => candidate.rating.exportMaxW > 0)
  return adjust(rule, isSigned, energies, usual, mine).periods
}

/** Wh drawn in a period by members outside their ordered stretches. */
function drawnElsewhere(
  members: readonly Member[],
  ordered: readonly MemberStretch[],
  period: Stretch,
): number {
  const stretchesByMember = Map.groupBy(ordered, ({ member }) => member)
  return members.reduce((sum, member) => {
    const mine = stretchesByMember.get(member) ?? []
    return sum + gapsBetween(mine, period).reduce((wh, gap) => wh + drawn(member, gap), 0)
  }, 0)
}

/** What is left of a period beside stretches in order of time. */
function gapsBetween(stretches: readonly Stretch[], { start, end }: Stretch): Stretch[] {
  const gaps: Stretch[] = []
  let open = start
  for (const stretch of stretches) {
    if (stretch.start > open) gaps.push({ start: open, end: stretch.start })
    open = stretch.end
  }
  if (open < end) gaps.push({ start: open, end })
  return gaps
}

/** Where no reading tells, the member counts as what would pay the fleet least. */
function drawn({ candidate, call }: Member, { start, end }: Stretch): number {
  const { settlementPeriodSeconds } = call.program
  const wh = energyBetween(call.readings, start, end, settlementPeriodSeconds)
  if (wh !== null) return wh
  const { importMaxW, exportMaxW } = candidate.rating
  const worstW = call.request.direction === 'reduce-import' ? importMaxW : -exportMaxW
  return Math.round((worstW * secondsBetween(start, end)) / 3600)
}

/** Splits by what each member drew before the window and for how long it was ordered. */
function share(
  method: FleetMethod,
  pot: Fraction,
  stretches: readonly MemberStretch[],
  shares: Map<string, number>,
): void {
  const weights = stretches.map(({ member, start, end }) =>
    times(member.level, fraction(end - start)),
  )
  const total = weights.reduce(plus, ZERO)
  const isUsable = total.numerator > 0n && weights.every(({ numerator }) => numerator >= 0n)
  const even = stretches.map(({ start, end }) => fraction(end - start))
  const used = isUsable ? weights : even
  const sum = used.reduce(plus, ZERO)
  let [reached, given] = [ZERO, 0]
  stretches.forEach((stretch, i) => {
    reached = plus(reached, used[i] as Fraction)
    // Each gets what the running total rises by: nothing is lost, nothing is made.
    const until = rounded(method, times(pot, over(reached, sum)))
    shares.set(stretchKey(idOf(stretch), stretch.start), until - given)
    given = until
  })
}
