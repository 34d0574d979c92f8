import type { Clock } from '#ports.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { type Instant, instant } from '#domain/time.ts'
import { type Device, has, look } from './device.ts'
import { type DischargeWatts, readCharge, readPower, readRegister, toConsumption } from './wire.ts'

/** Read so shortly after its raster point, a register says what it said there. Business time. */
const onRasterMs = 250

/** What must outlive a connection, so that no reading comes twice. */
export type MeterMemory = { newestAt: Instant | null }

/**
 * Makes readings of what is polled: an inverter does not stamp or average, so both is done here.
 * Power is the mean of the samples since the reading before, each weighted by the time it stands
 * for.
 */
export class Meter {
  readonly #clock: Clock
  readonly #stepMs: number
  readonly #memory: MeterMemory
  #sum = 0
  #weightMs = 0
  #sampledAt: Instant | null = null
  #next: number

  constructor(clock: Clock, intervalSeconds: number, memory: MeterMemory) {
    this.#clock = clock
    this.#stepMs = intervalSeconds * 1000
    this.#memory = memory
    this.#next = this.#after(memory.newestAt ?? clock.now())
  }

  /** Wall time until the next raster point. */
  get wallMsToNext(): number {
    return Math.max(0, Math.ceil((this.#next - this.#clock.now()) / this.#clock.speed))
  }

  /**
   * Takes one look at the device. @returns a reading when a raster point has passed, else null
   * @throws what the line throws
   */
  async look(device: Device, resourceId: ResourceId): Promise<DeviceReading | null> {
    const began = this.#clock.now()
    const read = await look(device, ['W', 'TotWhInj', 'TotWhAbs'])
    const at = instant(Math.floor((began + this.#clock.now()) / 2))
    const power = readPower(read.W, device.factors.power)
    this.#sample(at, power)
    if (at < this.#next) return null
    const registerWh = readRegister(read.TotWhAbs, read.TotWhInj, device.factors.energy)
    const stamp = this.#stamp(at)
    this.#next = this.#after(at)
    const mean = this.#mean(power)
    if (registerWh === null) return null // it does not count now; the next one may
    const socBp = await this.#charge(device)
    const { newestAt } = this.#memory
    if (newestAt !== null && stamp <= newestAt) return null
    this.#memory.newestAt = stamp
    const powerW = mean === null ? null : toConsumption(mean)
    return { resourceId, at: stamp, powerW, registerWh, socBp }
  }

  /** The raster point where the register was read right behind it, else the true instant. */
  #stamp(at: Instant): Instant {
    const raster = Math.floor(at / this.#stepMs) * this.#stepMs
    return at - raster <= onRasterMs ? instant(raster) : at
  }

  #after(at: number): number {
    return (Math.floor(at / this.#stepMs) + 1) * this.#stepMs
  }

  #sample(at: Instant, power: DischargeWatts | null): void {
    const since = this.#sampledAt
    this.#sampledAt = at
    if (power === null || since === null) return
    this.#sum += power * (at - since)
    this.#weightMs += at - since
  }

  #mean(now: DischargeWatts | null): DischargeWatts | null {
    const mean = this.#weightMs > 0 ? ((this.#sum / this.#weightMs) as DischargeWatts) : now
    this.#sum = 0
    this.#weightMs = 0
    return mean
  }

  /** Model 802 counts finer than 713 on most devices; either will do. */
  async #charge(device: Device): Promise<number | null> {
    if (has(device, 'battery')) {
      const { batterySoC, SoC_SF } = await look(device, ['batterySoC', 'SoC_SF'])
      const charge = readCharge(batterySoC, SoC_SF)
      if (charge !== null) return charge
    }
    if (!has(device, 'storage')) return null
    const { SoC, Pct_SF } = await look(device, ['SoC', 'Pct_SF'])
    return readCharge(SoC, Pct_SF)
  }
}
