import type { ResourceId } from '../ids.ts'
import type { Rating } from '../resource.ts'
import type { DeviceReading } from '../telemetry.ts'
import { formatInstant, type Instant } from '../time.ts'
import type { Finding } from './finding.ts'
import { correlatesAbove, correlatingPairs, direction } from './statistics.ts'

/** Metered energy per settlement period on days without a call; null where it is not known. */
export type Trace = {
  readonly resourceId: ResourceId
  readonly days: readonly { readonly start: Instant; readonly wh: readonly (number | null)[] }[]
}

/** So many figures, of which so many differ, do not come twice by chance. */
const FIGURES_MIN = 6
const DISTINCT_MIN = 4

function saysSomething(wh: readonly (number | null)[]): wh is readonly number[] {
  if (wh.length < FIGURES_MIN || wh.includes(null)) return false
  return new Set(wh).size >= DISTINCT_MIN
}

/** A day whose figures another day had already, to the Wh. */
export function repeatedReadings({ resourceId, days }: Trace): Finding | null {
  const seen = new Map<string, Instant>()
  for (const { start, wh } of [...days].sort((a, b) => a.start - b.start)) {
    if (!saysSomething(wh)) continue
    const key = wh.join(' ')
    const before = seen.get(key)
    if (before !== undefined) {
      return {
        resourceId,
        code: 'repeated-readings',
        severity: 'hold',
        detail: {
          day: formatInstant(start),
          repeats: formatInstant(before),
          figures: wh.length,
        },
      }
    }
    seen.set(key, start)
  }
  return null
}

/** A correlation that independent loads do not reach. */
const CORRELATION = 0.99
const COMPARED_MIN = 20
/** Nearer than this share of its range to its least or most, a load only is on or off. */
const PLATEAU = 0.02

type Figures = {
  readonly resourceId: ResourceId
  readonly wh: readonly number[]
  readonly direction: Float64Array
}

/**
 * Resources that are one meter, or copies of one, found on days without a call: in a call many
 * devices do the same because they are told to. Both are held: nobody knows yet which is real.
 */
export function sameMeters(traces: readonly Trace[]): Finding[] {
  const findings = new Map<ResourceId, Finding>()
  for (const group of comparable(traces)) {
    const pairs = correlatingPairs(
      group.map((figures) => figures.direction),
      CORRELATION,
    )
    for (const [i, j] of pairs) {
      const [one, other] = [group[i] as Figures, group[j] as Figures]
      const [a, b] = [one.resourceId, other.resourceId]
      if (findings.has(a) && findings.has(b)) continue
      const figures = betweenPlateaus(one.wh, other.wh)
      if (figures === null) continue
      const isSame = one.wh.every((wh, k) => wh === other.wh[k])
      const code = isSame ? 'shared-meter' : 'cloned-meter'
      const severity = 'hold'
      if (!findings.has(a)) {
        findings.set(a, { resourceId: a, code, severity, detail: { as: b, figures } })
      }
      if (!findings.has(b)) {
        findings.set(b, { resourceId: b, code, severity, detail: { as: a, figures } })
      }
    }
  }
  return [...findings.values()]
}

/** Traces with enough figures that vary, by the hours that they are of. */
function comparable(traces: readonly Trace[]): Figures[][] {
  const groups = new Map<string, Figures[]>()
  for (const { resourceId, days } of traces) {
    const wh: number[] = []
    const hours: string[] = []
    for (const day of days) {
      const known = day.wh.filter((value) => value !== null)
      wh.push(...known)
      const isWhole = known.length === day.wh.length
      const which = day.wh.flatMap((value, i) => (value === null ? [] : [i]))
      hours.push(isWhole ? `${day.start}` : `${day.start}.${which.join('.')}`)
    }
    const to = direction(wh)
    if (to === null || wh.length < COMPARED_MIN || new Set(wh).size < DISTINCT_MIN) continue
    const key = hours.join(' ')
    const group = groups.get(key)
    const figures = { resourceId, wh, direction: to }
    if (group) group.push(figures)
    else groups.set(key, [figures])
  }
  return [...groups.values()].map((group) =>
    group.sort((a, b) => (a.resourceId < b.resourceId ? -1 : 1)),
  )
}

/**
 * Devices of one make on one tariff switch at the same hours, which makes them alike and not copies.
 * How many figures there are where neither is merely on or off, if they still correlate; null: no.
 */
function betweenPlateaus(a: readonly number[], b: readonly number[]): number | null {
  const [inA, inB] = [insideRange(a), insideRange(b)]
  const kept = a.flatMap((_, i) => (inA(i) && inB(i) ? [i] : []))
  if (kept.length < COMPARED_MIN) return null
  const one = direction(kept.map((i) => a[i] as number))
  const other = direction(kept.map((i) => b[i] as number))
  return one && other && correlatesAbove(one, other, CORRELATION) ? kept.length : null
}

function insideRange(wh: readonly number[]): (i: number) => boolean {
  const [least, most] = [Math.min(...wh), Math.max(...wh)]
  const margin = (most - least) * PLATEAU
  return (i) => (wh[i] as number) > least + margin && (wh[i] as number) < most - margin
}

/** A net register goes down only by export. Readings of one resource in order of time. */
export function registerFalls(
  resourceId: ResourceId,
  { exportMaxW }: Rating,
  readings: readonly DeviceReading[],
): Finding | null {
  if (exportMaxW > 0) return null
  for (let i = 1; i < readings.length; i++) {
    const [before, after] = [readings[i - 1] as DeviceReading, readings[i] as DeviceReading]
    const fallsWh = before.registerWh - after.registerWh
    if (fallsWh <= 0) continue
    return {
      resourceId,
      code: 'register-falls',
      severity: 'hold',
      detail: { at: formatInstant(after.at), fallsWh },
    }
  }
  return null
}

/** One meter key is one device: resources enrolled with the same serial number and key. */
export function sharedKeys(
  enrolled: readonly {
    readonly resourceId: ResourceId
    readonly meter: { readonly serial: string; readonly publicKey: string } | null
  }[],
): Finding[] {
  const byKey = new Map<string, ResourceId[]>()
  for (const { resourceId, meter } of enrolled) {
    if (meter === null) continue
    const key = `${meter.publicKey.toLowerCase()} ${meter.serial}`
    byKey.set(key, [...(byKey.get(key) ?? []), resourceId])
  }
  return [...byKey.values()]
    .filter((ids) => ids.length > 1)
    .flatMap((ids) => {
      const [first, second] = ids.toSorted()
      return ids.map((resourceId): Finding => {
        const as = (resourceId === first ? second : first) ?? resourceId
        return { resourceId, code: 'shared-meter', severity: 'hold', detail: { as } }
      })
    })
}
