import { type AllocatedPeriod, type Allocation, periodAt } from '../allocation.ts'
import type { ResourceId } from '../ids.ts'
import { belowFloorW } from '../reserve.ts'
import { type Instant, nextStep } from '../time.ts'
import { toldAt } from './call-world.ts'
import type { Correction } from './correction.ts'

/** A part of a call that the log of corrections does not lead to: W that it is told by each. */
export type Unexplained = {
  readonly resourceId: ResourceId
  readonly byLogW: number | null
  readonly byPartW: number
}
type Stray = Omit<Unexplained, 'resourceId'>

/** When parts may change: with a line, or where a settlement period starts. */
export type Raster = {
  /** When delivery ended. */
  readonly until: Instant
  readonly meteringIntervalSeconds: number
  /** Of the settlement periods. */
  readonly starts: ReadonlySet<Instant>
}

/** The lines of one device that count from the same metering boundary on, oldest first. */
type Told = { readonly from: Instant; readonly lines: readonly [Correction, ...Correction[]] }

/**
 * What devices were told in the window must follow from the log: who stands in for others was
 * called by it, who was let go was let go by it, and who gives more than the gate ordered does so
 * from a line on. Each line must find the W before it and lead to the W after it, and between two
 * of them nothing changes but where a settlement period starts: what is told then stands in no
 * line. Nothing can be checked that began with the window's end. So of logs of the first version.
 */
export function unexplained(
  parts: readonly Allocation[],
  log: readonly Correction[],
  raster: Raster,
): Unexplained[] {
  const linesOf = Map.groupBy(log, ({ resourceId }) => resourceId)
  return parts.flatMap((part): Unexplained[] => {
    const { resourceId } = part
    const told = byBoundary(linesOf.get(resourceId) ?? [], raster)
    const stray =
      unlogged(part, told) ??
      changedBesides(part, told, raster) ??
      contradicting(part, told, raster)
    return stray === null ? [] : [{ resourceId, ...stray }]
  })
}

function byBoundary(
  lines: readonly Correction[],
  { meteringIntervalSeconds: interval }: Raster,
): Told[] {
  const from = ({ at }: Correction) => nextStep(at, interval)
  return [...Map.groupBy(lines, from)].map(([at, mine]) => {
    return { from: at, lines: mine as [Correction, ...Correction[]] }
  })
}

/** What was given beyond the gate's order before any line says so. */
function unlogged({ role, releasedAt, periods }: Allocation, [first]: readonly Told[]) {
  const early = periods.find(({ start, atGate }) => {
    const isRaised = atGate !== undefined || role === 'repair'
    return isRaised && (first === undefined || start < first.from)
  })
  if (early !== undefined) return { byLogW: null, byPartW: early.powerW }
  const isFirstOrder = role === 'order' && releasedAt === null
  if (first !== undefined || isFirstOrder) return null
  return { byLogW: null, byPartW: periods[0]?.powerW ?? 0 }
}

/** A change of power that no line and no settlement period begins with. */
function changedBesides(
  { periods }: Allocation,
  told: readonly Told[],
  { until, starts }: Raster,
): Stray | null {
  if (told.length === 0) return null
  const lines = new Set(told.map(({ from }) => from))
  const mayChange = (at: Instant) => at >= until || starts.has(at) || lines.has(at)
  for (const [i, { start, end, powerW }] of periods.entries()) {
    const [before, after] = [periods[i - 1], periods[i + 1]]
    const goesOn = before?.end === start && before.powerW === powerW
    const isTwice = before !== undefined && start < before.end
    if (isTwice || (!goesOn && !mayChange(start))) return { byLogW: null, byPartW: powerW }
    if (after?.start !== end && !mayChange(end)) return { byLogW: null, byPartW: 0 }
  }
  return null
}

/** A line that does not find the W that it says, or does not lead to it. */
function contradicting(
  part: Allocation,
  told: readonly Told[],
  { until, starts }: Raster,
): Stray | null {
  // Held at a minimum: what lies below it was told until then, and counts no more after it.
  const heldFrom = told.find(({ lines }) => lines.some(({ reason }) => reason === 'cannot-pause'))
  for (const one of told) {
    const { from, lines } = one
    if (from >= until) return null
    const [first, last] = [lines[0], lines.at(-1) ?? lines[0]]
    const wasHeld = heldFrom !== undefined && heldFrom.from < from
    const before = part.periods.find(({ start, end }) => start < from && from <= end)
    const beforeW = givenW(part, before, wasHeld)
    if (!starts.has(from) && beforeW !== first.fromW) {
      return { byLogW: first.fromW, byPartW: beforeW }
    }
    const isHeld = wasHeld || one === heldFrom
    // A release leaves the periods as they are: only of the last line it says what is told.
    const afterW =
      one === told.at(-1) ? toldAt(part, from) : givenW(part, periodAt(part, from), isHeld)
    if (afterW !== last.toW) return { byLogW: last.toW, byPartW: afterW }
  }
  return null
}

function givenW(
  { floorW }: Allocation,
  period: AllocatedPeriod | undefined,
  isHeld: boolean,
): number {
  if (period === undefined) return 0
  return period.powerW - (isHeld && floorW !== undefined ? belowFloorW(period, floorW) : 0)
}
