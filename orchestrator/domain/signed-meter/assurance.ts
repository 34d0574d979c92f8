import type { ResourceId } from '../ids.ts'
import type { Reading } from '../telemetry.ts'
import type { Instant } from '../time.ts'
import { continuityFaults, type RecordFaultCode } from './continuity.ts'
import type { CheckMeterSignature, MeterKey } from './meter-key.ts'
import { type OcmfRecord, parseOcmf, type SignedReading } from './ocmf.ts'

/**
 * How well readings are vouched for. A: the meter itself signed them. B: our gateway took them from
 * the device and signed them. C: they were pulled from the maker's cloud. D: somebody told them.
 */
export type AssuranceClass = 'A' | 'B' | 'C' | 'D'

/** What the readings of one resource in one call are worth, and what keeps them from class A. */
export type Assurance = {
  readonly resourceId: ResourceId
  readonly assurance: AssuranceClass
  readonly reasons: readonly AssuranceReason[]
}

export type AssuranceReason =
  | RecordFaultCode
  | 'no-records'
  | 'no-readings'
  | 'imported-readings'
  | 'no-signed-register-at'
  | 'signed-register-differs'

export type AssuranceInput = {
  readonly resourceId: ResourceId
  /** null: no meter key was enrolled. */
  readonly meter: MeterKey | null
  /** Where registers are read to settle: the ends of every ordered stretch. */
  readonly boundaries: readonly Instant[]
  /** Of this resource, in order of time. */
  readonly readings: readonly Reading[]
  /** Texts of this resource's signed records, in the order of their pages. */
  readonly records: readonly string[]
}

/** Signed and plain register of one instant may differ by what rounding to whole Wh does. */
const ROUNDING_WH = 1

/**
 * Class A only when every record holds: each signature is valid under the enrolled key, the row has
 * no fault, and each boundary has a signed register that agrees with the reading used there.
 */
export function assuranceOf(input: AssuranceInput, check: CheckMeterSignature): Assurance {
  const { resourceId, readings, meter } = input
  const lower = (assurance: AssuranceClass, ...reasons: AssuranceReason[]): Assurance => ({
    resourceId,
    assurance,
    reasons: [...new Set(reasons)].sort(),
  })
  if (readings.length === 0) return lower('D', 'no-readings')
  if (readings.some(({ quality }) => quality === 'imported')) return lower('D', 'imported-readings')
  if (meter === null) return lower('B', 'no-key')
  if (input.records.length === 0) return lower('B', 'no-records')
  const reasons = recordReasons(input.records, meter, check)
  const all = reasons.length > 0 ? reasons : boundaryReasons(input)
  return all.length === 0 ? lower('A') : lower('B', ...all)
}

function recordReasons(
  texts: readonly string[],
  meter: MeterKey,
  check: CheckMeterSignature,
): AssuranceReason[] {
  const records = texts.map(parsedOrNull)
  if (records.some((record) => record === null)) return ['unreadable']
  const whole = records as OcmfRecord[]
  const signatures = whole.flatMap((record): AssuranceReason[] => {
    const { result } = check(record, meter.publicKey)
    if (result === 'valid') return []
    return [result === 'invalid' ? 'signature-invalid' : 'cannot-be-verified']
  })
  const row = continuityFaults(whole, { meterSerial: meter.serial, mayEndOpen: true })
  return [...signatures, ...row.map(({ code }) => code)]
}

function boundaryReasons({ boundaries, readings, records }: AssuranceInput): AssuranceReason[] {
  const signed = signedRegisters(records)
  return boundaries.flatMap((at): AssuranceReason[] => {
    const milliWh = signed.get(at)
    if (milliWh === undefined) return ['no-signed-register-at']
    const used = readings.find((reading) => reading.at === at)
    const isSame =
      used !== undefined && Math.abs(used.registerWh * 1000 - milliWh) <= ROUNDING_WH * 1000
    return isSame ? [] : ['signed-register-differs']
  })
}

/** Net register (import - export) by instant, mWh. */
function signedRegisters(texts: readonly string[]): Map<Instant, number> {
  const byInstant = new Map<Instant, Map<string, SignedReading>>()
  for (const text of texts) {
    for (const reading of parsedOrNull(text)?.readings ?? []) {
      if (reading.register !== 'import' && reading.register !== 'export') continue
      const moment = byInstant.get(reading.at) ?? new Map<string, SignedReading>()
      byInstant.set(reading.at, moment.set(reading.register, reading))
    }
  }
  const net = new Map<Instant, number>()
  for (const [at, moment] of byInstant) {
    const imported = moment.get('import')
    if (imported === undefined) continue
    net.set(at, imported.registerMilliWh - (moment.get('export')?.registerMilliWh ?? 0))
  }
  return net
}

function parsedOrNull(text: string): OcmfRecord | null {
  try {
    return parseOcmf(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** In the order of their pages, so that a record that came late stands where it belongs. */
export function inOrderOfPages(texts: readonly string[]): string[] {
  const key = (text: string): readonly [string, number] => {
    const pagination = parsedOrNull(text)?.pagination
    return [pagination?.counter ?? '', pagination?.page ?? 0]
  }
  return [...texts].sort((a, b) => {
    const [counterA, pageA] = key(a)
    const [counterB, pageB] = key(b)
    return counterA < counterB ? -1 : counterA > counterB ? 1 : pageA - pageB || (a < b ? -1 : 1)
  })
}
