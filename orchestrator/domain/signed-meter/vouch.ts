import type { EvidenceBundle } from '../evidence.ts'
import type { ResourceId } from '../ids.ts'
import { byResource } from '../telemetry.ts'
import { type Assurance, assuranceOf, inOrderOfPages } from './assurance.ts'
import type { CheckMeterSignature, SignedRecord } from './meter-key.ts'
import { parseOcmf } from './ocmf.ts'

/** The assurance class of each resource of a call, from what the bundle itself holds. */
export function assurancesOf(
  bundle: Pick<EvidenceBundle, 'terms' | 'allocations' | 'readings' | 'signedRecords'>,
  check: CheckMeterSignature,
): Assurance[] {
  const readings = byResource(bundle.readings)
  const keys = new Map(bundle.terms.meterKeys.map((key) => [key.resourceId, key]))
  const ids = [...new Set(bundle.allocations.map(({ resourceId }) => resourceId))]
  return ids.map((resourceId) => {
    const periods = bundle.allocations
      .filter((allocation) => allocation.resourceId === resourceId)
      .flatMap((allocation) => allocation.periods)
    return assuranceOf(
      {
        resourceId,
        meter: keys.get(resourceId) ?? null,
        boundaries: [...new Set(periods.flatMap(({ start, end }) => [start, end]))],
        readings: readings.get(resourceId) ?? [],
        records: textsOf(bundle.signedRecords, resourceId),
      },
      check,
    )
  })
}

function textsOf(
  records: EvidenceBundle['signedRecords'],
  resourceId: ResourceId,
): readonly string[] {
  return records.filter((record) => record.resourceId === resourceId).map(({ text }) => text)
}

/**
 * The records that may be shown to DSO and verifiers, in the order of their pages: one that says
 * who charged stays with the service. Its page is then missing, and the class is not A.
 */
export function shownRecords(records: readonly SignedRecord[]): EvidenceBundle['signedRecords'] {
  const ids = [...new Set(records.map(({ resourceId }) => resourceId))].sort()
  return ids.flatMap((resourceId) => {
    const texts = records
      .filter((record) => record.resourceId === resourceId && !parseOcmf(record.text).namesDriver)
      .map(({ text }) => text)
    return inOrderOfPages(texts).map((text) => ({ resourceId, text }))
  })
}
