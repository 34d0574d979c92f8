/** Meter values of all versions as readings: phases summed, k units and multipliers scaled. */
import type { ResourceId } from '#domain/ids.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import type { Instant } from '#domain/time.ts'
import type { OcppVersion, Payload } from './frames.ts'
import { objects, optionalNumber, optionalObject, optionalText } from './read.ts'
import { signedRecords } from './signed-values.ts'
import { fromTimestamp } from './wire.ts'

/** One moment of one meter, in base units (W, Wh, A, percent). */
export type MeterValue = {
  readonly at: Instant | null
  /** Taken on the clock's raster (Sample.Clock), as settlement wants it. */
  readonly aligned: boolean
  /** Taken when a transaction began (2.0.1 repeats it in the last event). */
  readonly beginsTransaction: boolean
  readonly powerW: number | null
  readonly registerWh: number | null
  readonly socPercent: number | null
  readonly offeredA: number | null
  /** What the meter signed itself, to the byte. */
  readonly signed: readonly string[]
}

type Measured = {
  readonly measurand: string
  readonly phase: string | null
  readonly location: string | null
  readonly value: number
}

const DEFAULT_MEASURAND = 'Energy.Active.Import.Register'

/** Reads a list of meter values; `aligned` if the message as a whole says so. */
export function meterValues(
  version: OcppVersion,
  payload: Payload,
  field: string,
  aligned = false,
): MeterValue[] {
  return objects(payload, field).map((one) => meterValue(version, one, aligned))
}

function meterValue(version: OcppVersion, payload: Payload, aligned: boolean): MeterValue {
  const values = objects(payload, 'sampledValue')
  const measured: Measured[] = []
  for (const one of values) {
    const read = measuredOf(version, one)
    if (read !== null) measured.push(read)
  }
  const imported = total(measured, 'Energy.Active.Import.Register')
  const exported = total(measured, 'Energy.Active.Export.Register')
  const importW = total(measured, 'Power.Active.Import')
  const exportW = total(measured, 'Power.Active.Export')
  return {
    at: fromTimestamp(optionalText(payload, 'timestamp')),
    aligned: aligned || values.some((one) => one['context'] === 'Sample.Clock'),
    beginsTransaction: values.some((one) => one['context'] === 'Transaction.Begin'),
    powerW: importW === null && exportW === null ? null : (importW ?? 0) - (exportW ?? 0),
    registerWh: imported === null ? null : imported - (exported ?? 0),
    socPercent: measured.find((one) => one.measurand === 'SoC')?.value ?? null,
    offeredA: largest(measured, 'Current.Offered'),
    signed: signedRecords(version, values),
  }
}

function measuredOf(version: OcppVersion, sample: Payload): Measured | null {
  // A signed value is a text of its own format; 1.6 marks it, 2.x carries it beside the number.
  if (sample['format'] === 'SignedData') return null
  const value = optionalNumber(sample, 'value')
  if (value === null) return null
  return {
    measurand: optionalText(sample, 'measurand') ?? DEFAULT_MEASURAND,
    phase: optionalText(sample, 'phase'),
    location: optionalText(sample, 'location'),
    value: value * scale(version, sample),
  }
}

const THOUSANDS = /^k(W|Wh)$/i

/** kW and kWh in either version (2.x stations write them, too), 2.x also 10^multiplier. */
function scale(version: OcppVersion, sample: Payload): number {
  const measure = version !== 'ocpp1.6' ? optionalObject(sample, 'unitOfMeasure') : sample
  if (measure === null) return 1
  const unit = optionalText(measure, 'unit') ?? ''
  const thousands = THOUSANDS.test(unit) ? 1000 : 1
  const multiplier = version !== 'ocpp1.6' ? (optionalNumber(measure, 'multiplier') ?? 0) : 0
  return thousands * 10 ** multiplier
}

/** The value for all phases together; where a station has none, the sum of its phases. */
function total(measured: readonly Measured[], measurand: string): number | null {
  let phases: Map<string, number> | null = null
  for (const one of measured) {
    const isAtOutlet = one.location === null || one.location === 'Outlet'
    if (one.measurand !== measurand || !isAtOutlet) continue
    if (one.phase === null) return one.value
    // One sample per phase: some stations send L1 and L1-N for the same thing.
    const phase = /^(L[123])(-N)?$/.exec(one.phase)?.[1]
    phases ??= new Map()
    if (phase !== undefined && !phases.has(phase)) phases.set(phase, one.value)
  }
  if (phases === null || phases.size === 0) return null
  return [...phases.values()].reduce((sum, value) => sum + value, 0)
}

function largest(measured: readonly Measured[], measurand: string): number | null {
  let found: number | null = null
  for (const one of measured) {
    if (one.measurand === measurand && (found === null || one.value > found)) found = one.value
  }
  return found
}

/** null where stamp or register are missing: there is nothing to settle on. Whole W and Wh. */
export function toReading(resourceId: ResourceId, value: MeterValue): DeviceReading | null {
  if (value.at === null || value.registerWh === null) return null
  const registerWh = whole(value.registerWh)
  const powerW = value.powerW === null ? null : whole(value.powerW)
  if (!Number.isSafeInteger(registerWh)) return null
  if (powerW !== null && !Number.isSafeInteger(powerW)) return null
  return { resourceId, at: value.at, powerW, registerWh, socBp: soc(value) }
}

function soc(value: MeterValue): number | null {
  if (value.socPercent === null) return null
  const basisPoints = Math.round(value.socPercent * 100)
  return basisPoints >= 0 && basisPoints <= 10_000 ? basisPoints : null
}

/** Rounded to the nearest; there is only one zero. */
function whole(value: number): number {
  return Math.round(value) + 0
}
