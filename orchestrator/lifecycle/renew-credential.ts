import { DomainError, fieldError } from '#domain/errors.ts'
import type { OrganisationId, ResourceId } from '#domain/ids.ts'
import type { Connection, CredentialRenewal, Resource } from '#domain/resource.ts'
import type { GatewayPorts, Ports } from '#ports.ts'
import type { StoreTransaction } from '#store-ports.ts'

/** Offers that a station never came back with: more would hide that something is wrong with it. */
const OPEN_OFFERS_MAX = 3

/**
 * Asks for a new password of a charge point. The gateway that it is connected to makes one, hands
 * it over on the live connection, and the old one ends when the station has come with the new one.
 * @throws DomainError not-found, wrong-state
 */
export async function requestRenewal(
  ports: Ports,
  aggregatorId: OrganisationId,
  resourceId: ResourceId,
): Promise<Resource> {
  const changed = await ports.store.transaction(async (tx) => {
    const resource = await tx.resources.find(resourceId)
    if (resource?.aggregatorId !== aggregatorId) {
      throw new DomainError('not-found', `there is no resource ${resourceId} of ${aggregatorId}`)
    }
    const { connection } = resource
    if (connection.protocol !== 'ocpp') {
      const expected = 'a resource that speaks ocpp'
      throw fieldError('wrong-state', 'connection.protocol', expected, connection.protocol)
    }
    const nextSha256 = connection.renewal?.nextSha256 ?? []
    if (nextSha256.length >= OPEN_OFFERS_MAX) {
      const expected = 'a station that comes back with one of the passwords that it was given'
      throw fieldError('wrong-state', 'connection.renewal', expected, nextSha256.length)
    }
    const requestedAt = ports.clock.now()
    return keep(tx, resource, {
      ...connection,
      renewal: { requestedAt, state: 'requested', nextSha256 },
    })
  })
  await ports.wakeUps.notify('resources')
  return changed
}

/**
 * Makes a password valid that is about to be handed over: whatever happens afterwards, the station
 * gets in with it. null: none is asked for any more.
 */
export async function offerPassword(
  { store }: GatewayPorts,
  resourceId: ResourceId,
  passwordSha256: string,
): Promise<Resource | null> {
  return await store.transaction(async (tx) => {
    const found = await renewing(tx, resourceId)
    if (found === null || found.renewal.state !== 'requested') return null
    const nextSha256 = [...found.renewal.nextSha256, passwordSha256]
    const renewal = { ...found.renewal, state: 'offered', nextSha256 } as const
    return keep(tx, found.resource, { ...found.connection, renewal })
  })
}

/** What the station said. What it refused is no password; the rest stays valid. */
export async function recordOffer(
  { store }: GatewayPorts,
  resourceId: ResourceId,
  passwordSha256: string,
  state: 'taken' | 'refused' | 'unanswered',
): Promise<void> {
  await store.transaction(async (tx) => {
    const found = await renewing(tx, resourceId)
    if (found === null || !found.renewal.nextSha256.includes(passwordSha256)) return
    const nextSha256 = found.renewal.nextSha256.filter(
      (one) => state !== 'refused' || one !== passwordSha256,
    )
    const renewal: CredentialRenewal = { ...found.renewal, state, nextSha256 }
    await keep(tx, found.resource, { ...found.connection, renewal })
  })
}

/** The station came with a new password: from now on it is the only one. Safe to run twice. */
export async function adoptPassword(
  { store, log }: GatewayPorts,
  resourceId: ResourceId,
  passwordSha256: string,
): Promise<void> {
  await store.transaction(async (tx) => {
    const found = await renewing(tx, resourceId)
    if (found === null || !found.renewal.nextSha256.includes(passwordSha256)) return
    const { renewal: _over, ...connection } = found.connection
    await keep(tx, found.resource, { ...connection, passwordSha256 })
    log.info('a station came with its new password', { resourceId })
  })
}

type Ocpp = Extract<Connection, { protocol: 'ocpp' }>

async function renewing(tx: StoreTransaction, resourceId: ResourceId) {
  const resource = await tx.resources.find(resourceId)
  if (resource?.connection.protocol !== 'ocpp') return null
  const { connection } = resource
  const { renewal } = connection
  return renewal === undefined ? null : { resource, connection, renewal }
}

async function keep(tx: StoreTransaction, resource: Resource, connection: Ocpp): Promise<Resource> {
  const changed: Resource = { ...resource, connection }
  await tx.resources.save(changed)
  return changed
}
