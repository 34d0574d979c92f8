import type { Resource } from '#domain/resource.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { type Instant, instant } from '#domain/time.ts'
import type { Clock, Timer } from '#ports.ts'
import type { BatterySession } from './battery-session.ts'
import type { Product } from './product.ts'
import { readNow } from './wire.ts'

/** How late, wall time, registers may be read and still count as those of the instant. */
const latenessMsMax = 1000
/** A reading that is late is told at the whole second it was read in. */
const stampMs = 1000
const triesLeast = 3
/** Between two tries, wall time: longer and longer, so that who answers badly is not pestered. */
const pauseMs = 250
const pauseMsMax = 5000
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

/** One battery whose registers are read. */
export type Metered = {
  readonly resource: Resource
  readonly product: Product
  readonly mean: PowerMean
  /** null: not healthy now. */
  session(): BatterySession | null
  measured(reading: DeviceReading): void
  failed(error: unknown): void
}

/**
 * Reads the registers of a battery that keeps no records at every multiple of the metering
 * interval, until it is stopped. What is read too late to be of that instant is told at the moment it
 * was read, so that a register that was seen counts, whatever held up this process or the battery.
 */
export async function meterByReading(
  context: MeteringContext,
  battery: Metered,
  signal: AbortSignal,
): Promise<void> {
  const { clock, timer, meteringIntervalSeconds } = context
  const intervalMs = meteringIntervalSeconds * 1000
  while (!signal.aborted) {
    const at = instant((Math.floor(clock.now() / intervalMs) + 1) * intervalMs)
    if (!(await sleepUntil(clock, timer, at, signal))) return
    // Again and again until it succeeds or the next instant is due. The log hears of the first.
    let { failed } = battery
    for (let tries = 1; !(await readOnce(at, context, { ...battery, failed })); tries += 1) {
      if (tries >= triesLeast && clock.now() - at >= intervalMs) break
      if (!(await nap(timer, Math.min(pauseMsMax, pauseMs * 2 ** (tries - 1)), signal))) return
      failed = () => {}
    }
  }
}

/**
 * Reads the registers for an instant. false: the battery is not there, did not answer, or its answer
 * was so long under way that it says nothing of when it was true.
 */
async function readOnce(
  at: Instant,
  { clock }: MeteringContext,
  { resource, product, mean, ...battery }: Metered,
): Promise<boolean> {
  const isLater = (from: Instant, until: Instant) => (until - from) / clock.speed > latenessMsMax
  const session = battery.session()
  if (session === null) return false
  try {
    const askedAt = clock.now()
    const values = await session.read(['EnergyImported', 'EnergyExported', 'StateOfCharge'])
    const readAt = clock.now()
    const isOfInstant = !isLater(at, readAt)
    if (!isOfInstant && isLater(askedAt, readAt)) return false
    const stamp = isOfInstant ? at : instant(Math.floor(readAt / stampMs) * stampMs)
    battery.measured(readNow(product, resource.id, stamp, values, mean.take()))
    return true
  } catch (error) {
    battery.failed(error)
    return false
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
    const ms = Math.min(napMsMax, Math.max(1, left / clock.speed))
    if (!(await nap(timer, ms, signal))) return false
  }
}

/** false: stopped meanwhile. */
async function nap(timer: Timer, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await timer.sleep(ms, signal)
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}
