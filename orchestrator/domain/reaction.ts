import type { Rating } from './resource.ts'
import { addSeconds, type Instant } from './time.ts'

/** How a device comes to a new setpoint: nothing at first, then evenly. */
export type Reaction = Pick<Rating, 'responseSeconds' | 'rampWattsPerSecondMax'>

/** When a device that was told at an instant has come to its setpoint, however far it had to go. */
export function reactedBy(rating: Rating, toldAt: Instant): Instant {
  const { responseSeconds = 0, rampWattsPerSecondMax, importMaxW, exportMaxW } = rating
  const rampSeconds =
    rampWattsPerSecondMax === undefined ? 0 : (importMaxW + exportMaxW) / rampWattsPerSecondMax
  return addSeconds(toldAt, responseSeconds + rampSeconds)
}

/** A stretch of time in seconds since the device was told. */
export type SinceTold = { readonly from: number; readonly until: number }

/** Mean W over a stretch, of a device that was told to move by this power. */
export function meanReachedW(
  reaction: Reaction,
  powerW: number,
  { from, until }: SinceTold,
): number {
  if (isAtOnce(reaction)) return powerW
  return (movedWs(reaction, powerW, until) - movedWs(reaction, powerW, from)) / (until - from)
}

/**
 * By what a device is told to move so that its mean over a stretch is at least this: the least
 * whole step, and at most `mostW`.
 */
export function powerForMean(
  reaction: Reaction,
  meanW: number,
  stretch: SinceTold,
  { stepW, mostW }: { readonly stepW: number; readonly mostW: number },
): number {
  if (isAtOnce(reaction)) return meanW
  let low = Math.ceil(meanW / stepW)
  let high = Math.max(low, Math.ceil(mostW / stepW))
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (meanReachedW(reaction, middle * stepW, stretch) >= meanW - 1e-6) high = middle
    else low = middle + 1
  }
  return Math.min(low * stepW, Math.max(meanW, mostW))
}

function isAtOnce({ responseSeconds = 0, rampWattsPerSecondMax }: Reaction): boolean {
  return responseSeconds === 0 && rampWattsPerSecondMax === undefined
}

/** Ws that it has moved so many seconds after it was told. */
function movedWs(
  { responseSeconds = 0, rampWattsPerSecondMax: ramp }: Reaction,
  powerW: number,
  seconds: number,
): number {
  const moving = Math.max(0, seconds - responseSeconds)
  if (ramp === undefined) return powerW * moving
  const rampSeconds = powerW / ramp
  if (moving <= rampSeconds) return (ramp * moving * moving) / 2
  return powerW * (moving - rampSeconds / 2)
}
