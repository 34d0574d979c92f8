import type { Candidate } from '#domain/allocation.ts'
import { hasCurves, mostByCurves } from '#domain/armed-curve.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceNow } from '#domain/flexibility-offer.ts'
import { asWished, chargesNow } from '#domain/owner-limits.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { energyElsewhere } from './energy-elsewhere.ts'

/** A reading older than this many metering intervals tells nothing of a device's present. */
const FRESH_INTERVALS = 3

/** What is known of the candidates at an instant: fresh reading, car, promises to other calls. */
export async function resourcesNow(
  tx: StoreTransaction,
  call: FlexibilityCall,
  candidates: readonly Candidate[],
  at: Instant,
): Promise<ResourceNow[]> {
  const ids = candidates.map((candidate) => candidate.resourceId)
  const { window } = call.request
  const oldest = addSeconds(at, -FRESH_INTERVALS * call.program.meteringIntervalSeconds)
  const readings = await tx.readings.lastBefore(ids, at)
  const sessions = await tx.sessions.at(ids, at)
  const conditions = await tx.resources.conditions(ids)
  const able = hasCurves(call.program) ? await tx.resources.capabilities(ids) : []
  const said = await tx.control.limits(ids)
  const taken = await tx.promises.taken(ids, window.start, window.end)
  const energies = await energyElsewhere(tx, call, at)
  const others = taken.filter(({ callId }) => callId !== call.id)
  const promisedOf = Map.groupBy(others, ({ resourceId }) => resourceId)
  return candidates.map((candidate) => {
    const { resourceId } = candidate
    const reading = readings.find((r) => r.resourceId === resourceId && r.at >= oldest) ?? null
    const told = sessions.find((s) => s.resourceId === resourceId) ?? null
    const owner = said.find((one) => one.resourceId === resourceId)
    const session =
      told === null || owner === undefined ? told : asWished(told, owner, call.program.timeZone)
    const since = owner !== undefined && chargesNow(owner, at) ? owner.chargeNow?.since : undefined
    const wish = since === undefined ? {} : { chargeNowSince: since }
    const promised = promisedOf.get(resourceId) ?? []
    const promisedWh = energies.get(resourceId) ?? 0
    const condition = conditions.find((c) => c.resourceId === resourceId) ?? null
    const known = { candidate, reading, session, condition, promised, promisedWh, lookedAt: at }
    const { capability = null } = able.find((one) => one.resourceId === resourceId) ?? {}
    const mostW = mostByCurves(call.program, capability)
    return { ...known, ...wish, ...(mostW === null ? {} : { mostW }) }
  })
}
