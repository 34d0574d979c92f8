import { z } from '@hono/zod-openapi'
import { assert } from '#domain/errors.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Resource, ResourceHealth, StandingOffer } from '#domain/resource.ts'
import type { KnownCapability, DeviceCondition } from '#domain/capability.ts'
import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import type { StoreTransaction } from '#store-ports.ts'
import { CapabilityView, capabilityView, ConditionView, conditionView } from './capability-view.ts'
import type { ApiContext } from './context.ts'
import { At, at, DirectionText } from './schemas.ts'
import { SetpointChain, setpointChain } from './setpoint-view.ts'

export const RatingView = z.object({
  importMaxW: z.int(),
  exportMaxW: z.int(),
  importMinW: z.int(),
  phases: z.literal([1, 3]).openapi({ type: 'integer', enum: [1, 3] }),
  energyWh: z.int(),
  reserveWh: z.int(),
  pausable: z.boolean(),
  legalClass: z.enum(['de-14a']).optional().openapi({
    description: 'Below whose legal floor it is never limited (de-14a: 4.2 kW); absent: none',
  }),
  responseSeconds: z.int().optional().openapi({ description: 'Until it begins to move' }),
  rampWattsPerSecondMax: z.int().optional().openapi({ description: 'How fast it moves then' }),
})

/** What an offer may be tied to. */
export const ConditionsView = z.object({
  noticeSeconds: z.int().optional().openapi({ description: 'Before the window' }),
  callsPerDayMax: z.int().optional(),
  restSeconds: z.int().optional().openapi({ description: 'Between two calls' }),
  powerMinW: z.int().optional().openapi({ description: 'Where it moves at all' }),
  onSecondsMin: z.int().optional().openapi({ description: 'Once it moves' }),
  onLessAsStandIn: z
    .boolean()
    .optional()
    .openapi({ description: 'Called in for others it may go on for less, until the end' }),
  allOrNothing: z.boolean().optional().openapi({ description: 'No part of what it can give' }),
})

export const OfferView = z.object({
  priceMinorPerKwh: z.string(),
  directions: z.array(DirectionText),
  fromMinute: z.int(),
  untilMinute: z.int(),
  conditions: ConditionsView.optional().openapi({ description: 'Absent: it answers any call' }),
})

/** What the installer needs to connect the device; secrets are not in it. */
export const ConnectionView = z.discriminatedUnion('protocol', [
  z.object({
    protocol: z.literal('ocpp'),
    identity: z.string(),
    connectorId: z.int(),
    url: z.string().openapi({ description: 'Where the station connects to' }),
    renewal: z
      .object({
        requestedAt: At,
        state: z.enum(['requested', 'offered', 'taken', 'refused', 'unanswered']),
      })
      .nullable()
      .openapi({ description: 'Of its password, until it has come with the new one' }),
  }),
  z.object({
    protocol: z.literal('opcua'),
    endpoint: z.string(),
    thumbprint: z.string().nullable().openapi({ description: 'Of the trusted certificate' }),
    presentedThumbprint: z.string().nullable().openapi({
      description: 'Of the certificate that the battery shows and that is not trusted yet',
    }),
    product: z.string(),
    object: z.string().nullable().openapi({
      description: 'Browse name of the battery, where its server holds several',
    }),
    user: z.enum(['anonymous', 'password', 'certificate']),
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
  meter: z
    .object({ serial: z.string(), publicKey: z.string() })
    .nullable()
    .openapi({ description: 'The meter that signs its registers; null: none does' }),
  enrolledAt: At,
  health: HealthView.nullable().openapi({ description: 'null: it has never connected' }),
  capability: CapabilityView.nullable().openapi({ description: 'null: it has not told yet' }),
  condition: ConditionView.nullable().openapi({ description: 'null: nobody else acts on it' }),
  setpoint: SetpointChain.nullable().openapi({
    description: 'The newest; null: it was never asked for anything',
  }),
})

/** What is known of a resource beside its enrolment. */
export type Known = {
  readonly health?: ResourceHealth | undefined
  readonly capability?: KnownCapability | undefined
  readonly condition?: DeviceCondition | undefined
  readonly setpoint?: SetpointRow | undefined
}

export function offerView(offer: StandingOffer): z.infer<typeof OfferView> {
  return {
    priceMinorPerKwh: offer.price.toString(),
    directions: [...offer.directions],
    fromMinute: offer.fromMinute,
    untilMinute: offer.untilMinute,
    ...(offer.conditions === undefined ? {} : { conditions: { ...offer.conditions } }),
  }
}

export function resourceView(
  context: ApiContext,
  resource: Resource,
  { health, capability, condition, setpoint }: Known = {},
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
    meter: resource.meter === null ? null : { ...resource.meter },
    enrolledAt: at(resource.enrolledAt),
    health: health
      ? { connected: health.connected, since: at(health.since), detail: health.detail }
      : null,
    capability: capability ? capabilityView(capability) : null,
    condition: condition ? conditionView(condition) : null,
    setpoint: setpoint ? setpointChain(setpoint) : null,
  }
}

/** Resources with what is known of their connections, devices and newest setpoints. */
export async function resourceViews(
  context: ApiContext,
  tx: StoreTransaction,
  resources: readonly Resource[],
): Promise<z.infer<typeof ResourceView>[]> {
  const ids = resources.map(({ id }) => id)
  const healths = byId(await tx.resources.health(ids))
  const capabilities = byId(await tx.resources.capabilities(ids))
  const conditions = byId(await tx.resources.conditions(ids))
  const setpoints = byId(await tx.setpoints.current(ids))
  return resources.map((resource) =>
    resourceView(context, resource, {
      health: healths.get(resource.id),
      capability: capabilities.get(resource.id),
      condition: conditions.get(resource.id),
      setpoint: setpoints.get(resource.id),
    }),
  )
}

/** One of them. */
export async function viewOne(
  context: ApiContext,
  tx: StoreTransaction,
  resource: Resource,
): Promise<z.infer<typeof ResourceView>> {
  const [view] = await resourceViews(context, tx, [resource])
  assert(view !== undefined, `${resource.id} has a view`)
  return view
}

function byId<T extends { readonly resourceId: ResourceId }>(rows: readonly T[]) {
  return new Map(rows.map((row) => [row.resourceId, row]))
}

function connectionView(
  context: ApiContext,
  { id, connection }: Resource,
): z.infer<typeof ConnectionView> {
  if (connection.protocol === 'simulated' || connection.protocol === 'modbus') return connection
  if (connection.protocol === 'opcua') {
    const { product = 'gridcall-bess', object = null, user = 'anonymous', ...rest } = connection
    return { ...rest, presentedThumbprint: context.presentedThumbprint(id), product, object, user }
  }
  const { protocol, identity, connectorId, renewal } = connection
  return {
    protocol,
    identity,
    connectorId,
    url: context.ocppUrl(identity),
    renewal: renewal ? { requestedAt: at(renewal.requestedAt), state: renewal.state } : null,
  }
}
