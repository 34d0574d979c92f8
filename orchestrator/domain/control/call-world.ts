import { inForce } from '../activation.ts'
import type {
  AllocatedPeriod,
  Allocation,
  Candidate,
  Offerable,
  PeriodNeed,
} from '../allocation.ts'
import { limitsOf, STEP_W } from '../allocation/offers.ts'
import { type Verdict, wholeFrom } from '../compliance.ts'
import type { SetpointRow } from '../dispatch-instruction.ts'
import { deliveryEnd, type FlexibilityCall } from '../flexibility-call.ts'
import type { ResourceId } from '../ids.ts'
import { effectsOf } from '../network-effect.ts'
import type { Direction } from '../resource.ts'
import { belowFloorW, mayGiveMore, movedFrom } from '../reserve.ts'
import type { DeviceReading } from '../telemetry.ts'
import { addSeconds, type Instant, nextStep, secondsBetween } from '../time.ts'
import type { Adjustable } from './adjustable.ts'
import type { Gave, Member, Wanted } from './portfolio.ts'
import { dwellSeconds } from './rules.ts'

/** Amperes between the least of a charger and what it must draw to start again: one of six. */
const HYSTERESIS_SHARE = 1 / 6
/** Who was not heard for so many metering intervals is not waited for. */
const HEARD_INTERVALS = 4

/** What is known of a running call in one cycle. */
export type SeenCall = {
  readonly call: FlexibilityCall
  readonly now: Instant
  readonly rows: ReadonlyMap<ResourceId, SetpointRow>
  readonly verdicts: ReadonlyMap<ResourceId, Verdict>
  readonly readings: ReadonlyMap<ResourceId, readonly DeviceReading[]>
}

/** The settlement period that runs, and from when on something can still be changed in it. */
export type RunningPeriod = {
  readonly start: Instant
  readonly end: Instant
  readonly orderedW: number
  readonly from: Instant
  /** What was missed since then is made up until then: in what is settled together. */
  readonly together: { readonly since: Instant; readonly until: Instant }
}

/** null: nothing is ordered now, or the next metering boundary lies beyond the period. */
export function runningPeriod(call: FlexibilityCall, now: Instant): RunningPeriod | null {
  const { program, request, orderedW, activations } = call
  const i = request.periods.findLastIndex(({ start }) => start <= now)
  const period = request.periods[i]
  const interval = program.meteringIntervalSeconds
  const from = nextStep(now, interval)
  const powerW = orderedW[i] ?? 0
  if (period === undefined || powerW === 0 || from >= deliveryEnd(call)) return null
  const whole = {
    start: period.start,
    end: addSeconds(period.start, program.settlementPeriodSeconds),
  }
  const used = inForce(whole, activations).find(({ start, end }) => start <= now && from < end)
  if (used === undefined) return null
  const end = deliveryEnd(call)
  const until = used.end < end ? used.end : end
  const together =
    program.paymentPolicy.over === 'window' && activations === undefined
      ? { since: request.window.start, until: end }
      : { since: used.start, until }
  return { ...used, orderedW: powerW, from, together }
}

/**
 * All with a part in the call; what they gave is counted from what their setpoint was counted from.
 */
export function membersOf(seen: SeenCall, { from, together }: RunningPeriod): Member[] {
  const { call, rows, verdicts, readings } = seen
  const effectOf = effectsOf(call.candidates)
  return call.allocations.map((part): Member => {
    const { resourceId, releasedAt, periods } = part
    const due = releasedAt === null ? dueAt(part, from) : null
    const row = rows.get(resourceId)
    const isTold = row !== undefined && isToldBy(row, due)
    const mine = (readings.get(resourceId) ?? []).filter(({ at }) => at > together.since)
    return {
      resourceId,
      effectBp: effectOf(resourceId),
      partSince: periods[0]?.start ?? from,
      toldW: due?.powerW ?? 0,
      shownFrom: isTold ? shownFrom(row, verdicts.get(resourceId), call) : null,
      gave: mine.flatMap((reading) => gaveAt(part, reading, call.request.direction)),
    }
  })
}

function shownFrom(
  row: SetpointRow,
  verdict: Verdict | undefined,
  { program }: FlexibilityCall,
): Instant | null {
  if (row.powerW !== null) {
    return verdict?.kind === 'obeys' || verdict?.kind === 'partly' ? verdict.since : null
  }
  return row.acknowledgedAt === null ? null : wholeFrom(row.acknowledgedAt, program)
}

type Due = Pick<AllocatedPeriod, 'start' | 'powerW' | 'setpointW' | 'atGate'>

/** A row written since the part is what it is may say less: its owner's limits and the law's. */
function isToldBy(row: SetpointRow, due: Due | null): boolean {
  if (row.powerW === null || due === null) return row.powerW === (due?.setpointW ?? null)
  return row.powerW === due.setpointW || row.orderedAt >= due.start
}

/** What it is told at an instant, W: to give, and as its setpoint. */
function dueAt(part: Allocation, at: Instant): Due | null {
  const period = part.periods.find(({ start, end }) => start <= at && at < end)
  if (period === undefined) return null
  const { floorW } = part
  if (floorW === undefined) return period
  const powerW = period.powerW - belowFloorW(period, floorW)
  return { start: period.start, powerW, setpointW: Math.max(period.setpointW, floorW) }
}

/** W told to give at an instant; 0 without a part. */
export function toldAt(part: Allocation | undefined, at: Instant): number {
  if (part === undefined || part.releasedAt !== null) return 0
  return dueAt(part, at)?.powerW ?? 0
}

function gaveAt(
  { periods }: Allocation,
  { at, powerW }: DeviceReading,
  direction: Direction,
): Gave[] {
  const period = periods.findLast(({ start, end }) => start < at && at <= end)
  if (period === undefined || powerW === null) return []
  const fromW = movedFrom(period, direction)
  return [{ at, powerW: direction === 'reduce-import' ? fromW - powerW : powerW - fromW }]
}

/** What was ordered at each metering boundary, of what is made up together, that all were heard at. */
export function wantedOf(seen: SeenCall, { together: { since } }: RunningPeriod): Wanted[] {
  const { call, now, readings } = seen
  const { request, orderedW } = call
  const interval = call.program.meteringIntervalSeconds
  const late = addSeconds(now, -HEARD_INTERVALS * interval)
  const last = call.allocations.flatMap(({ resourceId, releasedAt }) => {
    const at = readings.get(resourceId)?.at(-1)?.at
    return releasedAt !== null || at === undefined || at < late ? [] : [at]
  })
  const wanted: Wanted[] = []
  const heardUntil = last.length === 0 ? since : Math.min(...last)
  for (let at = addSeconds(since, interval); at <= heardUntil; at = addSeconds(at, interval)) {
    const i = request.periods.findLastIndex(({ start }) => start < at)
    wanted.push({ at, powerW: orderedW[i] ?? 0 })
  }
  return wanted
}

/**
 * What the loop may change now: reserves may start, and who does what it was told may give more, as
 * far as it offers that, or less again. What the gate ordered is never taken back (it stands in
 * the call's terms).
 */
export function adjustablesOf(
  seen: SeenCall,
  members: readonly Member[],
  offers: readonly Offerable[],
  needs: readonly PeriodNeed[],
  from: Instant,
): Adjustable[] {
  const { call } = seen
  const offered = new Map(offers.map((offer) => [offer.candidate.resourceId, offer]))
  const parts = new Map(call.allocations.map((part) => [part.resourceId, part]))
  const shown = new Map(members.map((member) => [member.resourceId, member]))
  return call.candidates.flatMap((candidate): Adjustable[] => {
    const { resourceId, price, kind, effectBp } = candidate
    const part = parts.get(resourceId)
    const offer = offered.get(resourceId)
    const member = shown.get(resourceId)
    // Of one that gives a part of what it is told no more is expected.
    const isShort = seen.verdicts.get(resourceId)?.kind === 'partly'
    const isFixed = part !== undefined && (!mayGiveMore(part) || isShort)
    if (isFixed || (part ? member?.shownFrom == null : offer === undefined)) return []
    const due = part === undefined ? null : dueAt(part, from)
    const toldW = due?.powerW ?? 0
    const reach = offer === undefined ? { mostW: toldW } : reachOf(offer, toldW, needs, call)
    return [
      {
        resourceId,
        price,
        ...(effectBp === undefined ? {} : { effectBp }),
        responds: part !== undefined,
        toldW,
        leastW: leastOf(candidate, part, due),
        ...reach,
        ...stoppedAt(candidate, due),
        switchedAt: seen.rows.get(resourceId)?.orderedAt ?? null,
        dwellSeconds: dwellSeconds(kind, call.program.meteringIntervalSeconds),
      },
    ]
  })
}

/** With a least power or a least time it goes on as it began; what the gate ordered stays. */
function leastOf(candidate: Candidate, part: Allocation | undefined, due: Due | null): number {
  if (due === null) return 0
  if (isTied(candidate)) return due.powerW
  return part?.role === 'order' ? (due.atGate ?? due).powerW : 0
}

/** Where a charger stands that its part has stopped: it starts again only for clearly less. */
function stoppedAt(
  { kind, rating: { importMinW } }: Candidate,
  due: Due | null,
): Pick<Adjustable, 'mostW' | 'stop'> | undefined {
  if (kind !== 'charger' || due === null || due.setpointW >= importMinW) return undefined
  const { powerW } = due
  const naturalW = movedFrom(due, 'reduce-import') // nothing but a reduction stops a charger
  const stop = {
    fromW: Math.min(powerW, naturalW),
    toW: powerW,
    hysteresisW: importMinW * HYSTERESIS_SHARE,
  }
  return { mostW: Math.min(powerW, naturalW - importMinW), stop }
}

function isTied({ conditions = {} }: Candidate): boolean {
  const { powerMinW = 0, onSecondsMin = 0, allOrNothing = false } = conditions
  return allOrNothing || powerMinW > 0 || onSecondsMin > 0
}

/** W up to which it can go for all the time that is left. */
function reachOf(
  offer: Offerable,
  toldW: number,
  needs: readonly PeriodNeed[],
  { request }: FlexibilityCall,
): Pick<Adjustable, 'mostW' | 'stop' | 'startW'> {
  const limits = limitsOf(offer, needs, request.direction)
  const { maxW, stopW, stopToW, minW = 0, allOrNothing = false } = limits
  const hours = needs.reduce((sum, { start, end }) => sum + secondsBetween(start, end) / 3600, 0)
  const lastsW = inSteps(offer.energyMaxWh / Math.max(hours, Number.MIN_VALUE))
  const mostW = toldW + Math.min(maxW[0] ?? 0, lastsW)
  const startW = allOrNothing ? Math.max(mostW, STEP_W) : minW
  const reach = startW > 0 ? { mostW, startW } : { mostW }
  const [fromW, toW] = [stopW?.[0] ?? 0, Math.min(stopToW?.[0] ?? 0, lastsW)]
  if (fromW <= 0 || toW < fromW) return reach
  const stop = { fromW: toldW + fromW, toW: toldW + toW }
  const hysteresisW = offer.candidate.rating.importMinW * HYSTERESIS_SHARE
  return { ...reach, stop: { ...stop, hysteresisW } }
}

/** Whole steps that fit. */
function inSteps(powerW: number): number {
  return Math.max(0, Math.floor(powerW / STEP_W) * STEP_W)
}
