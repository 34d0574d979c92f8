import type { ReboundPeriod, Recovery } from '../rebound.ts'
import type { Instant } from '../time.ts'
import {
  type LatestRecovery,
  latestRecovery,
  leastOvershoot,
  type Room,
} from './latest-recovery.ts'
import { type MustSchedule, needsOf, roomsOf } from './needs.ts'

/** What devices are given in one period. */
export type Progress = {
  /** The most that each may take, whole W. */
  readonly powerW: Float64Array
  /** 1: it had something left to take as the period began. */
  readonly isTaking: Uint8Array
}

/** A recovery that goes on period by period. */
export type RunningRecovery = {
  next(): Progress
  /** Nothing is left to be taken back. */
  isDone(): boolean
  leftWh(): number
  /** What cars lack when they leave, though they take all that they can. */
  readonly unreadyWh: number
}

const NOTHING_WH = 1e-3
/** A power that is this close to a whole one is meant to be it. */
const NOTHING_W = 1e-6
const NO_MUSTS = new Float64Array(0)

export function createRecovery(
  recoveries: readonly Recovery[],
  periods: readonly ReboundPeriod[],
  schedule?: MustSchedule,
): RunningRecovery {
  const rooms = roomsOf(periods)
  const { needs, unreadyWh } = needsOf(recoveries, periods, rooms)
  const leftWh = Float64Array.from(recoveries, ({ energyWh }) => energyWh)
  const neededWh = Float64Array.from(needs.energyWh)
  const isRunning = new Uint8Array(recoveries.length)
  const freed = createFreed(recoveries, rooms)
  let overW = schedule?.overW ?? leastOvershoot(needs, rooms)
  let t = 0

  /** What has to be taken now; who cannot be held at little may have made the rest impossible. */
  function musts(): Musts {
    if (schedule !== undefined) return scheduled(schedule, neededWh, t)
    const periodsLeft = needs.periods.map((count) => Math.max(0, count - t))
    const left = { ...needs, energyWh: neededWh, periods: periodsLeft }
    const rest = rooms.slice(t)
    const wider = () => rest.map(({ hours, powerW }) => ({ hours, powerW: powerW + overW }))
    const found = latestRecovery(left, wider())
    if (found.unservedWh === 0) return found
    overW = leastOvershoot(left, rest)
    return latestRecovery(left, wider())
  }

  /** What a device has to take in a period, though it is at full power in all later ones. */
  function dueW(i: number, period: number): number {
    const there = rooms.slice(period, needs.periods[i])
    const [now, ...later] = there.map(({ hours }) => hours)
    if (now === undefined) return 0
    const laterWh = later.reduce((sum, hours) => sum + hours, 0) * (needs.powerW[i] as number)
    return ((neededWh[i] as number) - laterWh) / now
  }

  function next(): Progress {
    const { start } = periods[t] as ReboundPeriod
    recoveries.forEach(({ freeBy }, i) => {
      if (freeBy !== null && freeBy <= start && !freed.has(i)) freed.add(i, leftWh, t)
    })
    const { hours, powerW: roomW } = rooms[t] as Room
    const isTaking = Uint8Array.from(leftWh, (left) => (left > NOTHING_WH ? 1 : 0))
    const taking = recoveries.map((one, i) => ({ one, i })).filter(({ i }) => isTaking[i] === 1)
    const limited = taking.filter(({ one }) => one.freeBy === null)
    const isWaiting = taking.some(({ one, i }) => one.freeBy !== null && !freed.has(i))
    const share = createShare(roomW, recoveries.length)
    const fullW = limited.reduce((sum, { one }) => sum + one.powerMaxW, 0)
    const isCalm = fullW <= roomW && limited.every(({ one }) => one.restartFrom <= start)
    const must = isCalm && !isWaiting ? null : musts()
    if (must !== null) {
      giveMusts(share, limited, must.firstW, roomW + overW)
      giveDue(share, limited, (i) => dueW(i, t))
    }
    const letGo = ({ one, i }: Indexed) => {
      if (!freed.fits(i, leftWh, t, must?.servedW ?? NO_MUSTS, share)) return
      share.set(i, one.powerMaxW)
      freed.add(i, leftWh, t)
    }
    const open = taking.filter(({ i }) => !freed.has(i))
    shareOut(share, open, { start, isRunning, letGo })
    for (const { one, i } of taking) {
      if (freed.has(i)) share.powerW[i] = one.powerMaxW
      const power = share.powerW[i] as number
      // What whole W take off what it must have is let go: less than a Wh in an hour.
      const roundedW = must === null ? 0 : Math.max(0, (must.firstW[i] as number) - power)
      const countedW = power + (roundedW < 1 ? roundedW : 0)
      leftWh[i] = Math.max(0, (leftWh[i] as number) - power * hours)
      neededWh[i] = Math.max(0, (neededWh[i] as number) - countedW * hours)
      isRunning[i] = power === one.powerMaxW ? 1 : 0
    }
    t += 1
    return { powerW: share.powerW, isTaking }
  }

  return {
    next,
    isDone: () => leftWh.every((left) => left <= NOTHING_WH),
    leftWh: () => leftWh.reduce((sum, left) => sum + (left > NOTHING_WH ? left : 0), 0),
    unreadyWh,
  }
}

/** Who was let go for good: the room that they take until they are done is nobody else's. */
function createFreed(recoveries: readonly Recovery[], rooms: Room[]) {
  const free = new Set<number>()
  /** In how many periods from one on it is not done yet. */
  const lasts = (i: number, leftWh: Float64Array, from: number): number => {
    let [left, t] = [leftWh[i] as number, from]
    for (; t < rooms.length && left > NOTHING_WH; t += 1) {
      left -= (recoveries[i] as Recovery).powerMaxW * (rooms[t] as Room).hours
    }
    return t - from
  }
  return {
    has: (i: number) => free.has(i),
    /**
     * `mustW`: what the others must have in this and the later periods, put as late as it can be.
     */
    fits(i: number, leftWh: Float64Array, from: number, mustW: Float64Array, share: Share) {
      const { powerMaxW } = recoveries[i] as Recovery
      if (powerMaxW > share.leftW()) return false
      const ahead = rooms.slice(from + 1, from + lasts(i, leftWh, from))
      return ahead.every(({ powerW }, k) => powerW - (mustW[k + 1] ?? 0) >= powerMaxW)
    },
    add(i: number, leftWh: Float64Array, from: number): void {
      const { powerMaxW } = recoveries[i] as Recovery
      free.add(i)
      const until = from + lasts(i, leftWh, from)
      for (let t = from; t < until; t += 1) {
        const { hours, powerW } = rooms[t] as Room
        rooms[t] = { hours, powerW: Math.max(0, powerW - powerMaxW) }
      }
    },
  }
}

/** Of this period each device's, and of this and the later ones the sums. W. */
type Musts = Pick<LatestRecovery, 'firstW' | 'servedW'>

function scheduled({ powerW }: MustSchedule, neededWh: Float64Array, t: number): Musts {
  const count = neededWh.length
  const rest = powerW.subarray(t * count)
  const servedW = new Float64Array(count === 0 ? 0 : rest.length / count)
  for (let at = 0; at < rest.length; at += 1) {
    const period = Math.floor(at / count)
    servedW[period] = (servedW[period] as number) + (rest[at] as number)
  }
  const firstW = rest.slice(0, count).map((power, i) => {
    return (neededWh[i] as number) > NOTHING_WH ? power : 0
  })
  return { firstW, servedW }
}

type Indexed = { readonly one: Recovery; readonly i: number }
type Share = ReturnType<typeof createShare>

/** What one period's room is given to. */
function createShare(roomW: number, count: number) {
  const powerW = new Float64Array(count)
  let usedW = 0
  const set = (i: number, power: number) => {
    usedW += power - (powerW[i] as number)
    powerW[i] = power
  }
  return {
    powerW,
    set,
    leftW: () => roomW - usedW,
    /** As far as the limit goes; not at all where that is below what the device can be held at. */
    raise({ powerMaxW, minimumW }: Recovery, i: number, wantedW: number, limitW = roomW): void {
      const before = powerW[i] as number
      const most = before + Math.max(0, limitW - usedW)
      const power = Math.floor(Math.min(wantedW, powerMaxW, most) + NOTHING_W)
      if (power > before && power >= Math.min(minimumW, powerMaxW)) set(i, power)
    },
  }
}

/** What nobody must have: to those that run, then to those that are held, then in order. */
function shareOut(
  share: Share,
  taking: readonly Indexed[],
  {
    start,
    isRunning,
    letGo,
  }: {
    readonly start: Instant
    readonly isRunning: Uint8Array
    /** Where there is room for it until it is done. */
    readonly letGo: (device: Indexed) => void
  },
): void {
  const limited = taking.filter(({ one }) => one.freeBy === null)
  for (const { one, i } of limited) if (isRunning[i] === 1) share.raise(one, i, one.powerMaxW)
  for (const { one, i } of limited) share.raise(one, i, one.heldW)
  for (const { one, i } of taking.filter((each) => each.one.restartFrom <= start)) {
    if (one.freeBy === null) share.raise(one, i, one.powerMaxW)
    else letGo({ one, i })
  }
}

/** Devices' own leasts come first, whatever the room is; then what has to be taken now. */
function giveMusts(
  share: Share,
  limited: readonly Indexed[],
  mustW: Float64Array,
  limitW: number,
): void {
  for (const { one, i } of limited) share.set(i, Math.min(one.floorW, one.powerMaxW))
  const must = (i: number) => mustW[i] as number
  const isSmall = ({ one, i }: Indexed) => must(i) < Math.min(one.minimumW, one.powerMaxW)
  const due = limited.filter(({ i }) => must(i) > NOTHING_W)
  for (const { one, i } of due.filter((each) => !isSmall(each))) {
    share.raise(one, i, must(i), limitW)
  }
  const small = due.filter(isSmall).sort((a, b) => must(b.i) - must(a.i) || a.i - b.i)
  for (const { one, i } of small) share.raise(one, i, one.minimumW, limitW)
}

/**
 * Who found no room, because its least is more than it must have, and could not be ready any more
 * if it waited, has it all the same. Less than a W is rounding.
 */
function giveDue(share: Share, limited: readonly Indexed[], dueW: (i: number) => number): void {
  for (const { one, i } of limited) {
    const due = dueW(i)
    if ((share.powerW[i] as number) > due - 1) continue
    share.set(i, Math.min(one.powerMaxW, Math.max(one.minimumW, Math.ceil(due - NOTHING_W))))
  }
}
