import type { Clock, DeviceSink, EffectiveSetpoint, Log, Timer } from '#ports.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import { DomainError } from '#domain/errors.ts'
import type { Resource } from '#domain/resource.ts'
import { capabilityOf, type Device, has, look, put, readDevice } from './device.ts'
import { type Line, ModbusException, reasonOf } from './line.ts'
import { Meter, type MeterMemory } from './meter.ts'
import { localPart, readInForce, refuseBeforehand, release, sendSetpoint } from './orders.ts'
import { isAbsence } from './wire.ts'

export type InverterContext = {
  readonly clock: Clock
  readonly timer: Timer
  readonly log: Log
  readonly sink: DeviceSink
  readonly meteringIntervalSeconds: number
  /** Wall time between two looks at an inverter. */
  readonly pollMs: number
  /** Wall time that an inverter may take for one answer. */
  readonly requestDeadlineMs: number
  /** Wall time that a heartbeat may stand still. */
  readonly staleMs: number
}

/** What outlives a connection. */
export type InverterMemory = MeterMemory & {
  /** Modbus carries no order number: an order below this one is old. */
  newestVersion: number
  /** The last order that was acknowledged; null: released, or none. */
  inForce: DesiredSetpoint | null
  /** A write was under way when its connection broke: nobody knows what holds. */
  isInDoubt: boolean
}

/** So much longer than `staleMs`, and a new connection is tried. */
const frozenFactor = 2.5
const controllerBeatMs = 1_000
const failedLooksMax = 3

/** An inverter as long as one connection lasts. */
export class LiveInverter {
  readonly #context: InverterContext
  readonly #resource: Resource
  readonly #memory: InverterMemory
  readonly #device: Device
  readonly #meter: Meter
  readonly #unhealthy: (detail: string) => void
  #isHealthy = true
  /** null: not looked at yet. */
  #isLocal: boolean | null = null
  #beat: { value: unknown; sinceMs: number }
  #controllerBeats = 0
  #controllerBeatAtMs = 0
  #failedLooks = 0
  #orders: Promise<unknown> = Promise.resolve()

  private constructor(
    context: InverterContext,
    resource: Resource,
    memory: InverterMemory,
    device: Device,
    unhealthy: (detail: string) => void,
  ) {
    this.#context = context
    this.#resource = resource
    this.#memory = memory
    this.#device = device
    this.#unhealthy = unhealthy
    this.#meter = new Meter(context.clock, context.meteringIntervalSeconds, memory)
    this.#beat = { value: null, sinceMs: context.timer.monotonicMs() }
  }

  /** Finds the device's map, ends what must not hold, and tells that it is connected. */
  static async open(
    context: InverterContext,
    resource: Resource,
    memory: InverterMemory,
    line: Line,
    unhealthy: (detail: string) => void,
  ): Promise<LiveInverter> {
    const device = await readDevice(line)
    const inverter = new LiveInverter(context, resource, memory, device, unhealthy)
    await inverter.#settle()
    inverter.#compareRating()
    await inverter.#control()
    const { sink, meteringIntervalSeconds } = context
    sink.capability(resource.id, capabilityOf(device, meteringIntervalSeconds))
    sink.connected(resource.id, inverter.#detail())
    return inverter
  }

  /** Looks at the device until the connection is over. */
  async run(): Promise<void> {
    const { timer, pollMs, log } = this.#context
    const over = new AbortController()
    void this.#device.line.closed.then(() => over.abort())
    while (!over.signal.aborted) {
      await timer
        .sleep(Math.min(pollMs, this.#meter.wallMsToNext), over.signal)
        .catch(() => undefined) // cut short: the connection is over
      if (over.signal.aborted) return
      try {
        await this.#look()
        this.#failedLooks = 0
      } catch (error) {
        if (!(error instanceof ModbusException)) {
          this.#device.line.close(reasonOf(error))
          return
        }
        this.#failedLooks += 1
        log.warn('an inverter could not be looked at', { reason: error.message })
        if (this.#failedLooks >= failedLooksMax) this.#device.line.close(error.message)
      }
    }
  }

  /** @throws DomainError device-unreachable, device-refused */
  async apply(setpoint: DesiredSetpoint, deadlineMs: number): Promise<void> {
    await this.#inTurn(deadlineMs, 'an order', () => this.#order(setpoint))
  }

  /** @throws DomainError device-unreachable, device-refused */
  async readBack(deadlineMs: number): Promise<EffectiveSetpoint> {
    return await this.#inTurn(deadlineMs, 'a read-back', () => readInForce(this.#device))
  }

  async #order(setpoint: DesiredSetpoint): Promise<void> {
    const memory = this.#memory
    if (setpoint.version < memory.newestVersion) {
      const newer = `order ${memory.newestVersion} came before order ${setpoint.version}`
      throw new DomainError('device-refused', newer)
    }
    const { clock } = this.#context
    await refuseBeforehand(this.#device, setpoint, clock.now())
    memory.newestVersion = setpoint.version
    memory.isInDoubt = true
    try {
      if (setpoint.powerW === null) await release(this.#device)
      else await sendSetpoint(this.#device, setpoint.powerW, setpoint.validUntil, clock)
      memory.inForce = setpoint.powerW === null ? null : setpoint
    } catch (error) {
      // Refused is known; only without an answer nobody knows.
      memory.isInDoubt = !(error instanceof ModbusException || error instanceof DomainError)
      throw error
    }
    memory.isInDoubt = false
  }

  /** One order after the other. Unanswered in time: the connection, which might still send, ends. */
  async #inTurn<T>(deadlineMs: number, what: string, work: () => Promise<T>): Promise<T> {
    const { timer } = this.#context
    const { id } = this.#resource
    if (!this.#isHealthy) throw unreachable(id, 'its heartbeat stands still')
    const turn = this.#orders.catch(() => undefined).then(work)
    this.#orders = turn
    try {
      return await timer.deadline(turn, deadlineMs, `inverter ${id} to answer ${what}`)
    } catch (error) {
      const reason = reasonOf(error)
      if (error instanceof DomainError && error.code === 'device-refused') {
        throw new DomainError('device-refused', `inverter ${id}: ${reason}`)
      }
      if (error instanceof ModbusException && !isAbsence(error.code)) {
        throw new DomainError('device-refused', `inverter ${id}: ${reason}`)
      }
      if (error instanceof DomainError) this.#device.line.close(reason) // the deadline
      throw unreachable(id, reason)
    }
  }

  async #look(): Promise<void> {
    const { sink } = this.#context
    const reading = await this.#meter.look(this.#device, this.#resource.id)
    await this.#control()
    this.#watchBeat()
    if (reading === null) return
    sink.measured(reading)
    await this.#inTurnAside(() => this.#settle())
  }

  /** Work of our own between orders; an order in its turn goes first. */
  async #inTurnAside(work: () => Promise<void>): Promise<void> {
    const turn = this.#orders.catch(() => undefined).then(work)
    this.#orders = turn
    await turn
  }

  /**
   * Releases what must not hold: an order whose end has passed although its timer should have
   * ended it, and whatever holds after a write of which nobody knows.
   */
  async #settle(): Promise<void> {
    const { log, clock } = this.#context
    const memory = this.#memory
    const isOver = memory.inForce !== null && memory.inForce.validUntil <= clock.now()
    if (!isOver && !memory.isInDoubt) return
    const { WSetEna } = await look(this.#device, ['WSetEna'])
    if (WSetEna === 1) {
      const why = isOver ? 'its timer did not end the order' : 'an order was under way'
      log.warn('an inverter is brought back to its default', { resource: this.#resource.id, why })
      await release(this.#device)
    }
    memory.inForce = null
    memory.isInDoubt = false
  }

  /** Both heartbeats, and who steers the device. */
  async #control(): Promise<void> {
    if (has(this.#device, 'derControl')) await this.#beats()
    const local = await localPart(this.#device)
    const isLocal = local !== null
    if (isLocal === this.#isLocal) return
    this.#isLocal = isLocal
    // In LOCAL control it can promise nothing.
    const source = local === 'battery' ? 'LOCAL control of the battery' : 'LOCAL control'
    this.#context.sink.limitedElsewhere(this.#resource.id, isLocal ? 0 : null, source)
  }

  async #beats(): Promise<void> {
    const { timer } = this.#context
    const { DERHb, ControllerHb } = await look(this.#device, ['DERHb', 'ControllerHb'])
    const now = timer.monotonicMs()
    if (DERHb === null || DERHb !== this.#beat.value) this.#beat = { value: DERHb, sinceMs: now }
    if (ControllerHb !== null && now - this.#controllerBeatAtMs >= controllerBeatMs) {
      this.#controllerBeatAtMs = now
      this.#controllerBeats = (this.#controllerBeats + 1) % 0xffff // 0xffff says "not implemented"
      await put(this.#device, 'ControllerHb', [this.#controllerBeats])
    }
  }

  #watchBeat(): void {
    const { timer, staleMs } = this.#context
    const stillMs = timer.monotonicMs() - this.#beat.sinceMs
    if (stillMs >= staleMs * frozenFactor) {
      this.#device.line.close('its heartbeat does not come back')
    } else if (stillMs >= staleMs && this.#isHealthy) {
      this.#isHealthy = false
      this.#unhealthy(`its heartbeat stands still for ${staleMs / 1000} s`)
    } else if (stillMs < staleMs && !this.#isHealthy) {
      this.#isHealthy = true
      this.#context.sink.connected(this.#resource.id, this.#detail())
    }
  }

  #detail(): string {
    const { make, model } = this.#device
    const name = [make, model].filter((part) => part !== null).join(' ') || 'an unnamed inverter'
    return `SunSpec, ${name}, ${this.#isLocal === true ? 'LOCAL' : 'REMOTE'}`
  }

  /** What is enrolled above the inverter's own rating would be refused when it is ordered. */
  #compareRating(): void {
    const { id, rating } = this.#resource
    const { chargeMaxW, dischargeMaxW } = this.#device
    const fits =
      rating.importMaxW <= (chargeMaxW ?? Infinity) &&
      rating.exportMaxW <= (dischargeMaxW ?? Infinity)
    if (fits) return
    const enrolled = { importMaxW: rating.importMaxW, exportMaxW: rating.exportMaxW }
    const inverter = { importMaxW: chargeMaxW, exportMaxW: dischargeMaxW }
    this.#context.log.warn('enrolled above its rating', { resource: id, enrolled, inverter })
  }
}

function unreachable(id: string, reason: string): DomainError {
  return new DomainError('device-unreachable', `inverter ${id}: ${reason}`)
}
