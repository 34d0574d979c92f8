import type { Payload } from '../ocpp-link.ts'
import type { QuirkId } from './catalogue.ts'

/** What the station makes of a message of its own right before it goes out. */
export type Rewrite = (action: string, payload: Payload, station: StationClock) => Payload

export type StationClock = {
  /** Business ms. */
  readonly now: () => number
  /** Has the station got a time from the central system by a heartbeat? */
  readonly synchronised: () => boolean
  readonly bootedAt: number
}

const HOUR_MS = 3_600_000
const SKEW_MS = -20 * 60_000
const OWN_RASTER_MS = 7000
const STATUS_LATE_MS = 60_000

const REWRITES: Partial<Record<QuirkId, Rewrite>> = {
  D1: (action, payload) => withTransaction(action, payload, /^(MeterValues|StopTransaction)$/, -1),
  D5: (action, payload) => withTransaction(action, payload, /^MeterValues$/, -1_840_701),
  D7: (_action, payload) =>
    payload.idTag === undefined ? payload : { ...payload, idTag: '\u0002\u00ff7F\ufffd' },
  D9: (_action, payload) => mapSamples(payload, perPhase),
  D10: (_action, payload) =>
    mapSamples(payload, (sample) =>
      sample.measurand === 'Energy.Active.Import.Register' ? [sample] : [],
    ),
  D11: alwaysAvailable,
  E1: (_action, payload, { synchronised }) =>
    synchronised() ? payload : mapStamps(payload, (stamp) => shifted(stamp, HOUR_MS)),
  E2: (action, payload) =>
    action === 'StatusNotification'
      ? mapStamps(payload, (stamp) => shifted(stamp, STATUS_LATE_MS))
      : payload,
  E3: (_action, payload, { synchronised, bootedAt }) =>
    synchronised() ? payload : mapStamps(payload, (stamp) => shifted(stamp, -bootedAt)),
  E6: (_action, payload) => mapStamps(payload, (stamp) => stamp.replace(/Z$/, '')),
  sparse: ownRaster,
  skew: (_action, payload) => mapStamps(payload, (stamp) => shifted(stamp, SKEW_MS)),
}

export function rewriteOf(quirks: readonly QuirkId[]): Rewrite {
  const rewrites = quirks.flatMap((id) => REWRITES[id] ?? [])
  return (action, payload, station) =>
    rewrites.reduce((now, rewrite) => rewrite(action, now, station), payload)
}

function withTransaction(action: string, payload: Payload, which: RegExp, id: number): Payload {
  const isMeant = which.test(action) && payload.transactionId !== undefined
  return isMeant ? { ...payload, transactionId: id } : payload
}

function shifted(stamp: string, byMs: number): string {
  return new Date(Date.parse(stamp) + byMs).toISOString().replace('.000', '')
}

/** Every `timestamp` at any depth. */
function mapStamps(payload: Payload, change: (stamp: string) => string): Payload {
  const walk = (value: unknown, key: string): unknown => {
    if (key === 'timestamp') return change(String(value))
    if (Array.isArray(value)) return value.map((one) => walk(one, ''))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one, name)]))
  }
  return walk(payload, '') as Payload
}

/** Every sampled value of a message of either version. */
function mapSamples(payload: Payload, change: (sample: Payload) => Payload[]): Payload {
  if (!Array.isArray(payload.meterValue)) return payload
  const meterValue = (payload.meterValue as Payload[]).map((one) => ({
    ...one,
    sampledValue: (one.sampledValue as Payload[]).flatMap(change),
  }))
  return { ...payload, meterValue }
}

/** Nothing of the start, and no value on the clock's raster: each is dated 7 s back. */
function ownRaster(action: string, payload: Payload): Payload {
  if (payload.eventType === 'Started') {
    const { meterValue: _, ...rest } = payload
    return rest
  }
  if (!/^(MeterValues|TransactionEvent)$/.test(action)) return payload
  const periodic = mapSamples(payload, (sample) => [
    sample.context === 'Sample.Clock' ? { ...sample, context: 'Sample.Periodic' } : sample,
  ])
  const isClock = payload.triggerReason === 'MeterValueClock'
  const reason = isClock ? { ...periodic, triggerReason: 'MeterValuePeriodic' } : periodic
  return mapStamps(reason, (stamp) => shifted(stamp, -OWN_RASTER_MS))
}

function perPhase(sample: Payload): Payload[] {
  const { measurand, value } = sample
  if (measurand === 'Energy.Active.Import.Register') {
    return [inThousands(sample, Number(value) / 1000, 'kWh')]
  }
  if (measurand !== 'Power.Active.Import') return [sample]
  return ['L1-N', 'L2-N', 'L3-N'].map((phase) => ({
    ...inThousands(sample, Number(value) / 3000, 'kW'),
    phase,
  }))
}

/** 1.6 writes numbers as texts and the unit beside them. */
function inThousands(sample: Payload, value: number, unit: string): Payload {
  const isVersion16 = typeof sample.value === 'string'
  return isVersion16
    ? { ...sample, value: value.toFixed(4), unit }
    : { ...sample, value: Number(value.toFixed(4)), unitOfMeasure: { unit } }
}

function alwaysAvailable(action: string, payload: Payload): Payload {
  if (action !== 'StatusNotification') return payload
  if (payload.connectorStatus !== undefined) return { ...payload, connectorStatus: 'Available' }
  return payload.status === 'Faulted' ? payload : { ...payload, status: 'Available' }
}
