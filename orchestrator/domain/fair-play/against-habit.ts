import type { ResourceId } from '../ids.ts'
import type { Direction, Rating } from '../resource.ts'
import type { Finding } from './finding.ts'
import { spread } from './statistics.ts'

/** Fewer days than this say nothing of a habit. */
const DAYS_MIN = 5
const SIGMAS = 3
/** Habits are never known better than this share of what the device can take, in basis points. */
const FLOOR_BP = 200

type Device = {
  readonly resourceId: ResourceId
  readonly rating: Rating
  readonly direction: Direction
}

/** The energies of the same local hours, Wh, of the call's day and of days without a call. */
export type Habit = {
  /** How long each of the figures is. */
  readonly seconds: number
  readonly historyWh: readonly number[]
}

function floorOf({ rating }: Device, seconds: number): number {
  return (rating.importMaxW * seconds * FLOOR_BP) / (3600 * 10_000)
}

/**
 * Was there more load before the window than three deviations above habit? In a call for more load
 * it is less load that would pay. What has been on one of the days before is no news, however rare:
 * a car that comes late once a month is no fraud. What a baseline does not read cannot pay: a note.
 */
export function preWindowInflation(
  device: Device,
  { seconds, historyWh }: Habit,
  meteredWh: number,
  readsBeforeWindow: boolean,
): Finding | null {
  if (historyWh.length < DAYS_MIN) return null
  const { mean, deviation } = spread(historyWh)
  const sigma = Math.max(deviation, floorOf(device, seconds))
  const sign = device.direction === 'reduce-import' ? 1 : -1
  if (sign * (meteredWh - mean) <= SIGMAS * sigma) return null
  if (historyWh.some((wh) => sign * (meteredWh - wh) <= 0)) return null
  return {
    resourceId: device.resourceId,
    code: 'pre-window-inflation',
    severity: readsBeforeWindow ? 'hold' : 'note',
    detail: {
      meteredWh,
      habitWh: Math.round(mean),
      sigmaWh: Math.round(sigma),
      days: historyWh.length,
    },
  }
}

/** A change that is not worth having: below this share of the habit it is no inflation. */
const LEAST_RISE_BP = 2000

/**
 * Do the baseline's days lie above the month before them, by three errors of the difference and by
 * a fifth? Both as energies of the window's local hours.
 */
export function baselineInflation(
  device: Device,
  { seconds, historyWh: baselineWh }: Habit,
  monthBeforeWh: readonly number[],
): Finding | null {
  if (baselineWh.length < DAYS_MIN || monthBeforeWh.length < 2 * DAYS_MIN) return null
  const [now, then] = [spread(baselineWh), spread(monthBeforeWh)]
  const floor = floorOf(device, seconds)
  const [a, b] = [Math.max(now.deviation, floor), Math.max(then.deviation, floor)]
  const error = Math.sqrt(a ** 2 / baselineWh.length + b ** 2 / monthBeforeWh.length)
  const sign = device.direction === 'reduce-import' ? 1 : -1
  const above = sign * (now.mean - then.mean)
  if (above <= SIGMAS * error || above * 10_000 <= Math.abs(then.mean) * LEAST_RISE_BP) return null
  return {
    resourceId: device.resourceId,
    code: 'baseline-inflation',
    severity: 'hold',
    detail: {
      baselineWh: Math.round(now.mean),
      monthBeforeWh: Math.round(then.mean),
      errorWh: Math.round(error),
      baselineDays: baselineWh.length,
      daysBefore: monthBeforeWh.length,
    },
  }
}

/** From this share of the delivery on it is not the call that was answered. */
const HABITUAL_SHARE_BP = 5000

/**
 * Does it export at these hours on days without a call, so that its delivery is no answer to this
 * one? Energies of the window, net, - is export.
 */
export function habitualExport(
  device: Device,
  { seconds, historyWh }: Habit,
  deliveredWh: number,
): Finding | null {
  if (device.direction !== 'reduce-import' || device.rating.exportMaxW === 0) return null
  if (historyWh.length < DAYS_MIN || deliveredWh <= 0) return null
  const habitualWh = Math.round(-spread(historyWh).mean)
  if (habitualWh <= floorOf(device, seconds)) return null
  if (habitualWh * 10_000 < deliveredWh * HABITUAL_SHARE_BP) return null
  return {
    resourceId: device.resourceId,
    code: 'habitual-export',
    severity: 'hold',
    detail: { habitualWh, deliveredWh, days: historyWh.length },
  }
}
