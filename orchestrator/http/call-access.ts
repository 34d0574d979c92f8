import { TERMINAL, type FlexibilityCall } from '#domain/flexibility-call.ts'
import type { CallId, ResourceId } from '#domain/ids.ts'
import type { ApiKey, Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { notFound } from './problem.ts'

/**
 * What a key may see of calls. `own` are the resources of an aggregator or owner; null stands for
 * a DSO or the operator, who see a call as a whole.
 */
export type CallAccess = {
  readonly key: ApiKey
  readonly own: ReadonlySet<ResourceId> | null
}

export async function callAccess(tx: StoreTransaction, key: ApiKey): Promise<CallAccess> {
  if (key.role !== 'aggregator' && key.role !== 'owner') return { key, own: null }
  const filter =
    key.role === 'owner' && key.ownerId !== null
      ? { ownerId: key.ownerId }
      : { aggregatorId: key.organisationId }
  const resources = await tx.resources.list(filter)
  return { key, own: new Set(resources.map(({ id }) => id)) }
}

/**
 * A DSO sees its own calls; an aggregator those that its resources are asked for; an owner those
 * that its resources take part in, and none before its window begins: notice is silent.
 */
export function maySeeCall(ports: Ports, { key, own }: CallAccess, call: FlexibilityCall): boolean {
  if (key.role === 'operator') return true
  if (key.role === 'dso') return call.dsoId === key.organisationId
  if (own === null) return false
  if (key.role === 'owner') return begun(ports, call) && takesPart(call, own)
  return takesPart(call, own) || call.skipped.some(({ resourceId }) => own.has(resourceId))
}

/** A call that ended before its window never shows itself to an owner at all. */
function begun(ports: Ports, call: FlexibilityCall): boolean {
  if (ports.clock.now() < call.request.window.start) return false
  return call.windowStartCommitment !== null || !TERMINAL.has(call.state)
}

export function takesPart(call: FlexibilityCall, own: ReadonlySet<ResourceId>): boolean {
  return call.allocations.some(({ resourceId }) => own.has(resourceId))
}

/** A call that this key may see, and how. @throws DomainError not-found for any other */
export async function visibleCall(
  ports: Ports,
  tx: StoreTransaction,
  key: ApiKey,
  id: CallId,
): Promise<{ access: CallAccess; call: FlexibilityCall }> {
  const access = await callAccess(tx, key)
  const call = await tx.calls.find(id)
  if (call === null || !maySeeCall(ports, access, call)) throw notFound()
  return { access, call }
}
