import type { ResourceId } from '../ids.ts'
import type { PlannedRestart } from '../rebound.ts'
import { levelNow, type PointLevel, type StepLimit, stepToward } from '../step-limit.ts'
import { RESTART_SECONDS_MAX } from './rebound-periods.ts'
import { addSeconds, type Instant, instant, secondsBetween } from '../time.ts'

/** A device that a call still holds as its window ends. W, + is import. */
export type HeldDevice = {
  readonly resourceId: ResourceId
  readonly powerW: number
  /** What it is reckoned to do at its default. */
  readonly defaultW: number
  /** It can be told nothing between 0 and this. */
  readonly leastW: number
  /** Until when its owner's limits, or who is stronger than the call, leave it held. */
  readonly mayStayUntil: Instant
}

export type StepwiseRelease = {
  readonly restarts: readonly PlannedRestart[]
  /** By how much a step was passed, W, for owners' limits or because the ramp took too long. */
  readonly passedW: number
}

type Move = {
  readonly device: HeldDevice
  readonly at: Instant
  readonly fromW: number
  /** null: back to its default. */
  readonly toW: number | null
}

/**
 * A release in which all devices of a congestion point together change by no more than a step, and
 * by what the ramp brings after it: each change waits where it was planned until there is room for
 * it, in order of time; one of more than a step is made in several. Owners' limits come first:
 * who may not be held so long is let go before, and it is said by how much the step is passed.
 */
export function releaseInSteps(
  planned: readonly PlannedRestart[],
  held: readonly HeldDevice[],
  limit: StepLimit,
  level: PointLevel | null,
  from: Instant,
): StepwiseRelease {
  const plans = new Map(planned.map((one) => [one.resourceId, one]))
  const queue = held
    .flatMap((device) => movesOf(device, plans.get(device.resourceId), from, limit))
    .toSorted((a, b) => a.at - b.at || a.device.mayStayUntil - b.device.mayStayUntil)
  const bucket = createBucket(limit, level, from)
  const made = new Map<ResourceId, (Move & { readonly madeAt: Instant })[]>()
  for (const move of queue) {
    const { resourceId, mayStayUntil, defaultW } = move.device
    const mine = made.get(resourceId) ?? []
    const patience = addSeconds(move.at, RESTART_SECONDS_MAX)
    // What its owner bounds is how long it stays where the call brought it.
    const bound = mine.length === 0 ? Math.min(mayStayUntil, patience) : patience
    const madeAt = bucket.take(Math.abs((move.toW ?? defaultW) - move.fromW), {
      earliest: move.at,
      // The plan itself brings every car back in time.
      latest: instant(Math.max(move.at, bound)),
    })
    made.set(resourceId, [...mine, { ...move, madeAt }])
  }
  const restarts = held.map((device) => restartOf(device, made.get(device.resourceId) ?? [], from))
  return { restarts, passedW: Math.ceil(bucket.passedW()) }
}

/** What a device is told one after the other, no change of more than a step. */
function movesOf(
  device: HeldDevice,
  plan: PlannedRestart | undefined,
  from: Instant,
  { stepMaxW }: StepLimit,
): Move[] {
  const told = (plan?.parts ?? []).map(({ start, limitW }) => ({ at: start, toW: limitW }))
  const all = [...told, { at: plan?.restartsAt ?? from, toW: null }]
  const moves: Move[] = []
  let fromW = device.powerW
  for (const { at, toW } of all) {
    const endW = toW ?? device.defaultW
    for (let nextW = stepToward(fromW, endW, stepMaxW, device.leastW); nextW !== endW; ) {
      // Over a gap that is wider than a step it goes at once.
      if (nextW === fromW) break
      moves.push({ device, at, fromW, toW: nextW })
      fromW = nextW
      nextW = stepToward(fromW, endW, stepMaxW, device.leastW)
    }
    if (toW === null || toW !== fromW) moves.push({ device, at, fromW, toW })
    fromW = endW
  }
  return moves
}

/** What has changed and not drained since; whoever takes from it waits for room, first come first. */
function createBucket(limit: StepLimit, level: PointLevel | null, from: Instant) {
  let levelW = levelNow(level, limit, from)
  let at = from
  let passedW = 0
  const wattsPerSecond = limit.rampMaxWPerMinute / 60
  const drainTo = (then: Instant) => {
    if (then <= at) return
    levelW = Math.max(0, levelW - secondsBetween(at, then) * wattsPerSecond)
    at = then
  }
  return {
    take(changeW: number, { earliest, latest }: { earliest: Instant; latest: Instant }): Instant {
      // What changes nothing waits for nobody.
      if (changeW === 0) return instant(Math.max(earliest, from))
      drainTo(earliest)
      const roomW = limit.stepMaxW - Math.min(changeW, limit.stepMaxW)
      const waitSeconds = Math.ceil(Math.max(0, levelW - roomW) / wattsPerSecond)
      const due = addSeconds(at, waitSeconds)
      const then = instant(Math.max(from, Math.min(due, latest)))
      drainTo(then)
      levelW += changeW
      passedW = Math.max(passedW, levelW - limit.stepMaxW)
      return then
    },
    passedW: () => passedW,
  }
}

function restartOf(
  { resourceId, powerW }: HeldDevice,
  moves: readonly (Move & { readonly madeAt: Instant })[],
  from: Instant,
): PlannedRestart {
  const parts: { start: Instant; end: Instant; limitW: number }[] = []
  let [start, limitW] = [from, powerW]
  for (const { madeAt, toW } of moves) {
    const end = instant(Math.max(start, madeAt))
    if (end > start) parts.push({ start, end, limitW })
    start = end
    if (toW !== null) limitW = toW
  }
  return { resourceId, parts, restartsAt: start }
}
