import type { BusinessEventInput } from '#domain/business-event.ts'
import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { periodAt } from '#domain/allocation.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { PlannedRestart } from '#domain/rebound.ts'
import { formatInstant, type Instant, instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { callEvent } from './announce.ts'
import { setpointFor } from './dispatch-call.ts'
import { heldBy } from './held-by.ts'
import { keepToSteps } from './keep-to-steps.ts'
import type { NewSetpoint } from './order-setpoints.ts'
import { dueNow } from './restart-devices.ts'

/** What devices are to be told that an activation no longer uses, by a plan that is kept. */
export type Returning = {
  readonly restarts: readonly PlannedRestart[]
  readonly due: readonly NewSetpoint[]
  /** What the DSO is told, once for each plan. */
  readonly events: readonly BusinessEventInput[]
}

/**
 * Devices that a call holds and that only stand by again: they go back to their default as they
 * would after a window, within the program's step limit. The plan is made once, as each comes
 * free, and whoever is used again leaves it. Without a step limit all go back at once.
 */
export async function returnFromActivation(
  tx: StoreTransaction,
  call: FlexibilityCall,
  now: Instant,
): Promise<Returning> {
  const idle = await idleRows(tx, call, now)
  if (idle.length === 0) return { restarts: [], due: [], events: [] }
  // Whose own part is over may be promised to another call from here on: it goes back at once.
  const goesOn = new Set(call.allocations.filter((part) => periodAt(part, now)).map(idOf))
  const leaving = idle.map(idOf).filter((id) => !goesOn.has(id))
  const staying = idle.filter((row) => goesOn.has(row.resourceId))
  const free = new Set(staying.map(idOf))
  const known = (call.comingBack ?? []).filter((one) => free.has(one.resourceId))
  const planned = new Set(known.map(idOf))
  const fresh = staying.filter((row) => !planned.has(row.resourceId))
  const { plan, passedW } = await keepToSteps(tx, call, fresh, null, now)
  const added = plan?.restarts ?? []
  const restarts = [...known, ...added]
  const events = added.length === 0 ? [] : [plannedEvent(call, added, passedW, now)]
  const atOnce = leaving.map((resourceId) => ({ resourceId, parts: [], restartsAt: now }))
  return { restarts, due: await dueNow(tx, call, [...restarts, ...atOnce], idle, now), events }
}

const idOf = ({ resourceId }: { readonly resourceId: ResourceId }) => resourceId

function plannedEvent(
  call: FlexibilityCall,
  added: readonly PlannedRestart[],
  passedW: number,
  now: Instant,
): BusinessEventInput {
  const last = instant(Math.max(now, ...added.map(({ restartsAt }) => restartsAt)))
  const until = `come back one after the other until ${formatInstant(last)}`
  const passed = passedW > 0 ? `; the step limit is passed by ${passedW} W, owners come first` : ''
  const message = `the activation has ended; ${added.length} resources ${until}${passed}`
  const counts = { resources: added.length }
  const data = passedW > 0 ? { ...counts, stepPassedW: passedW } : counts
  return callEvent(call, 'rebound-planned', now, message, { notice: passedW > 0, data })
}

/** The call with the plan by which devices come back within its window. */
export function withComingBack(
  call: FlexibilityCall,
  restarts: readonly PlannedRestart[],
): FlexibilityCall {
  const { comingBack = [], ...rest } = call
  const isSame =
    comingBack.length === restarts.length && restarts.every((one, i) => one === comingBack[i])
  if (isSame) return call
  return restarts.length === 0 ? rest : { ...rest, comingBack: restarts }
}

/** Who was let go of, or is to give something now, is none of them. */
async function idleRows(
  tx: StoreTransaction,
  call: FlexibilityCall,
  now: Instant,
): Promise<SetpointRow[]> {
  if (call.activations === undefined) return []
  const standing = new Set<ResourceId>(
    call.allocations.flatMap(({ resourceId, releasedAt }) => {
      return releasedAt === null && setpointFor(call, resourceId, now).length === 0
        ? [resourceId]
        : []
    }),
  )
  return (await heldBy(tx, call)).filter(({ resourceId }) => standing.has(resourceId))
}
