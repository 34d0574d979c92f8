import { checkThumbprint } from '#domain/enrolment.ts'
import { DomainError, fieldError } from '#domain/errors.ts'
import type { OrganisationId, ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import type { Ports } from '#ports.ts'

/** From now on this certificate, and no other, is taken for the battery's own; null: none is. */
export async function trustCertificate(
  ports: Ports,
  aggregatorId: OrganisationId,
  resourceId: ResourceId,
  thumbprint: string | null,
): Promise<Resource> {
  const checked = thumbprint === null ? null : checkThumbprint('thumbprint', thumbprint)
  const trusted = await ports.store.transaction(async (tx) => {
    const resource = await tx.resources.find(resourceId)
    if (resource?.aggregatorId !== aggregatorId) {
      throw new DomainError('not-found', `there is no resource ${resourceId} of ${aggregatorId}`)
    }
    const { connection } = resource
    if (connection.protocol !== 'opcua') {
      const expected = 'a resource that speaks opcua'
      throw fieldError('wrong-state', 'connection.protocol', expected, connection.protocol)
    }
    const changed: Resource = { ...resource, connection: { ...connection, thumbprint: checked } }
    await tx.resources.save(changed)
    return changed
  })
  await ports.wakeUps.notify('resources')
  return trusted
}
