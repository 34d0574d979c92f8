import type { Candidate, Offerable, PeriodNeed } from '#domain/allocation.ts'
import { hashOf } from '#domain/canonical.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import type { ResourceId } from '#domain/ids.ts'
import { learntFrom, type SurelyHeld, surelyHeld } from '#domain/reliability/promise.ts'
import { uniformFrom } from '#domain/reliability/seeded.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** So many of the point's last calls are learnt from; older ones count next to nothing. */
const CALLS = 100
/** From the first setpoint on: who does not respond is known long before a call is settled. */
const TEACHING = ['dispatched', 'measured', 'verified', 'settled', 'paid'] as const

/**
 * What of the needs may be promised so that it comes with the program's chance, and on whom that
 * stands; all of it and on nobody where the program names none. The dice are the call's own:
 * whoever asks again gets the same answer.
 */
export async function promiseSurely(
  tx: StoreTransaction,
  call: FlexibilityCall,
  needs: readonly PeriodNeed[],
  offers: readonly Offerable[],
): Promise<SurelyHeld> {
  const { deliveryLevelBp } = call.program
  if (deliveryLevelBp === undefined) return { needs, countedOn: [] }
  const { congestionPointId, direction } = call.request
  const known = await tx.calls.list({ congestionPointId, states: TEACHING, last: CALLS })
  const last = known.toSorted(
    (a, b) => a.request.window.start - b.request.window.start || (a.id < b.id ? -1 : 1),
  )
  const groupsOf = await groupsFor(tx, [
    ...last.flatMap(({ candidates }) => candidates),
    ...offers.map(({ candidate }) => candidate),
  ])
  const learnt = learntFrom(last, 1 - deliveryLevelBp / 10_000, groupsOf)
  const dice = uniformFrom(hashOf({ margin: call.id }))
  return surelyHeld({ needs, offers, direction, groupsOf, dice }, learnt)
}

/**
 * Devices of one make, and of one class, fail together. Those of past calls are among them, whether
 * they offer now or not: on a night on which most of a make is away its record is needed most.
 */
async function groupsFor(
  tx: StoreTransaction,
  resources: readonly Pick<Candidate, 'resourceId' | 'kind'>[],
): Promise<(id: ResourceId) => readonly string[]> {
  const kinds = new Map(resources.map(({ resourceId, kind }) => [resourceId, kind]))
  const known = await tx.resources.capabilities([...kinds.keys()])
  const makes = new Map(known.map(({ resourceId, capability }) => [resourceId, capability.make]))
  return (id) => {
    const make = makes.get(id) ?? null
    return [`class ${kinds.get(id) ?? 'unknown'}`, ...(make === null ? [] : [`make ${make}`])]
  }
}
