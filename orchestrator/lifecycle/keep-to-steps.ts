import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { type FlexibilityCall, isComingBack } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import {
  changesAhead,
  type HeldDevice,
  type PlannedChange,
  releaseInSteps,
} from '#domain/rebound/release-in-steps.ts'
import { REBOUND_SECONDS_MAX, RESTART_SECONDS_MAX } from '#domain/rebound/rebound-periods.ts'
import { restartOrder } from '#domain/rebound/restart-order.ts'
import type { ReboundPlan } from '#domain/rebound.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { deviceFacts, type KnownDevice } from './device-facts.ts'
import { heldBy } from './held-by.ts'
import { permissionFor } from './order-setpoints.ts'

/** A plan of devices coming back; null: all at once. W by which it passes the program's step. */
export type PlanInSteps = { readonly plan: ReboundPlan | null; readonly passedW: number }

const AT_ONCE = { restarts: [], periods: [], overshootW: 0, unreadyWh: 0, leftWh: 0 }

/**
 * The plan of a release within the step limit of the program, if it has one: letting go of all
 * devices at once is a step of its own. What other calls have planned at the point keeps its place.
 * `planned`: by their rebound; null: nothing is.
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
  const ahead = await plannedBeside(tx, call, new Set(still.keys()), now)
  const found = releaseInSteps(before.restarts, devices, stepLimit, level, now, ahead)
  const { restarts, passedW } = found
  const isAtOnce = planned === null && restarts.every(({ parts }) => parts.length === 0)
  return { plan: isAtOnce ? null : { ...before, restarts }, passedW }
}

/** What is planned at the point beside these devices: by calls that end too, or ended before. */
async function plannedBeside(
  tx: StoreTransaction,
  call: FlexibilityCall,
  ids: ReadonlySet<ResourceId>,
  now: Instant,
): Promise<PlannedChange[]> {
  const { congestionPointId } = call.request
  const endsAfter = addSeconds(now, -REBOUND_SECONDS_MAX)
  const ahead: PlannedChange[] = []
  for (const each of await tx.calls.list({ congestionPointId, endsAfter })) {
    const other = each.id === call.id ? call : each
    const restarts = isComingBack(other) ? other.rebound?.restarts : other.comingBack
    if (restarts === undefined || restarts.length === 0) continue
    const plans = new Map(restarts.map((one) => [one.resourceId, one]))
    const rows = (await heldBy(tx, other)).filter(({ resourceId }) => {
      return plans.has(resourceId) && !ids.has(resourceId)
    })
    const known = await deviceFacts(
      tx,
      other,
      rows.map(({ resourceId }) => resourceId),
      now,
    )
    for (const row of rows) {
      const [device, plan] = [known.get(row.resourceId), plans.get(row.resourceId)]
      if (device === undefined || plan === undefined) continue
      ahead.push(...changesAhead(heldDevice(other, row, device, now), plan, now))
    }
  }
  return ahead
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
