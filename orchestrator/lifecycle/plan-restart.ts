import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { type FlexibilityCall, isComingBack } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import {
  REBOUND_SECONDS_MAX,
  reboundPeriods,
  RESTART_SECONDS_MAX,
  type RestartSteps,
  restartSteps,
  stepsInOrder,
} from '#domain/rebound/rebound-periods.ts'
import { type AfterWindow, recoveryOf } from '#domain/rebound/recovery-of.ts'
import { roomBetween } from '#domain/rebound/room.ts'
import { restartOrder } from '#domain/rebound/restart-order.ts'
import type { ReboundPlan, Recovery } from '#domain/rebound.ts'
import { secondsToChange } from '#domain/step-limit.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { findRebound } from './find-rebound.ts'

/** A reading older than this many metering intervals tells nothing of a device's present. */
const FRESH_INTERVALS = 3

/** A window that ended no longer ago than this many control cycles has just ended. */
const LATE_CYCLES = 2

/** After a window of more consumption devices draw less: that needs no room. */
export function restartsInSteps({ program, request }: FlexibilityCall): boolean {
  return program.restartSeconds !== undefined && request.direction === 'reduce-import'
}

/** The steps over which devices come back: at least as slowly as the program's step limit says. */
export function stepsOf({ program, orderedW }: FlexibilityCall): RestartSteps {
  const { restartSeconds = 0, controlCycleSeconds, stepLimit } = program
  const rampSeconds =
    stepLimit === undefined ? 0 : secondsToChange(Math.max(0, ...orderedW), stepLimit)
  const seconds = Math.min(RESTART_SECONDS_MAX, Math.max(restartSeconds, rampSeconds))
  return restartSteps(seconds, controlCycleSeconds)
}

/**
 * When each device that the call still holds comes back, by what is known of it now. null: all at
 * once, because the program says no more, or nobody is held who takes anything back.
 */
export async function planRestart(
  { solver }: Pick<Ports, 'solver'>,
  tx: StoreTransaction,
  call: FlexibilityCall,
  held: readonly SetpointRow[],
  now: Instant,
): Promise<ReboundPlan | null> {
  if (!restartsInSteps(call)) return null
  // Whoever let go while we were away has come back by itself, and is not caught again.
  const gone = addSeconds(now, -LATE_CYCLES * call.program.controlCycleSeconds)
  const still = held.filter(({ validUntil }) => validUntil > gone)
  const known = await afterWindow(tx, call, still, now)
  const steps = stepsOf(call)
  const mayComeAt = (step: number) => addSeconds(now, step * steps.seconds)
  const first = restartOrder(call.id, [...known.keys()]).flatMap((resourceId): Recovery[] => {
    const recovery = recoveryOf(known.get(resourceId) as AfterWindow, now)
    return recovery === null ? [] : [recovery]
  })
  if (first.length === 0) return null
  const turns = stepsInOrder(
    first.map(({ powerMaxW }) => powerMaxW),
    steps.count,
  )
  const recoveries = first.map((one, i) => ({ ...one, restartFrom: mayComeAt(turns[i] ?? 0) }))
  const roomOf = await roomAt(tx, call, now)
  const periods = reboundPeriods(now, {
    steps,
    periodSeconds: call.program.settlementPeriodSeconds,
    departures: recoveries.flatMap(({ readyBy }) => (readyBy === null ? [] : [readyBy])),
    roomOf,
  })
  return findRebound(solver, recoveries, periods)
}

/** What the point has room for beside its other load and the devices of calls that ended before. */
async function roomAt(
  tx: StoreTransaction,
  { id, program, request }: FlexibilityCall,
  now: Instant,
): Promise<(start: Instant, end: Instant) => number | null> {
  const { congestionPointId } = request
  await tx.promises.lockCongestionPoint(congestionPointId)
  const room = (await tx.organisations.congestionPoint(congestionPointId))?.room
  if (room === undefined) return () => null
  const endsAfter = addSeconds(now, -2 * REBOUND_SECONDS_MAX)
  const calls = await tx.calls.list({ congestionPointId, endsAfter })
  const taken = calls
    .filter((other) => other.id !== id && isComingBack(other))
    .flatMap(({ rebound }) => rebound?.periods ?? [])
  return (start, end) => roomBetween(room, program.timeZone, taken, { start, end })
}

async function afterWindow(
  tx: StoreTransaction,
  call: FlexibilityCall,
  held: readonly SetpointRow[],
  now: Instant,
): Promise<Map<ResourceId, AfterWindow>> {
  const ids = held.map(({ resourceId }) => resourceId)
  const { start } = call.request.window
  const oldest = addSeconds(start, -FRESH_INTERVALS * call.program.meteringIntervalSeconds)
  const byId = <T extends { readonly resourceId: ResourceId }>(all: readonly T[]) =>
    new Map(all.map((one) => [one.resourceId, one]))
  const before = byId((await tx.readings.lastBefore(ids, start)).filter(({ at }) => at >= oldest))
  const last = byId(await tx.readings.lastBefore(ids, now))
  const sessions = byId(await tx.sessions.at(ids, now))
  const conditions = byId(await tx.resources.conditions(ids))
  const candidates = byId(call.candidates)
  const allocations = byId(call.allocations)
  return new Map(
    held.map(({ resourceId, powerW }): [ResourceId, AfterWindow] => {
      const candidate = candidates.get(resourceId)
      const allocation = allocations.get(resourceId)
      if (!candidate || !allocation || powerW === null) {
        throw new Error(`${resourceId} is held by ${call.id} and has no part in it`)
      }
      return [
        resourceId,
        {
          candidate,
          allocation,
          setpointW: powerW,
          before: before.get(resourceId) ?? null,
          now: last.get(resourceId) ?? null,
          session: sessions.get(resourceId) ?? null,
          externalLimitW: conditions.get(resourceId)?.externalLimitW ?? null,
        },
      ]
    }),
  )
}
