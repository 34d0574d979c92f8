import { allocate, type Allocation, type Offerable, type PeriodNeed } from '#domain/allocation.ts'
import type { BusinessEventInput } from '#domain/business-event.ts'
import {
  adjustablesOf,
  membersOf,
  runningPeriod,
  type RunningPeriod,
  type SeenCall,
  wantedOf,
} from '#domain/control/call-world.ts'
import { controlCycle } from '#domain/control/control-cycle.ts'
import type { Correction } from '#domain/control/correction.ts'
import { loopError } from '#domain/control/error.ts'
import { correctionsBetween, type Figures } from '#domain/control/log.ts'
import { loopReadings } from '#domain/control/portfolio.ts'
import { CONTROL_RULES } from '#domain/control/rules.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { shareAtPoint } from '#domain/network-effect.ts'
import { isWorthAStep, passedOverFor, withPassedOver } from '#domain/passed-over.ts'
import { withLess } from '#domain/reserve.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { announceCorrections } from './announce-repair.ts'
import { openNeeds, orderFromReserve, reserveOffers } from './take-from-reserve.ts'

type Seen = SeenCall & { readonly tx: StoreTransaction; readonly events: BusinessEventInput[] }
export type CorrectedCall = { readonly call: FlexibilityCall; readonly figures: Figures }

/**
 * Sets what all meters show against what is ordered in the settlement period that runs, and
 * corrects what is left once every device that does not obey has been replaced: a reserve that was
 * not there then, devices that give a little less than they were told, baselines that moved. Energy
 * that was missed is made up within what is settled together, period or window. Safe to run twice.
 */
export async function correctError(seen: Seen): Promise<CorrectedCall> {
  const { call, now, events } = seen
  const nothing = { call, figures: { at: now, errorW: 0, makeUpW: 0 } }
  const period = runningPeriod(call, now)
  // Of what stands by nothing is ordered but in its activations: those run without corrections.
  if (period === null || call.activations !== undefined) return nothing
  const interval = call.program.meteringIntervalSeconds
  const members = membersOf(seen, period)
  const wanted = wantedOf(seen, period)
  const readings = loopReadings(members, wanted, interval)
  const last = readings.at(-1)
  if (last === undefined) return nothing
  const figures = { at: now, errorW: Math.round(last.wantedW - last.givenW), makeUpW: 0 }
  const { since, until } = period.together
  const span = { periodStart: period.start, from: period.from, until }
  // Most cycles end here, without asking any device what else it could do.
  const most = loopError(readings, since, Number.MAX_SAFE_INTEGER, CONTROL_RULES, span)
  if (most.correctionW === 0) return { call, figures }
  const needs = openNeeds(call, now, orderedIn(call))
  const { offers, unable } = await reserveOffers(call, needs, seen)
  const { corrections, openW, passedOver } = controlCycle({
    now: period.from, // from there on devices are told
    since,
    span,
    meteringIntervalSeconds: interval,
    priceCap: call.request.priceCap,
    members,
    wanted,
    devices: adjustablesOf(seen, members, offers, needs, period.from),
    lost: [],
  })
  const [{ makeUpW } = figures] = corrections
  const corrected = await applied(seen, corrections, { needs, offers, period })
  const told = { ...figures, makeUpW }
  const raised = corrections.filter(({ fromW, toW }) => toW > fromW)
  const asked = new Set(raised.map(({ resourceId }) => resourceId))
  const isOpen = isWorthAStep(openW, call.candidates)
  const passed =
    most.correctionW > 0 ? [...passedOver, ...passedOverFor(unable, asked, isOpen, call)] : []
  const { end } = call.request.window
  const lines = correctionsBetween(call.allocations, corrected.allocations, period.from, end, told)
  events.push(...announceCorrections(call, lines, openW))
  return { call: withPassedOver(corrected, passed, now), figures: told }
}

async function applied(
  { call, tx }: Seen,
  corrections: readonly Correction[],
  {
    needs,
    offers,
    period,
  }: {
    readonly needs: readonly PeriodNeed[]
    readonly offers: readonly Offerable[]
    readonly period: RunningPeriod
  },
): Promise<FlexibilityCall> {
  const { direction } = call.request
  let allocations: readonly Allocation[] = call.allocations
  const wanted: Allocation[] = []
  for (const { resourceId, fromW, toW } of corrections) {
    const byW = toW - fromW
    if (byW < 0) {
      const candidate = call.candidates.find((one) => one.resourceId === resourceId)
      const importMinW = candidate?.kind === 'charger' ? candidate.rating.importMinW : 0
      const less = { resourceId, from: period.from, byW: -byW, importMinW }
      allocations = withLess(allocations, less, direction)
      continue
    }
    const mine = offers.filter(({ candidate }) => candidate.resourceId === resourceId)
    const feltW = byW * shareAtPoint(mine[0]?.candidate ?? {})
    const more = needs.map((need) => ({ ...need, powerW: need.powerW > 0 ? feltW : 0 }))
    wanted.push(...allocate(more, mine, direction, 'repair'))
  }
  if (corrections.length === 0) return call
  const ordered = await orderFromReserve({ ...call, allocations }, wanted, { tx })
  return { ...call, allocations: ordered.allocations }
}

/** W promised to the DSO in the settlement period that begins at an instant. */
function orderedIn({ request, orderedW }: FlexibilityCall) {
  return (start: number): number => {
    return orderedW[request.periods.findIndex((period) => period.start === start)] ?? 0
  }
}
