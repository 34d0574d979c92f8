import { type ArmedDroop, droopW, type FrequencySample } from '#domain/frequency-response.ts'
import type { Instant } from '#domain/time.ts'

/** So much is kept of the recording: four hours of one sample a second. */
const SAMPLES_KEPT = 4 * 3600

/**
 * The part of a battery that answers the frequency: a curve with its end, what it asks for now, and
 * a recording of frequency and power while it is armed. + is import.
 */
export class BatteryDroop {
  /** What the battery measures of its grid. */
  frequencyMilliHz: (at: number) => number = () => 50_000
  /** Keeps the curve and does not answer it; what it records is the truth all the same. */
  ignores = false
  #armed: ArmedDroop | null = null
  #sequence = -1
  readonly #recording: FrequencySample[] = []

  /** The curve that is armed at an instant. */
  armedAt(at: number): ArmedDroop | null {
    return this.#armed !== null && at < this.#armed.validUntil ? this.#armed : null
  }

  /** False: another curve or its end has come already. */
  take(armed: ArmedDroop | null, sequence: number): boolean {
    if (sequence <= this.#sequence) return false
    this.#sequence = sequence
    this.#armed = armed
    return true
  }

  /** W by which it changes its import now. */
  changeAt(at: number): number {
    const armed = this.armedAt(at)
    if (armed === null || this.ignores) return 0
    return droopW(armed.droop, armed.reservedW, this.frequencyMilliHz(at))
  }

  record(at: number, powerW: number): void {
    if (this.armedAt(at) === null) return
    const frequencyMilliHz = this.frequencyMilliHz(at)
    this.#recording.push({ at: at as Instant, frequencyMilliHz, powerW: Math.round(powerW) })
    if (this.#recording.length > SAMPLES_KEPT) this.#recording.shift()
  }

  recordedBetween(from: number, until: number): readonly FrequencySample[] {
    return this.#recording.filter(({ at }) => at >= from && at <= until)
  }
}
