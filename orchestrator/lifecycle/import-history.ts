import { whole } from '#domain/enrolment.ts'
import { DomainError, fieldError } from '#domain/errors.ts'
import type { OrganisationId, ResourceId } from '#domain/ids.ts'
import type { Resource } from '#domain/resource.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { formatInstant, type Instant } from '#domain/time.ts'
import type { Ports } from '#ports.ts'
import { recordTelemetry } from './record-telemetry.ts'

/** A register as it stood at an instant; net import in whole Wh. */
export type HistoricReading = { readonly at: Instant; readonly registerWh: number }

/**
 * Takes in an aggregator's earlier meter readings, marked as imported, for baselines. Readings
 * that are known already stay as they are. @throws DomainError
 */
export async function importHistory(
  ports: Ports,
  aggregatorId: OrganisationId,
  resourceId: ResourceId,
  readings: readonly HistoricReading[],
): Promise<{ received: number; added: number }> {
  const resource = await ports.store.transaction((tx) => tx.resources.find(resourceId))
  if (resource?.aggregatorId !== aggregatorId) {
    throw new DomainError('not-found', `there is no resource ${resourceId} of ${aggregatorId}`)
  }
  checkReadings(resource, readings, ports.clock.now())
  const added = await recordTelemetry(
    ports,
    readings.map(
      ({ at, registerWh }): DeviceReading => ({
        resourceId,
        at,
        powerW: null,
        registerWh,
        socBp: null,
      }),
    ),
    'imported',
  )
  return { received: readings.length, added }
}

function checkReadings(
  resource: Resource,
  readings: readonly HistoricReading[],
  now: Instant,
): void {
  readings.forEach(({ at, registerWh }, i) => {
    const field = `readings[${i}]`
    whole(`${field}.registerWh`, registerWh, -1e12, 1e12, 'Wh')
    if (at > now) {
      const expected = `an instant not after ${formatInstant(now)}`
      throw fieldError('malformed', `${field}.at`, expected, formatInstant(at))
    }
    const before = readings[i - 1]
    if (before === undefined) return
    if (at <= before.at) {
      const expected = `an instant after ${formatInstant(before.at)}, the one before it`
      throw fieldError('malformed', `${field}.at`, expected, formatInstant(at))
    }
    // Without export a register can only rise: a fall is another meter, or a wrong unit.
    if (resource.rating.exportMaxW === 0 && registerWh < before.registerWh) {
      const expected = `at least ${before.registerWh} Wh, the register before it`
      throw fieldError('malformed', `${field}.registerWh`, expected, registerWh)
    }
  })
}
