/** What is remembered of a connector's meter from one value to the next. */
import type { DeviceReading } from '#domain/telemetry.ts'
import type { Instant } from '#domain/time.ts'

export type MeterMemory = {
  /**
   * A value came that is not on the clock's raster, at `now`: is it all that this meter sends? Some
   * stations take a clock-aligned interval and go on with their own.
   */
  isAllThereIs(now: Instant): boolean
  aligned(now: Instant): void
  /** The reading with the mean power since the one before, where the meter tells none (EN+). */
  withPower(reading: DeviceReading, givesBack: boolean): DeviceReading
}

/** So many intervals without a value on the raster, and none is waited for any more. */
const PATIENCE_INTERVALS = 2
/** A mean over more than this says nothing of the present. */
const MEAN_OVER_MS_MAX = 900_000

export function createMeterMemory(intervalSeconds: number): MeterMemory {
  let alignedAt: Instant | null = null
  let last: Pick<DeviceReading, 'at' | 'registerWh'> | null = null
  return {
    isAllThereIs(now) {
      alignedAt ??= now
      return now - alignedAt >= PATIENCE_INTERVALS * intervalSeconds * 1000
    },
    aligned: (now) => void (alignedAt = now),
    withPower(reading, givesBack) {
      const { at, registerWh, powerW } = reading
      const before = last
      if (before !== null && at <= before.at) return reading
      last = { at, registerWh }
      if (powerW !== null || before === null || at - before.at > MEAN_OVER_MS_MAX) return reading
      const riseWh = registerWh - before.registerWh
      // A meter that was exchanged or set back.
      if (riseWh < 0 && !givesBack) return reading
      return { ...reading, powerW: Math.round((riseWh * 3_600_000) / (at - before.at)) + 0 }
    },
  }
}
