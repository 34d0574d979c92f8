import { formatTime } from '../format.ts'

/** What can be activated: a stretch on the raster of the meters, in milliseconds. */
export type Usable = {
  readonly from: number
  readonly until: number
  readonly stepMs: number
}

/** The soonest instant from which devices can be told in time, by now and by the service's word. */
export function usableNow(
  told: { readonly usableFrom: string; readonly usableUntil: string },
  now: number | null,
  { meteringIntervalSeconds, activationNoticeSeconds = 0 }: Raster,
): Usable {
  const stepMs = meteringIntervalSeconds * 1000
  const noticed = (now ?? 0) + activationNoticeSeconds * 1000
  const from = Math.max(Date.parse(told.usableFrom), Math.ceil(noticed / stepMs) * stepMs)
  return { from, until: Date.parse(told.usableUntil), stepMs }
}

type Raster = {
  readonly meteringIntervalSeconds: number
  readonly activationNoticeSeconds?: number | undefined
}

/**
 * The instant that a clock on the wall shows within what can be used, `17:05` or `17:05:30`; null:
 * none on the raster. Where the clock shows it twice, the first.
 */
export function instantShown(clock: string, usable: Usable, zone: string): number | null {
  const wanted = /^\d\d:\d\d$/.test(clock) ? `${clock}:00` : clock
  for (let at = usable.from; at <= usable.until; at += usable.stepMs) {
    if (formatTime(at, zone) === wanted) return at
  }
  return null
}
