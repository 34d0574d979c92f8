import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import type { ResourceId } from '#domain/ids.ts'
import { observe } from '#domain/observation.ts'
import { reactedBy } from '#domain/reaction.ts'
import { byResource, type DeviceReading } from '#domain/telemetry.ts'
import { addSeconds, type Instant, instant } from '#domain/time.ts'
import { type Observed, recordObservations } from '#lifecycle/record-setpoint.ts'
import type { GatewayPorts } from '#ports.ts'
import type { KnownTerms } from './call-terms.ts'
import type { Attached } from './attachments.ts'

/** So long after it was ordered nobody waits for a device to be measured at its default. */
const RELEASE_INTERVALS = 20
/** And so long after its end for the reading of a setpoint. */
const LATE_INTERVALS = 4

/**
 * Watches the meters of the devices whose setpoint has been acknowledged and not yet seen in what
 * they measure. A device is looked at once when its row comes up, then whenever a reading of its
 * has been stored.
 */
export function observeSetpoints(
  ports: GatewayPorts,
  terms: KnownTerms,
  attached: ReadonlyMap<ResourceId, Pick<Attached, 'resource'>>,
) {
  const awaited = createAwaited()
  return {
    /** Looks at the newest rows; returns those whose device is measured not to follow. */
    async look(
      rows: readonly SetpointRow[],
      since: (row: SetpointRow) => Instant | null,
    ): Promise<SetpointRow[]> {
      const due = rows.filter((row) => awaited.isDue(row))
      const missed: SetpointRow[] = []
      const observed: Observed[] = []
      for (const { row, readings } of await measured(ports, terms, due)) {
        const call = await terms.of(row.callId)
        if (call === null) continue
        const { kind, rating } = attached.get(row.resourceId)?.resource ?? {}
        const leastW = kind === 'charger' ? (rating?.importMinW ?? 0) : 0
        const told = since(row)
        const from = told === null || rating === undefined ? told : reactedBy(rating, told)
        const found = observe(row, readings, from, call.direction, call.program, leastW)
        if (found.kind === 'observed') observed.push({ ...found, setpoint: row })
        if (found.kind === 'missed') missed.push(row)
      }
      await recordObservations(ports, observed)
      for (const { setpoint } of observed) awaited.seen(setpoint.resourceId)
      return missed
    },
    /** Readings were stored; true if one of them is waited for. */
    heard: awaited.heard,
  }
}

/** The rows whose effect nobody has measured yet, and of which of them a reading has come. */
function createAwaited() {
  const waiting = new Map<ResourceId, SetpointRow>()
  const heard = new Set<ResourceId>()
  return {
    /** Due: a row that is new to us, and one of which a reading has come. */
    isDue(row: SetpointRow): boolean {
      const known = waiting.get(row.resourceId)
      if (row.observedAt !== null) {
        waiting.delete(row.resourceId)
        return false
      }
      waiting.set(row.resourceId, row)
      const isNew = known?.version !== row.version || known.acknowledgedAt !== row.acknowledgedAt
      return (heard.delete(row.resourceId) || isNew) && row.acknowledgedAt !== null
    },
    seen: (resourceId: ResourceId) => void waiting.delete(resourceId),
    heard(readings: readonly Pick<DeviceReading, 'resourceId'>[]): boolean {
      const before = heard.size
      for (const { resourceId } of readings) {
        if (waiting.has(resourceId)) heard.add(resourceId)
      }
      return heard.size > before
    },
  }
}

/** Rows that it is not too late for, each with the readings that may show its effect. */
async function measured(ports: GatewayPorts, terms: KnownTerms, rows: readonly SetpointRow[]) {
  const open: { row: SetpointRow; from: Instant }[] = []
  for (const row of rows) {
    const call = await terms.of(row.callId)
    if (call === null || row.acknowledgedAt === null) continue
    const { meteringIntervalSeconds: interval } = call.program
    const end =
      row.powerW === null
        ? addSeconds(row.orderedAt, RELEASE_INTERVALS * interval)
        : addSeconds(row.validUntil, LATE_INTERVALS * interval)
    if (ports.clock.now() > end) continue
    open.push({ row, from: addSeconds(row.acknowledgedAt, -2 * interval) })
  }
  if (open.length === 0) return []
  const first = instant(Math.min(...open.map(({ from }) => from)))
  const ids = open.map(({ row }) => row.resourceId)
  const now = ports.clock.now()
  const found = byResource(
    await ports.store.transaction((tx) => tx.readings.between(ids, first, now)),
  )
  return open.map(({ row, from }) => ({
    row,
    readings: (found.get(row.resourceId) ?? []).filter(({ at }) => at >= from),
  }))
}
