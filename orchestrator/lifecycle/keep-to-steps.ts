import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { type HeldDevice, releaseInSteps } from '#domain/rebound/release-in-steps.ts'
import { RESTART_SECONDS_MAX } from '#domain/rebound/rebound-periods.ts'
import { restartOrder } from '#domain/rebound/restart-order.ts'
import type { ReboundPlan } from '#domain/rebound.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { deviceFacts, type KnownDevice } from './device-facts.ts'
import { permissionFor } from './order-setpoints.ts'

/** A plan of devices coming back; null: all at once. W by which it passes the program's step. */
export type PlanInSteps = { readonly plan: ReboundPlan | null; readonly passedW: number }

const AT_ONCE = { restarts: [], periods: [], overshootW: 0, unreadyWh: 0, leftWh: 0 }

/**
 * The plan of a release within the step limit of the program, if it has one: letting go of all
 * devices at once is a step of its own. `planned`: by their rebound; null: nothing is.
 */
export async function keepToSteps(
  tx: StoreTransaction,
  call: FlexibilityCall,
  held: readonly SetpointRow[],
  planned: ReboundPlan | null,
  now: Instant,
): Promise<PlanInSteps> {
  const { stepLimit } = call.program
  // Who let go by itself while we were away is not caught again.
  const still = new Map(
    held.flatMap((row) => (row.validUntil > now ? [[row.resourceId, row] as const] : [])),
  )
  if (stepLimit === undefined || still.size === 0) return { plan: planned, passedW: 0 }
  const { congestionPointId } = call.request
  await tx.control.lock([congestionPointId])
  const known = await deviceFacts(tx, call, [...still.keys()], now)
  const devices = restartOrder(call.id, [...still.keys()]).flatMap((id): HeldDevice[] => {
    const [row, device] = [still.get(id), known.get(id)]
    return row === undefined || device === undefined ? [] : [heldDevice(call, row, device, now)]
  })
  const level = await tx.control.level(congestionPointId)
  const before = planned ?? AT_ONCE
  const { restarts, passedW } = releaseInSteps(before.restarts, devices, stepLimit, level, now)
  const isAtOnce = planned === null && restarts.every(({ parts }) => parts.length === 0)
  return { plan: isAtOnce ? null : { ...before, restarts }, passedW }
}

function heldDevice(
  call: FlexibilityCall,
  { resourceId, powerW }: SetpointRow,
  device: KnownDevice,
  now: Instant,
): HeldDevice {
  if (powerW === null) throw new Error(`${resourceId} is not held`)
  const { kind, rating } = device.facts.resource
  const until = addSeconds(now, RESTART_SECONDS_MAX)
  const stays = { resourceId, callId: call.id, powerW, validFrom: now, validUntil: until }
  const found = permissionFor(call, { ...stays, orderedAt: now }, device, now)
  return {
    resourceId,
    powerW,
    // At its default a battery does what nobody knows: most often nothing.
    defaultW: kind === 'charger' ? device.drawsW : 0,
    leastW: kind === 'charger' ? rating.importMinW : 0,
    mayStayUntil: found.kind === 'refused' ? now : found.validUntil,
  }
}
