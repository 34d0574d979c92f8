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

/** A change of power at the same point that is planned already, W. */
export type PlannedChange = { readonly at: Instant; readonly changeW: number }

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
 * `ahead`: what is planned at the point beside it, which keeps its place.
 */
export function releaseInSteps(
  planned: readonly PlannedRestart[],
  held: readonly HeldDevice[],
  limit: StepLimit,
  level: PointLevel | null,
  from: Instant,
  ahead: readonly PlannedChange[] = [],
): StepwiseRelease {
  const plans = new Map(planned.map((one) => [one.resourceId, one]))
  const queue = held
    .flatMap((device) => movesOf(device, plans.get(device.resourceId), from, limit))
    .toSorted((a, b) => a.at - b.at || a.device.mayStayUntil - b.device.mayStayUntil)
  const bucket = createBucket(limit, { level, ahead }, from)
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
  const restarts = held.map((device) => {
    const restart = restartOf(device, made.get(device.resourceId) ?? [], from)
    return withTakes(restart, plans.get(device.resourceId))
  })
  return { restarts, passedW: Math.ceil(bucket.passedW()) }
}

/**
 * The changes that a plan brings from an instant on to a device that is held now, as far as they
 * have not been told: those that are due and were not told yet are about to be.
 */
export function changesAhead(
  { powerW, defaultW }: Pick<HeldDevice, 'powerW' | 'defaultW'>,
  { parts, restartsAt }: PlannedRestart,
  from: Instant,
): PlannedChange[] {
  const told = parts.filter(({ end }) => end > from)
  const all = [
    ...told.map(({ start, limitW }) => ({ at: start, toW: limitW })),
    { at: restartsAt, toW: defaultW },
  ]
  let fromW = powerW
  return all.flatMap(({ at, toW }) => {
    const changeW = Math.abs(toW - fromW)
    fromW = toW
    return changeW === 0 ? [] : [{ at: at > from ? at : from, changeW }]
  })
}

/** It takes back as it was planned; what came later by a step, it goes on to take by so much. */
function withTakes(restart: PlannedRestart, plan: PlannedRestart | undefined): PlannedRestart {
  if (plan?.takes === undefined) return restart
  const laterSeconds = Math.max(0, secondsBetween(plan.restartsAt, restart.restartsAt))
  const last = plan.takes.at(-1)
  if (last === undefined || laterSeconds === 0) return { ...restart, takes: plan.takes }
  const longer = { ...last, end: addSeconds(last.end, laterSeconds) }
  return { ...restart, takes: [...plan.takes.slice(0, -1), longer] }
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

/** Less is arithmetic. */
const NOTHING_W = 1e-6

type Bucket = { readonly levelW: number; readonly at: Instant; readonly next: number }

/** What has changed and not drained since; whoever takes from it waits for room, first come first. */
function createBucket(
  limit: StepLimit,
  known: { readonly level: PointLevel | null; readonly ahead: readonly PlannedChange[] },
  from: Instant,
) {
  const wattsPerSecond = limit.rampMaxWPerMinute / 60
  const ahead = known.ahead.toSorted((a, b) => a.at - b.at)
  let bucket: Bucket = { levelW: levelNow(known.level, limit, from), at: from, next: 0 }
  let passedW = 0
  const drained = (one: Bucket, then: Instant): Bucket => {
    if (then <= one.at) return one
    const levelW = Math.max(0, one.levelW - secondsBetween(one.at, then) * wattsPerSecond)
    return { ...one, levelW, at: then }
  }
  /** With what is planned until then, that instant's own among it. */
  const upTo = (one: Bucket, then: Instant): Bucket => {
    let now = one
    for (let planned = ahead[now.next]; planned !== undefined && planned.at <= then; ) {
      now = drained(now, planned.at)
      now = { ...now, levelW: now.levelW + planned.changeW, next: now.next + 1 }
      planned = ahead[now.next]
    }
    return drained(now, then)
  }
  /** The first planned change that would pass the step because of one that comes before it. */
  const spoilt = (before: Bucket, changeW: number): PlannedChange | undefined => {
    let [without, added] = [before, { ...before, levelW: before.levelW + changeW }]
    for (const planned of ahead.slice(before.next)) {
      without = upTo(without, planned.at)
      added = upTo(added, planned.at)
      if (added.levelW <= without.levelW) return undefined
      if (added.levelW > limit.stepMaxW + NOTHING_W) return planned
    }
    return undefined
  }
  const soonest = (changeW: number, earliest: Instant): Instant => {
    const stepW = Math.min(changeW, limit.stepMaxW)
    let then = instant(Math.max(bucket.at, earliest, from))
    for (;;) {
      const before = upTo(bucket, then)
      const overW = before.levelW + stepW - limit.stepMaxW
      if (overW > NOTHING_W) {
        then = addSeconds(then, Math.ceil(overW / wattsPerSecond))
        continue
      }
      const planned = spoilt(before, stepW)
      if (planned === undefined) return then
      // Whatever comes before it leaves it less room the later it is.
      then = planned.at > then ? planned.at : addSeconds(then, 1)
    }
  }
  return {
    take(changeW: number, { earliest, latest }: { earliest: Instant; latest: Instant }): Instant {
      // What changes nothing waits for nobody.
      if (changeW === 0) return instant(Math.max(earliest, from))
      const due = soonest(changeW, earliest)
      const then = instant(Math.max(from, Math.min(due, latest)))
      const before = upTo(bucket, then)
      bucket = { ...before, levelW: before.levelW + changeW }
      passedW = Math.max(passedW, bucket.levelW - limit.stepMaxW)
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
