import { isDeepStrictEqual } from 'node:util'
import { assert, DomainError } from '#domain/errors.ts'
import type { Capability } from '#domain/capability.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import type { Connections } from './connections.ts'
import type { Station } from './station.ts'

/** Which resource stands at which connector of which station. */
export type Roster = {
  /** Takes a resource in, or its change. */
  attach(resource: Resource, known?: Capability): void
  /** @throws DomainError device-unreachable */
  find(resourceId: ResourceId): { readonly station: Station; readonly resource: Resource }
}

export function createRoster(connections: Connections): Roster {
  const stationOf = new Map<ResourceId, Station>()

  function forget(resourceId: ResourceId): void {
    const station = stationOf.get(resourceId)
    if (station === undefined) return
    change(station, () => {
      for (const [connectorId, { id }] of station.resources) {
        if (id === resourceId) station.resources.delete(connectorId)
      }
    })
  }

  return {
    attach(resource, told) {
      const { connection } = resource
      assert(connection.protocol === 'ocpp', `resource ${resource.id} is connected by OCPP`)
      const station = connections.station(connection.identity)
      const known = station.resources.get(connection.connectorId)
      if (known?.id !== resource.id) forget(resource.id)
      change(station, () => station.resources.set(connection.connectorId, resource))
      stationOf.set(resource.id, station)
      station.ledger.flash.restore(told?.flashWrites ?? [])
      if (!isDeepStrictEqual(known?.rating, resource.rating)) connections.renew(station)
    },
    find(resourceId) {
      const station = stationOf.get(resourceId)
      for (const resource of station?.resources.values() ?? []) {
        if (station !== undefined && resource.id === resourceId) return { station, resource }
      }
      throw new DomainError('device-unreachable', `${resourceId} is not known to the OCPP driver`)
    },
  }
}

/** Makes the change, and throws out whoever came in with a password that is no longer good. */
function change(station: Station, make: () => void): void {
  make()
  const { link, passwordSha256 } = station
  if (passwordSha256 === null || passwordsOf(station).includes(passwordSha256)) return
  link?.close(1008, 'the credential has changed')
}

/** Each connector's resource has passwords of its own; any of them opens the station's door. */
export function passwordsOf(station: Station | undefined): string[] {
  return [...(station?.resources.values() ?? [])].flatMap(({ connection }) =>
    connection.protocol === 'ocpp'
      ? [connection.passwordSha256, ...(connection.renewal?.nextSha256 ?? [])]
      : [],
  )
}
