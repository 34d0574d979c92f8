import type { Delivery } from '../delivery.ts'
import type { ResourceId } from '../ids.ts'
import type { ReboundPeriod, ReboundPlan } from '../rebound.ts'
import { byResource, type DeviceReading, energyBetween, meanPower } from '../telemetry.ts'
import { addSeconds, floorToStep, type Instant, instant, secondsBetween } from '../time.ts'

/** After the last device is back so many whole metering intervals show it at its own power. */
const INTERVALS_AFTER = 2

/**
 * What the devices of a plan did by their meters, from the end of the window until the last of them
 * had been back for two metering intervals. Nothing is filled in: who was not heard is not in it.
 */
export type MeasuredRebound = TimeSpan & {
  /** The greatest mean power of a metering interval, of all together, W; null: none is known. */
  readonly peakW: number | null
  /** The most by which that passed the room, W; null: no room was told, or nothing is known. */
  readonly overshootW: number | null
  /** What they took from the grid, less what they gave it, Wh. */
  readonly drawnWh: number
  /** The same at the baselines of the window's last stretch; null: one of them has none. */
  readonly baselineWh: number | null
  /** Devices without readings from end to end. */
  readonly unheard: number
  /** For each planned period the greatest power in it; null: not measured so far on. */
  readonly periodsW: readonly (number | null)[]
  /** Of those that were heard. */
  readonly devices: readonly MeasuredRestart[]
}

type TimeSpan = { readonly from: Instant; readonly until: Instant }

type MeasuredRestart = {
  readonly resourceId: ResourceId
  readonly drawnWh: number
  readonly baselineWh: number | null
  /** When it was read back to be at its default; null: it was not, or another call has it now. */
  readonly backAt: Instant | null
}

/** Between which instants a rebound is measured: whole metering intervals. */
export function measuredSpan(
  { periods }: Pick<ReboundPlan, 'periods'>,
  doneAt: Instant,
  meteringIntervalSeconds: number,
): TimeSpan {
  const from = floorToStep(periods[0]?.start ?? doneAt, meteringIntervalSeconds)
  const floor = floorToStep(doneAt, meteringIntervalSeconds)
  const more = INTERVALS_AFTER + (floor < doneAt ? 1 : 0)
  return { from, until: addSeconds(floor, more * meteringIntervalSeconds) }
}

/**
 * What came of a planned rebound, by readings of its span. `baselinesW`: what each device was
 * expected to draw as the window ended; `backAt`: when each was read back at its default.
 */
export function measuredRebound(
  plan: Pick<ReboundPlan, 'restarts' | 'periods'>,
  span: TimeSpan,
  {
    readings,
    baselinesW,
    backAt,
    meteringIntervalSeconds,
    longestGapSeconds,
  }: {
    readonly readings: readonly DeviceReading[]
    readonly baselinesW: ReadonlyMap<ResourceId, number>
    readonly backAt: ReadonlyMap<ResourceId, Instant>
    readonly meteringIntervalSeconds: number
    readonly longestGapSeconds: number
  },
): MeasuredRebound {
  const { from, until } = span
  const hours = secondsBetween(from, until) / 3600
  const byId = byResource(readings)
  const devices = plan.restarts.flatMap(({ resourceId }): MeasuredRestart[] => {
    const drawnWh = energyBetween(byId.get(resourceId) ?? [], from, until, longestGapSeconds)
    if (drawnWh === null) return []
    const baselineW = baselinesW.get(resourceId)
    const baselineWh = baselineW === undefined ? null : Math.round(baselineW * hours)
    return [{ resourceId, drawnWh, baselineWh, backAt: backAt.get(resourceId) ?? null }]
  })
  const heard = devices.map(({ resourceId }) => byId.get(resourceId) ?? [])
  const periodsW: (number | null)[] = plan.periods.map(() => null)
  let overshootW: number | null = null
  for (let start = from; start < until; start = addSeconds(start, meteringIntervalSeconds)) {
    const end = addSeconds(start, meteringIntervalSeconds)
    const index = plan.periods.findIndex((period) => isIn(period, start, end))
    const powerW = together(heard, start, end, longestGapSeconds)
    if (powerW === null || index === -1) continue
    periodsW[index] = Math.max(periodsW[index] ?? powerW, powerW)
    const roomW = plan.periods[index]?.roomW ?? null
    if (roomW === null) continue
    overshootW = Math.max(overshootW ?? 0, powerW - Math.max(0, Math.floor(roomW)))
  }
  const known = periodsW.filter((powerW) => powerW !== null)
  const baselines = devices.flatMap(({ baselineWh }) => (baselineWh === null ? [] : [baselineWh]))
  return {
    ...span,
    peakW: known.length === 0 ? null : Math.max(...known),
    overshootW,
    drawnWh: sumOf(devices.map(({ drawnWh }) => drawnWh)),
    baselineWh: baselines.length < devices.length ? null : sumOf(baselines),
    unheard: plan.restarts.length - devices.length,
    periodsW,
    devices,
  }
}

/** An interval belongs to the period that its middle lies in: periods begin where we looked. */
function isIn(period: ReboundPeriod, start: Instant, end: Instant): boolean {
  const middle = instant(start + (end - start) / 2)
  return period.start <= middle && middle < period.end
}

/** Of all that were heard, whole W; null: nobody was. */
function together(
  heard: readonly (readonly DeviceReading[])[],
  start: Instant,
  end: Instant,
  longestGapSeconds: number,
): number | null {
  const powersW = heard.map((mine) => meanPower(mine, start, end, longestGapSeconds))
  const known = powersW.filter((powerW) => powerW !== null)
  return known.length === 0 || known.length < heard.length ? null : Math.round(sumOf(known))
}

/** W that each device was expected to draw in the last stretch of the window that was measured. */
export function lastBaselinesW(deliveries: readonly Delivery[]): Map<ResourceId, number> {
  const last = new Map<ResourceId, Delivery>()
  for (const delivery of deliveries) {
    // Without a baseline nothing was measured either.
    if (delivery.measuredWh === null) continue
    const before = last.get(delivery.resourceId)
    if (before === undefined || before.end < delivery.end) last.set(delivery.resourceId, delivery)
  }
  const powerW = ({ baselineWh, start, end }: Delivery) =>
    (baselineWh * 3600) / secondsBetween(start, end)
  return new Map([...last].map(([resourceId, delivery]) => [resourceId, powerW(delivery)]))
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
