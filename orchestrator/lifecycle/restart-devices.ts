import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { type FlexibilityCall, isComingBack } from '#domain/flexibility-call.ts'
import type { CallId, ResourceId } from '#domain/ids.ts'
import type { PlannedRestart } from '#domain/rebound.ts'
import { addSeconds, type Instant, instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { callEvent } from './announce.ts'
import { heldBy } from './held-by.ts'
import { backToDefault, type NewSetpoint, orderSetpoints } from './order-setpoints.ts'

/** So long a limit outlasts its end where another one follows. */
const HANDOVER_CYCLES = 2

/**
 * After a window: brings each device that is still held to what the plan of the rebound says now,
 * and back to its default when its turn has come, which the gateway reads back. A driver who asks
 * for full power has it at once. What another call has taken over is left alone. Safe to run twice.
 */
export async function restartDevices(ports: Ports, callId: CallId): Promise<void> {
  const changed = await ports.store.transaction(async (tx) => {
    const call = await tx.calls.lock(callId)
    const { rebound } = call
    if (rebound === undefined || !isComingBack(call)) return false
    const now = ports.clock.now()
    const held = await heldBy(tx, call)
    const due = await dueNow(tx, call, rebound.restarts, held, now)
    const { written } = await orderSetpoints(tx, call, due, now)
    const freed = due.filter(({ powerW }) => powerW === null).length
    if (freed < held.length) return written > 0
    await tx.calls.save({ ...call, rebound: { ...rebound, doneAt: now } })
    const count = rebound.restarts.length
    const message = `all ${count} resources that were held are back at their default`
    await tx.events.append([callEvent(call, 'resource-released', now, message)])
    return true
  })
  if (!changed) return
  await ports.wakeUps.notify('setpoints')
  await ports.wakeUps.notify('events')
}

/** The rows that have to be written so that held devices stand as planned at an instant. */
export async function dueNow(
  tx: StoreTransaction,
  call: FlexibilityCall,
  restarts: readonly PlannedRestart[],
  held: readonly SetpointRow[],
  now: Instant,
): Promise<NewSetpoint[]> {
  const plans = new Map(restarts.map((one) => [one.resourceId, one]))
  const conditions = await tx.resources.conditions(held.map(({ resourceId }) => resourceId))
  const wantsAll = new Set<ResourceId>(
    conditions.flatMap((one) => (one.overrideSince === null ? [] : [one.resourceId])),
  )
  return held.flatMap(({ resourceId, powerW, validUntil }) => {
    const parts = plans.get(resourceId)?.parts ?? []
    const part = parts.find(({ start, end }) => start <= now && now < end)
    if (part === undefined || wantsAll.has(resourceId)) {
      return [backToDefault(call, resourceId, now)]
    }
    // Its last limit ends in its turn, whoever is left to tell it; the ones before when it has
    // been told the next one, so that it is not at full power between the two.
    const handover = part === parts.at(-1) ? 0 : HANDOVER_CYCLES * call.program.controlCycleSeconds
    const until = addSeconds(part.end, handover)
    if (powerW === part.limitW && validUntil === until) return []
    const row = { resourceId, callId: call.id, powerW: part.limitW, validFrom: part.start }
    return [{ ...row, validUntil: until, orderedAt: now }]
  })
}

/** When devices are looked at next; null: none is held any more. */
export function nextRestart(call: FlexibilityCall, now: Instant): Instant | null {
  if (!isComingBack(call)) return null
  const ends = (call.rebound?.restarts ?? []).flatMap(({ parts }) => parts.map(({ end }) => end))
  const ahead = ends.filter((end) => end > now)
  // A driver may ask for full power in between.
  const nextCycle = addSeconds(now, call.program.controlCycleSeconds)
  return instant(Math.min(nextCycle, ...ahead))
}
