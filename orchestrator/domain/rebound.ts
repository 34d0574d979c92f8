import type { ResourceId } from './ids.ts'
import type { MustSchedule } from './rebound/needs.ts'
import { createRecovery, type Progress } from './rebound/progress.ts'
import type { Instant, TimeWindow } from './time.ts'

/** A device that takes back after the window what it gave in it. Whole W, and Wh at its meter. */
export type Recovery = {
  readonly resourceId: ResourceId
  /** The most that it takes once nobody holds it. */
  readonly powerMaxW: number
  /** It cannot be held below this while it takes anything; 0: it can pause. */
  readonly floorW: number
  /** The least above 0 that it can be held at. */
  readonly minimumW: number
  /** At which it stands as the window ends: where there is room it is held no lower. */
  readonly heldW: number
  /** What it takes before it is as if there had been no call. */
  readonly energyWh: number
  /** So much of it before `readyBy`, whatever the room: an owner's limit comes first. */
  readonly neededWh: number
  readonly readyBy: Instant | null
  /** Before this it takes no more than it is held at, unless it would not be ready in time. */
  readonly restartFrom: Instant
  /**
   * Not null: it is held at 0 W or let go for good, by this instant whatever the room is. So a
   * battery, whose setpoint is an order to charge and no limit.
   */
  readonly freeBy: Instant | null
}

/**
 * A stretch of the time after the window. `roomW`: for these devices together; null: nobody said.
 */
export type ReboundPeriod = TimeWindow & { readonly roomW: number | null }

/** How high a device is held, until it is let go. */
type HeldPart = TimeWindow & { readonly limitW: number }

export type PlannedRestart = {
  readonly resourceId: ResourceId
  /** Without a gap from the window's end to its restart; none: it is let go at once. */
  readonly parts: readonly HeldPart[]
  /** From here on it is at its own default. */
  readonly restartsAt: Instant
  /**
   * What it takes back at the most, until it has done so: also after it was let go nobody else has
   * that room. Absent: nobody planned that.
   */
  readonly takes?: readonly TakenPower[]
}

/** Without gaps where it is 0 W: those are left out. */
export type TakenPower = TimeWindow & { readonly powerW: number }

export type ReboundPlan = {
  /** In the order in which they were given. */
  readonly restarts: readonly PlannedRestart[]
  /** What all of them take at the most, until the last is let go or has taken back what it gave. */
  readonly periods: readonly (ReboundPeriod & { readonly powerW: number })[]
  /** The most by which the room is passed, W; 0: never. */
  readonly overshootW: number
  /** What cars lack when they leave, though they take all that they can, Wh. */
  readonly unreadyWh: number
  /** What had not been recovered when the planned time was over, Wh. */
  readonly leftWh: number
}

/**
 * When each device comes back after a window, and how high it is held before. Periods without a
 * gap, from the window's end on; the devices in the order in which they may come back.
 *
 * Where devices can pause and be held at any power, all together never pass the room as long as any
 * schedule keeps it with every car ready in time; where none does, they pass it by no more than
 * they must (rounded up to a W). In each period every device gets first what no later period could
 * give it (`latestRecovery`), whatever the room is; more than that only takes from what is still
 * needed, so it never spoils a schedule: it goes to those that run already, then to those that are
 * held at something, then in order to the others, as far as the room goes. What is let go for good
 * (`freeBy`) is let go where the room holds it beside all that is needed until it is done. A device
 * that cannot be held below its least takes that in any case. Limits are whole W, rounded down: a
 * car may lack a Wh for each hour by it. `schedule`: what cars must have is taken from it instead.
 */
export function planRebound(
  recoveries: readonly Recovery[],
  periods: readonly ReboundPeriod[],
  schedule?: MustSchedule,
): ReboundPlan {
  const progress = createRecovery(recoveries, periods, schedule)
  const steps: Progress[] = []
  while (steps.length < periods.length && !progress.isDone()) steps.push(progress.next())
  const used = periods.slice(0, steps.length)
  const sums = steps.map(({ powerW }) => powerW.reduce((sum, power) => sum + power, 0))
  const overshoots = used.map(({ roomW }, t) =>
    roomW === null ? 0 : (sums[t] as number) - Math.max(0, Math.floor(roomW)),
  )
  return {
    restarts: recoveries.map((one, i) => restartOf(one, i, used, steps)),
    periods: used.map((period, t) => ({ ...period, powerW: sums[t] as number })),
    overshootW: Math.max(0, ...overshoots),
    unreadyWh: Math.ceil(progress.unreadyWh),
    leftWh: Math.ceil(progress.leftWh()),
  }
}

/**
 * It is let go where it has all its power for as long as it needs it, or nothing is left to take.
 */
function restartOf(
  { resourceId, powerMaxW }: Recovery,
  index: number,
  periods: readonly ReboundPeriod[],
  steps: readonly Progress[],
): PlannedRestart {
  const heldIn = steps.map(({ powerW, isTaking }) => {
    return isTaking[index] === 1 && (powerW[index] as number) < powerMaxW
  })
  const held = periods.slice(0, heldIn.lastIndexOf(true) + 1)
  const parts: HeldPart[] = []
  held.forEach(({ start, end }, t) => {
    const limitW = steps[t]?.powerW[index] ?? 0
    const last = parts.at(-1)
    if (last?.limitW === limitW) parts[parts.length - 1] = { ...last, end }
    else parts.push({ start, end, limitW })
  })
  const restartsAt = parts.at(-1)?.end ?? (periods[0]?.start as Instant)
  return { resourceId, parts, restartsAt, takes: takesOf(index, periods, steps) }
}

function takesOf(
  index: number,
  periods: readonly ReboundPeriod[],
  steps: readonly Progress[],
): TakenPower[] {
  const takes: TakenPower[] = []
  periods.forEach(({ start, end }, t) => {
    const powerW = steps[t]?.powerW[index] ?? 0
    const last = takes.at(-1)
    if (powerW === 0) return
    if (last?.end === start && last.powerW === powerW) takes[takes.length - 1] = { ...last, end }
    else takes.push({ start, end, powerW })
  })
  return takes
}
