import type { EvidenceBundle } from '../evidence.ts'
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
  const records = Map.groupBy(bundle.signedRecords, ({ resourceId }) => resourceId)
  const allocations = Map.groupBy(bundle.allocations, ({ resourceId }) => resourceId)
  return [...allocations].map(([resourceId, mine]) => {
    const boundaries = mine.flatMap(({ periods }) => periods.flatMap((p) => [p.start, p.end]))
    return assuranceOf(
      {
        resourceId,
        meter: keys.get(resourceId) ?? null,
        boundaries: [...new Set(boundaries)],
        readings: readings.get(resourceId) ?? [],
        records: (records.get(resourceId) ?? []).map(({ text }) => text),
      },
      check,
    )
  })
}

/**
 * The records that may be shown to DSO and verifiers, in the order of their pages: one that says
 * who charged stays with the service. Its page is then missing, and the class is not A.
 */
export function shownRecords(records: readonly SignedRecord[]): EvidenceBundle['signedRecords'] {
  const shown = records.filter(({ text }) => !parseOcmf(text).namesDriver)
  const groups = [...Map.groupBy(shown, ({ resourceId }) => resourceId)]
  groups.sort(([a], [b]) => (a < b ? -1 : 1))
  return groups.flatMap(([resourceId, mine]) => {
    const texts = mine.map(({ text }) => text)
    return inOrderOfPages(texts).map((text) => ({ resourceId, text }))
  })
}
