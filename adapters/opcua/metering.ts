import type { Resource } from '#domain/resource.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { instant } from '#domain/time.ts'
import type { Clock, Timer } from '#ports.ts'
import type { BatterySession } from './battery-session.ts'
import type { Product } from './product.ts'
import { readNow } from './wire.ts'

/** How late, wall time, registers may be read and still count as those of the instant. */
const latenessMsMax = 1000
/** Not much longer than the metering interval may be slept, so that a halt is noticed. */
const napMsMax = 60_000

/** The mean over time of a power that is told when it changes. */
export class PowerMean {
  readonly #timer: Timer
  #last: { readonly power: number; readonly at: number } | null = null
  #sum = 0
  #ms = 0

  constructor(timer: Timer) {
    this.#timer = timer
  }

  changed(power: number): void {
    this.#advance()
    this.#last = Number.isFinite(power) ? { power, at: this.#timer.monotonicMs() } : null
  }

  /** The mean since it was taken last; null: nothing was told. */
  take(): number | null {
    this.#advance()
    const mean = this.#ms > 0 ? this.#sum / this.#ms : (this.#last?.power ?? null)
    this.#sum = 0
    this.#ms = 0
    return mean
  }

  #advance(): void {
    if (this.#last === null) return
    const now = this.#timer.monotonicMs()
    this.#sum += this.#last.power * (now - this.#last.at)
    this.#ms += now - this.#last.at
    this.#last = { ...this.#last, at: now }
  }
}

export type MeteringContext = {
  readonly clock: Clock
  readonly timer: Timer
  readonly meteringIntervalSeconds: number
}

/**
 * Reads the registers of a battery that keeps no records at every multiple of the metering
 * interval, until it is stopped. What comes too late is no reading of that instant and left out.
 */
export async function meterByReading(
  { clock, timer, meteringIntervalSeconds }: MeteringContext,
  battery: {
    readonly resource: Resource
    readonly product: Product
    readonly mean: PowerMean
    /** null: not healthy now. */
    session(): BatterySession | null
    measured(reading: DeviceReading): void
    failed(error: unknown): void
  },
  signal: AbortSignal,
): Promise<void> {
  const { resource, product, mean } = battery
  const intervalMs = meteringIntervalSeconds * 1000
  while (!signal.aborted) {
    const at = instant((Math.floor(clock.now() / intervalMs) + 1) * intervalMs)
    if (!(await sleepUntil(clock, timer, at, signal))) return
    const session = battery.session()
    if (session === null) continue
    try {
      const names = ['EnergyImported', 'EnergyExported', 'StateOfCharge'] as const
      const values = await session.read(names)
      const meanPower = mean.take()
      if ((clock.now() - at) / clock.speed > latenessMsMax) continue
      battery.measured(readNow(product, resource.id, at, values, meanPower))
    } catch (error) {
      battery.failed(error)
    }
  }
}

/** false: stopped meanwhile. */
async function sleepUntil(
  clock: Clock,
  timer: Timer,
  at: number,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const left = at - clock.now()
    if (left <= 0) return !signal.aborted
    try {
      await timer.sleep(Math.min(napMsMax, Math.max(1, left / clock.speed)), signal)
    } catch (error) {
      if (signal.aborted) return false
      throw error
    }
  }
}
