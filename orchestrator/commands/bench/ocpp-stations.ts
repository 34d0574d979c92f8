/** The stations of the OCPP benches, the same on both sides of the wire. */
import { sha256Hex } from '#domain/api-key.ts'
import {
  congestionPointId,
  organisationId,
  ownerId,
  resourceId,
  siteId,
  type ResourceId,
} from '#domain/ids.ts'
import type { MicroEurPerKwh } from '#domain/money.ts'
import type { Resource } from '#domain/resource.ts'
import type { Instant } from '#domain/time.ts'

/** Of every station: what is measured does not depend on it. */
export const PASSWORD = '00112233445566778899aabbccddeeff00112233'
const PASSWORD_SHA256 = sha256Hex(PASSWORD)

export function identityOf(index: number): string {
  return `BENCH-${String(index).padStart(6, '0')}`
}

export function resourceIdOf(index: number): ResourceId {
  return resourceId(`charger-${index}`)
}

/** As the gateway reads it from the store: every one with objects of its own. */
export function chargerOf(index: number, enrolledAt: Instant): Resource {
  return {
    id: resourceIdOf(index),
    kind: 'charger',
    siteId: siteId(`site-${index}`),
    ownerId: ownerId(`owner-${index}`),
    aggregatorId: organisationId('aggregator-1'),
    congestionPointId: congestionPointId('feeder-1'),
    rating: {
      importMaxW: 11_040,
      exportMaxW: 0,
      importMinW: 4_140,
      phases: 3,
      energyWh: 0,
      reserveWh: 0,
      pausable: true,
    },
    offer: {
      price: 150_000n as MicroEurPerKwh,
      directions: ['reduce-import'],
      fromMinute: 0,
      untilMinute: 1440,
    },
    connection: {
      protocol: 'ocpp',
      identity: identityOf(index),
      passwordSha256: PASSWORD_SHA256,
      connectorId: 1,
    },
    meter: null,
    enrolledAt,
  }
}
