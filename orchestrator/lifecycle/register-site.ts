import { idFromBytes } from '#domain/enrolment.ts'
import { fieldError } from '#domain/errors.ts'
import {
  type CongestionPointId,
  type OrganisationId,
  type OwnerId,
  type SiteId,
  siteId,
} from '#domain/ids.ts'
import type { Site } from '#domain/resource.ts'
import type { Ports } from '#ports.ts'

/** Registers where an owner's devices stand and which congestion point feeds them. */
export async function registerSite(
  ports: Ports,
  aggregatorId: OrganisationId,
  input: {
    readonly id?: SiteId | undefined
    readonly ownerId: OwnerId
    readonly congestionPointId: CongestionPointId
  },
): Promise<Site> {
  const { ownerId, congestionPointId } = input
  const id = input.id ?? siteId(idFromBytes('site', ports.random.bytes(8)))
  const site: Site = { id, aggregatorId, ownerId, congestionPointId }
  await ports.store.transaction(async (tx) => {
    const owner = await tx.resources.owner(ownerId)
    if (owner?.aggregatorId !== aggregatorId) {
      throw fieldError('not-found', 'ownerId', 'the id of one of your owners', ownerId)
    }
    if ((await tx.organisations.congestionPoint(congestionPointId)) === null) {
      const expected = 'the id of a congestion point'
      throw fieldError('unknown-congestion-point', 'congestionPointId', expected, congestionPointId)
    }
    if ((await tx.resources.site(id)) !== null) {
      throw fieldError('duplicate', 'id', 'an id that is not taken', id)
    }
    await tx.resources.saveSite(site)
  })
  return site
}
