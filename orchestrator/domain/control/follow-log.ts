import { type Allocation, periodAt } from '../allocation.ts'
import { belowFloorW } from '../reserve.ts'
import { type Instant, nextStep } from '../time.ts'
import type { Correction, CorrectionReason, ToldStep } from './correction.ts'
import type { Raster, Unexplained } from './explain.ts'
import { stepsAtGate, toldBy } from './told-steps.ts'

type Stray = Omit<Unexplained, 'resourceId'>

const LETS_GO: ReadonlySet<CorrectionReason> = new Set([
  'not-responding',
  'overridden',
  'owner-limit',
])

/**
 * What devices were told in the window, instant by instant, must be what the gate ordered and then
 * what each line of the log says, also for the settlement periods that begin after it. Each line
 * must find the W that were told before it. Nothing can be checked that began with the window's end.
 */
export function unfollowed(
  parts: readonly Allocation[],
  log: readonly Correction[],
  raster: Raster,
): Unexplained[] {
  const linesOf = Map.groupBy(log, ({ resourceId }) => resourceId)
  return parts.flatMap((part): Unexplained[] => {
    const { resourceId } = part
    const lines = linesOf.get(resourceId) ?? []
    const told = followed(part, lines, raster)
    const stray = 'byPartW' in told ? told : differing(part, lines, told.steps, raster)
    return stray === null ? [] : [{ resourceId, ...stray }]
  })
}

/** From when on a line counts. */
function boundaryOf({ at }: Correction, { meteringIntervalSeconds: interval }: Raster): Instant {
  return nextStep(at, interval)
}

/** The W that follow from the gate and the lines; or the line that contradicts those before it. */
function followed(
  part: Allocation,
  lines: readonly Correction[],
  raster: Raster,
): { readonly steps: readonly ToldStep[] } | Stray {
  let steps: readonly ToldStep[] = stepsAtGate(part, raster.starts, raster.until)
  let isLetGo = false
  for (const line of lines) {
    const { fromW, toW, later = [] } = line
    const from = boundaryOf(line, raster)
    if (from >= raster.until) break
    const beforeW = isLetGo ? 0 : toldBy(steps, from)
    if (fromW !== beforeW) return { byLogW: fromW, byPartW: beforeW }
    const early = later.find(({ at }, i) => at <= (later[i - 1]?.at ?? from))
    if (early !== undefined) return { byLogW: null, byPartW: early.toW }
    isLetGo = LETS_GO.has(line.reason)
    // A release leaves what was told as it is: from then on nothing of it is expected.
    if (isLetGo && toW !== 0) return { byLogW: toW, byPartW: 0 }
    if (!isLetGo) steps = [...steps.filter(({ at }) => at < from), { at: from, toW }, ...later]
  }
  const isTold = lines.some(({ reason }) => LETS_GO.has(reason))
  if (isLetGo && part.releasedAt === null)
    return { byLogW: 0, byPartW: toldBy(steps, raster.until) }
  if (part.releasedAt !== null && !isTold) return { byLogW: null, byPartW: 0 }
  return { steps }
}

/** Where a part says other W than those. */
function differing(
  part: Allocation,
  lines: readonly Correction[],
  steps: readonly ToldStep[],
  raster: Raster,
): Stray | null {
  const { periods, floorW } = part
  const twice = periods.find(({ start }, i) => start < (periods[i - 1]?.end ?? start))
  if (twice !== undefined) return { byLogW: null, byPartW: twice.powerW }
  // Held at a minimum: what lies below it was told until then, and counts no more after it.
  const held = lines.find(({ reason }) => reason === 'cannot-pause')
  if (floorW !== undefined && held === undefined && part.releasedAt === null) {
    return { byLogW: null, byPartW: floorW }
  }
  const heldFrom = held && boundaryOf(held, raster)
  const bounds = periods.flatMap(({ start, end }) => [start, end])
  const points = new Set([...steps.map(({ at }) => at), ...bounds])
  for (const at of [...points].sort((a, b) => a - b)) {
    if (at >= raster.until) return null
    const period = periodAt(part, at)
    const isHeld = floorW !== undefined && (heldFrom === undefined || at >= heldFrom)
    const belowW = period !== undefined && isHeld ? belowFloorW(period, floorW) : 0
    const byPartW = (period?.powerW ?? 0) - belowW
    const byLogW = toldBy(steps, at)
    if (byLogW !== byPartW) return { byLogW, byPartW }
  }
  return null
}
