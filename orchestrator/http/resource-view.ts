import { z } from '@hono/zod-openapi'
import type { Resource, ResourceHealth, StandingOffer } from '#domain/resource.ts'
import type { StoreTransaction } from '#ports.ts'
import type { ApiContext } from './context.ts'
import { At, at, DirectionText } from './schemas.ts'

export const RatingView = z.object({
  importMaxW: z.int(),
  exportMaxW: z.int(),
  importMinW: z.int(),
  phases: z.literal([1, 3]).openapi({ type: 'integer', enum: [1, 3] }),
  energyWh: z.int(),
  reserveWh: z.int(),
  pausable: z.boolean(),
})

export const OfferView = z.object({
  priceMinorPerKwh: z.string(),
  directions: z.array(DirectionText),
  fromMinute: z.int(),
  untilMinute: z.int(),
})

/** What the installer needs to connect the device; secrets are not in it. */
export const ConnectionView = z.discriminatedUnion('protocol', [
  z.object({
    protocol: z.literal('ocpp'),
    identity: z.string(),
    connectorId: z.int(),
    url: z.string().openapi({ description: 'Where the station connects to' }),
  }),
  z.object({
    protocol: z.literal('opcua'),
    endpoint: z.string(),
    thumbprint: z.string().nullable().openapi({ description: 'Of the trusted certificate' }),
    presentedThumbprint: z.string().nullable().openapi({
      description: 'Of the certificate that the battery shows and that is not trusted yet',
    }),
  }),
  z.object({
    protocol: z.literal('modbus'),
    host: z.string(),
    port: z.int(),
    unitId: z.int(),
  }),
  z.object({ protocol: z.literal('simulated'), address: z.string() }),
])

const HealthView = z.object({ connected: z.boolean(), since: At, detail: z.string() })

export const ResourceView = z.object({
  id: z.string(),
  kind: z.enum(['charger', 'battery']),
  siteId: z.string(),
  ownerId: z.string(),
  congestionPointId: z.string(),
  rating: RatingView,
  offer: OfferView,
  connection: ConnectionView,
  enrolledAt: At,
  health: HealthView.nullable().openapi({ description: 'null: it has never connected' }),
})

export function offerView(offer: StandingOffer): z.infer<typeof OfferView> {
  return {
    priceMinorPerKwh: offer.price.toString(),
    directions: [...offer.directions],
    fromMinute: offer.fromMinute,
    untilMinute: offer.untilMinute,
  }
}

export function resourceView(
  context: ApiContext,
  resource: Resource,
  health: ResourceHealth | null,
): z.infer<typeof ResourceView> {
  const { id, kind, siteId, ownerId, congestionPointId, rating } = resource
  return {
    id,
    kind,
    siteId,
    ownerId,
    congestionPointId,
    rating,
    offer: offerView(resource.offer),
    connection: connectionView(context, resource),
    enrolledAt: at(resource.enrolledAt),
    health:
      health === null
        ? null
        : { connected: health.connected, since: at(health.since), detail: health.detail },
  }
}

/** Resources with what is known of their connections. */
export async function resourceViews(
  context: ApiContext,
  tx: StoreTransaction,
  resources: readonly Resource[],
): Promise<z.infer<typeof ResourceView>[]> {
  const healths = await tx.resources.health(resources.map(({ id }) => id))
  const healthOf = new Map(healths.map((health) => [health.resourceId, health]))
  return resources.map((resource) =>
    resourceView(context, resource, healthOf.get(resource.id) ?? null),
  )
}

function connectionView(
  context: ApiContext,
  { id, connection }: Resource,
): z.infer<typeof ConnectionView> {
  if (connection.protocol === 'simulated' || connection.protocol === 'modbus') return connection
  if (connection.protocol === 'opcua') {
    const { protocol, endpoint, thumbprint } = connection
    return { protocol, endpoint, thumbprint, presentedThumbprint: context.presentedThumbprint(id) }
  }
  const { protocol, identity, connectorId } = connection
  return { protocol, identity, connectorId, url: context.ocppUrl(identity) }
}
