import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { activatedPart } from '#domain/activated-parts.ts'
import { deliveryEnd, type FlexibilityCall } from '#domain/flexibility-call.ts'
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
import { takenBy } from '#domain/rebound/ledger.ts'
import { roomBetween } from '#domain/rebound/room.ts'
import { restartOrder } from '#domain/rebound/restart-order.ts'
import type { ReboundPlan, Recovery, TakenPower } from '#domain/rebound.ts'
import { secondsToChange } from '#domain/step-limit.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { findRebound } from './find-rebound.ts'
import { heldIn } from './held-by.ts'

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
 * once, because the program says no more, or nobody is held who takes anything back. What other
 * calls at the point have planned is counted; to calls that end now too and have planned nothing
 * yet is left what their devices must have.
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
  const own = await recoveriesOf(tx, call, still, now)
  if (own.length === 0) return null
  const { congestionPointId } = call.request
  await tx.promises.lockCongestionPoint(congestionPointId)
  const room = (await tx.organisations.congestionPoint(congestionPointId))?.room
  const beside = room === undefined ? NOBODY : await besideOf(tx, call, held, now)
  const { taken, others } = beside
  const departures = [...own, ...others].flatMap(({ readyBy }) => readyBy ?? [])
  const periods = reboundPeriods(now, {
    steps: stepsOf(call),
    periodSeconds: call.program.settlementPeriodSeconds,
    departures,
    changes: taken.flatMap(({ start, end }) => [start, end]),
    roomOf: (start, end) => {
      if (room === undefined) return null
      return roomBetween(room, call.program.timeZone, taken, { start, end })
    },
  })
  return findRebound(solver, { own, others }, periods)
}

/** What each of the devices takes back, in the order and from the step in which it may. */
async function recoveriesOf(
  tx: StoreTransaction,
  call: FlexibilityCall,
  held: readonly SetpointRow[],
  now: Instant,
): Promise<Recovery[]> {
  const known = await afterWindow(tx, call, held, now)
  const steps = stepsOf(call)
  const mayComeAt = (step: number) => addSeconds(now, step * steps.seconds)
  const first = restartOrder(call.id, [...known.keys()]).flatMap((resourceId): Recovery[] => {
    const recovery = recoveryOf(known.get(resourceId) as AfterWindow, now)
    return recovery === null ? [] : [recovery]
  })
  const turns = stepsInOrder(
    first.map(({ powerMaxW }) => powerMaxW),
    steps.count,
  )
  return first.map((one, i) => ({ ...one, restartFrom: mayComeAt(turns[i] ?? 0) }))
}

/** What binds the room beside the devices of a call. */
type Beside = { readonly taken: readonly TakenPower[]; readonly others: readonly Recovery[] }
const NOBODY: Beside = { taken: [], others: [] }

/** What other calls at the point have planned or do, and what those take that end now, too. */
async function besideOf(
  tx: StoreTransaction,
  call: FlexibilityCall,
  held: readonly SetpointRow[],
  now: Instant,
): Promise<Beside> {
  const { congestionPointId } = call.request
  const endsAfter = addSeconds(now, -2 * REBOUND_SECONDS_MAX)
  const calls = await tx.calls.list({ congestionPointId, endsAfter })
  const mine = new Set(held.map(({ resourceId }) => resourceId))
  const taken: TakenPower[] = []
  const others: Recovery[] = []
  for (const each of calls) {
    const other = each.id === call.id ? call : each
    const ids = other.allocations.map(({ resourceId }) => resourceId)
    const current = await tx.setpoints.current(ids)
    const rows = new Map(current.map((row) => [row.resourceId, row]))
    const isTheirs = (id: ResourceId) => {
      const row = rows.get(id)
      return !mine.has(id) && (row === undefined || row.callId === other.id)
    }
    const endsToo = other.state === 'dispatched' && other.releasedAt === null
    if (other.id !== call.id && endsToo && now >= deliveryEnd(other) && restartsInSteps(other)) {
      others.push(...(await recoveriesOf(tx, other, heldIn(current, other), now)))
    }
    taken.push(...takenBy(other, isTheirs, now).filter(({ end }) => end > now))
  }
  return { taken, others }
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
  return new Map(
    held.map(({ resourceId, powerW }): [ResourceId, AfterWindow] => {
      const candidate = candidates.get(resourceId)
      // Of what only stood by what was activated.
      const allocation = activatedPart(call, resourceId)
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
