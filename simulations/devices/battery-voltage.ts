import type { Instant } from '#domain/time.ts'
import { type ArmedVoltage, type VoltageSample, voltageTarget } from '#domain/voltage-response.ts'

/** So much is kept of the recording: four hours of one sample a second. */
const SAMPLES_KEPT = 4 * 3600

/**
 * The part of a battery's inverter that answers the voltage: curves with their end, what they ask
 * for now, and a recording of voltage, power and reactive power while they are armed. + is import,
 * and var that are injected.
 */
export class BatteryVoltage {
  /** What the inverter measures where it stands, basis points of nominal. */
  voltageBp: (at: number) => number = () => 10_000
  /** Keeps the curves and does not answer them; what it records is the truth all the same. */
  ignores = false
  /** Of its apparent power, VA. */
  readonly ratedVa: number
  #armed: ArmedVoltage | null = null
  #sequence = -1
  readonly #recording: VoltageSample[] = []

  constructor(ratedVa: number) {
    this.ratedVa = ratedVa
  }

  /** The curves that are armed at an instant. */
  armedAt(at: number): ArmedVoltage | null {
    return this.#armed !== null && at < this.#armed.validUntil ? this.#armed : null
  }

  /** False: other curves or their end have come already. */
  take(armed: ArmedVoltage | null, sequence: number): boolean {
    if (sequence <= this.#sequence) return false
    this.#sequence = sequence
    this.#armed = armed
    return true
  }

  /** var that it injects now. */
  reactiveAt(at: number): number {
    return this.#targetAt(at)?.reactiveVar ?? 0
  }

  /** What becomes of a power by its curves; reactive power goes before it (705 Pri). */
  boundAt(at: number, targetW: number): number {
    const target = this.#targetAt(at)
    if (target === null) return targetW
    const roomW = Math.sqrt(Math.max(0, this.ratedVa ** 2 - (target.reactiveVar ?? 0) ** 2))
    return Math.min(roomW, Math.max(0 - Math.min(roomW, target.exportMaxW), targetW))
  }

  record(at: number, powerW: number): void {
    if (this.armedAt(at) === null) return
    const reactiveVar = this.reactiveAt(at)
    const voltageBp = Math.round(this.voltageBp(at))
    this.#recording.push({ at: at as Instant, voltageBp, powerW: Math.round(powerW), reactiveVar })
    if (this.#recording.length > SAMPLES_KEPT) this.#recording.shift()
  }

  recordedBetween(from: number, until: number): readonly VoltageSample[] {
    return this.#recording.filter(({ at }) => at >= from && at <= until)
  }

  #targetAt(at: number) {
    const armed = this.ignores ? null : this.armedAt(at)
    return armed === null ? null : voltageTarget(armed, this.voltageBp(at))
  }
}
