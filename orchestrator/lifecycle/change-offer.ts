import { checkOffer } from '#domain/enrolment.ts'
import { DomainError } from '#domain/errors.ts'
import type { OrganisationId, ResourceId } from '#domain/ids.ts'
import type { Resource, StandingOffer } from '#domain/resource.ts'
import type { Ports } from '#ports.ts'

/** Changes what a resource asks for from now on; calls already ordered keep their price. */
export async function changeOffer(
  ports: Ports,
  aggregatorId: OrganisationId,
  resourceId: ResourceId,
  offer: StandingOffer,
): Promise<Resource> {
  const checked = checkOffer(offer)
  return ports.store.transaction(async (tx) => {
    const resource = await tx.resources.find(resourceId)
    if (resource?.aggregatorId !== aggregatorId) {
      throw new DomainError('not-found', `there is no resource ${resourceId} of ${aggregatorId}`)
    }
    const changed = { ...resource, offer: checked }
    await tx.resources.save(changed)
    return changed
  })
}
