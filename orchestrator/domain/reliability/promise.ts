import { allocate, type Offerable, type PeriodNeed } from '../allocation.ts'
import { meritOrder } from '../allocation/offers.ts'
import { assert } from '../errors.ts'
import type { FlexibilityCall } from '../flexibility-call.ts'
import type { ResourceId } from '../ids.ts'
import { shareAtPoint } from '../network-effect.ts'
import { canStandIn } from '../offer-conditions.ts'
import { type PromisedPeriod, promisedPeriod } from '../promised.ts'
import type { Direction } from '../resource.ts'
import type { CallSettlement } from '../settlement.ts'
import { afterCall, type Calibration, carefulStart } from './calibration.ts'
import type { Uniform } from './draws.ts'
import { drawsWithin, marginsFor } from './margin.ts'
import {
  afterCallOf,
  believedGroups,
  believedUnits,
  letGoSoFar,
  NO_TRACK_RECORD,
  outcomesOf,
  type TrackRecord,
} from './track-record.ts'

/** Of the ordered energy: what reaction times take is no shortfall. */
const HELD_BP = 9_800
/** More than any period asks for. */
const WITHOUT_END_W = 1e12

/** What past calls taught, oldest first; those that are not settled yet: whom they have let go. */
export function learntFrom(
  calls: readonly FlexibilityCall[],
  promisedRisk: number,
  groupsOf: (id: ResourceId) => readonly string[],
): { readonly record: TrackRecord; readonly calibration: Calibration } {
  let record = NO_TRACK_RECORD
  let calibration = carefulStart(promisedRisk)
  for (const call of calls) {
    record = afterCallOf(record, outcomesOf(call, groupsOf) ?? letGoSoFar(call))
    if (call.settlement === null) continue
    // Where nothing was kept back a shortfall says nothing about margins.
    if (call.program.deliveryLevelBp === undefined) continue
    calibration = afterCall(calibration, fellShort(call.settlement))
  }
  return { record, calibration }
}

/** Whether less came than what was promised to come. */
export function fellShort({
  orderedWh,
  deliveredWh,
}: Pick<CallSettlement, 'orderedWh' | 'deliveredWh'>): boolean {
  return deliveredWh * 10_000 < orderedWh * HELD_BP
}

export type PromiseQuestion = {
  readonly needs: readonly PeriodNeed[]
  readonly offers: readonly Offerable[]
  readonly direction: Direction
  readonly groupsOf: (id: ResourceId) => readonly string[]
  readonly dice: Uniform
}

export type SurelyHeld = {
  readonly needs: readonly PeriodNeed[]
  /**
   * On whom it stands in which period, in merit order: the ordered, and behind them the reserve.
   */
  readonly countedOn: readonly PromisedPeriod[]
}

/**
 * The needs, cut to what all offers together deliver or exceed but for the risk. What is cut is no
 * smaller order for them: those that are not needed stand in reserve, and take over in the window.
 * Who cannot, as it has to know early, is counted only where the need takes it into the order.
 */
export function surelyHeld(
  { needs, offers, direction, groupsOf, dice }: PromiseQuestion,
  { record, calibration }: ReturnType<typeof learntFrom>,
): SurelyHeld {
  const asked = needs.map((need) => ({ ...need, powerW: need.powerW > 0 ? WITHOUT_END_W : 0 }))
  const most = new Map(
    allocate(asked, offers, direction, 'order').map(({ resourceId, periods }) => [
      resourceId,
      new Map(periods.map(({ start, powerW }) => [start, powerW])),
    ]),
  )
  const inOrder = offers.map(({ candidate }) => candidate).toSorted(meritOrder)
  const groups = believedGroups(record)
  const countedOn: PromisedPeriod[] = []
  const aheadW = needs.map(() => 0)
  const units = believedUnits(
    record,
    inOrder.map((candidate) => {
      const { resourceId, kind, conditions = {} } = candidate
      const share = shareAtPoint(candidate)
      const powersW = needs.map(({ start, powerW }, i) => {
        const ahead = aheadW[i] ?? 0
        // Behind those that cover the need it would stand in reserve.
        if (ahead >= powerW && !canStandIn(conditions)) return 0
        const ownW = (most.get(resourceId)?.get(start) ?? 0) * share
        aheadW[i] = ahead + ownW
        return ownW
      })
      return { resourceId, kind, groups: groupsOf(resourceId), powersW }
    }),
  )
  const { risk } = calibration
  const draws = drawsWithin(units.length, needs.length, risk)
  const needsW = needs.map(({ powerW }) => powerW)
  const margins = marginsFor({ units, groups, needsW, risk, uniform: dice, draws })
  const surely = needs.map((need, period) => {
    const margin = margins[period]
    assert(margin !== undefined, 'each need has a margin')
    inOrder.slice(0, margin.held).forEach(({ resourceId }, i) => {
      if ((units[i]?.powersW[period] ?? 0) > 0) countedOn.push(promisedPeriod(resourceId, need))
    })
    return margin.isEnough ? need : { ...need, powerW: Math.min(need.powerW, margin.surelyW) }
  })
  return { needs: surely, countedOn }
}
