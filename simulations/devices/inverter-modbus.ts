import type { AddressInfo, Server } from 'node:net'
import { type FCallback, type FCallbackVal, ServerTCP } from 'modbus-serial'
import type { ScenarioBattery } from '../scenarios/scenario.ts'
import { ACCEPTED, BatteryUnit } from './battery-unit.ts'
import { type DeviceHooks, stamp } from './station.ts'
import {
  CONTROL_MODEL,
  type ControlPoints,
  DER_MODEL,
  type InverterState,
  offsetOf,
  registerImage,
} from './sunspec-image.ts'

/** Modbus exceptions. */
const NO_SUCH_REGISTER = 2
const VALUE_REFUSED = 3

/** No timer runs: until somebody says otherwise. */
const NEVER = Date.UTC(9999, 0)
const MS = 1000

/** In what it can be worse than its standard; each is a switch that a test turns. */
export type InverterQuirks = {
  /** Carries out what it is asked and never answers. */
  mute: 'no' | 'to writes' | 'always'
  /** Wall time that it takes for each answer. */
  answersAfterMs: number
  /** Its heartbeat stands still. */
  isFrozen: boolean
  /** Answers every write with this exception. */
  refusesWith: number | null
  /** Its reversion timer counts down to 0 and ends nothing. */
  keepsPastItsTimer: boolean
  /** Somebody has switched its battery, not the inverter, to LOCAL (802). */
  isBatteryLocal: boolean
  /** Takes its setpoint in percent of its most only; set before it starts. */
  isPercentOnly: boolean
}

/**
 * A battery inverter as a Modbus TCP server with a SunSpec map. It lets go of a setpoint by its own
 * reversion timer, in seconds of its own clock.
 */
export class InverterModbus {
  readonly unit: BatteryUnit
  readonly quirks: InverterQuirks = {
    mute: 'no',
    answersAfterMs: 0,
    isFrozen: false,
    refusesWith: null,
    keepsPastItsTimer: false,
    isBatteryLocal: false,
    isPercentOnly: false,
  }
  /** Every write that it took, oldest first. */
  readonly writes: { readonly at: number; readonly values: readonly number[] }[] = []
  readonly #hooks: DeviceHooks
  readonly #unitId: number
  readonly #base: number
  readonly #control: ControlPoints = {
    isEnabled: false,
    setW: 0,
    setTenths: null,
    isEnabledAfter: false,
    revertSeconds: 0,
    remainingSeconds: 0,
  }
  #timerEndsAt: number | null = null
  #sequence = 0
  #heartbeat = 0
  #controllerHeartbeat = 0
  #beating: NodeJS.Timeout | null = null
  #server: ServerTCP | null = null

  constructor(
    device: ScenarioBattery,
    start: number,
    hooks: DeviceHooks,
    { unitId = 1, base = 40_000 }: { unitId?: number; base?: number } = {},
  ) {
    this.#hooks = hooks
    this.#unitId = unitId
    this.#base = base
    this.unit = new BatteryUnit(device, start, {
      metered: () => undefined, // an inverter is read, it reports nothing by itself
      backAtDefault: (at) => {
        this.#control.isEnabled = false
        hooks.backAtDefault(at)
      },
      reacted: (when, powerW) =>
        hooks.log('reaction', { powerW: Math.round(powerW), powerAt: stamp(when) }),
    })
  }

  get ref(): string {
    return this.unit.device.ref
  }

  /** Connections that stand now. */
  get connections(): number {
    return this.#server?.socks.size ?? 0
  }

  /** Listens on loopback. @param port 0: any that is free. @returns the port */
  async start(port = 0): Promise<number> {
    if (this.quirks.isPercentOnly) this.#control.setTenths = 0
    const vector = {
      getHoldingRegister: (address: number, _unit: number, done: FCallbackVal<number>) =>
        this.#answer(done, () => this.#read(address, 1)[0] ?? 0),
      getMultipleHoldingRegisters: (
        address: number,
        length: number,
        _unit: number,
        done: FCallbackVal<number[]>,
      ) => this.#answer(done, () => this.#read(address, length)),
      setRegister: (address: number, value: number, _unit: number, done: FCallback) =>
        this.#answer(done as FCallbackVal<void>, () => this.#write(address, [value]), true),
      setRegisterArray: (address: number, values: number[], _unit: number, done: FCallback) =>
        this.#answer(done as FCallbackVal<void>, () => this.#write(address, values), true),
    }
    // The library takes the number 0 for "no port given" and listens on 502; a text is passed on.
    const wanted = String(port) as unknown as number
    const server = new ServerTCP(vector, { host: '127.0.0.1', port: wanted, unitID: this.#unitId })
    server.on('socketError', (error) => this.#hooks.log('socket', { error: String(error) }))
    await new Promise<void>((resolve, reject) => {
      server.on('initialized', () => resolve())
      server.on('serverError', reject)
    })
    this.#server = server
    this.#beating = setInterval(() => this.#beat(), MS).unref()
    const { _server: listening } = server as unknown as { _server: Server }
    return (listening.address() as AddressInfo).port
  }

  /** Stops listening and drops every connection. */
  async stop(): Promise<void> {
    if (this.#beating !== null) clearInterval(this.#beating)
    const server = this.#server
    this.#server = null
    if (server !== null) await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  /** Brings physics and timer to the inverter's own clock. */
  advance(): void {
    const now = this.#hooks.now()
    this.unit.advance(now)
    const endsAt = this.#timerEndsAt ?? now
    this.#control.remainingSeconds = Math.max(0, Math.ceil((endsAt - now) / MS))
  }

  #beat(): void {
    if (!this.quirks.isFrozen) this.#heartbeat = (this.#heartbeat + 1) % 0xffff
  }

  #answer<T>(done: FCallbackVal<T>, make: () => T, isWrite = false): void {
    const { mute, answersAfterMs } = this.quirks
    const say = (error: Error | null, value: T) => {
      if (mute === 'always' || (mute === 'to writes' && isWrite)) return
      if (answersAfterMs === 0) done(error, value)
      else setTimeout(() => done(error, value), answersAfterMs)
    }
    try {
      this.advance()
      say(null, make())
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      say(error, undefined as T)
    }
  }

  #state(): InverterState {
    return {
      unit: this.unit,
      serial: this.ref,
      control: this.#control,
      heartbeat: this.#heartbeat,
      isBatteryLocal: this.quirks.isBatteryLocal,
      controllerHeartbeat: this.#controllerHeartbeat,
    }
  }

  #read(address: number, length: number): number[] {
    const image = registerImage(this.#state())
    const from = address - this.#base
    if (from < 0 || from + length > image.length) throw new Refusal(NO_SUCH_REGISTER)
    return image.slice(from, from + length)
  }

  #write(address: number, values: readonly number[]): void {
    const state = this.#state()
    const offset = address - this.#base
    const der = offset - offsetOf(state, DER_MODEL)
    if (der === 4 && values.length === 1) {
      this.#controllerHeartbeat = values[0] ?? 0
      return
    }
    this.#hooks.log('frame', { action: `write ${address}`, registers: values.length })
    if (this.quirks.refusesWith !== null) throw new Refusal(this.quirks.refusesWith)
    if (this.unit.local) throw new Refusal(VALUE_REFUSED)
    this.#steer(offset - offsetOf(state, CONTROL_MODEL), values)
    this.writes.push({ at: address, values })
  }

  /** Takes what is written into model 704, all of it or nothing. */
  #steer(offset: number, values: readonly number[]): void {
    const next = { ...this.#control }
    const at = (point: number) => values[point - offset]
    const covers = (point: number) => at(point) !== undefined
    if (![22, 28, 30].includes(offset) || offset + values.length > 33) {
      throw new Refusal(NO_SUCH_REGISTER)
    }
    if (covers(22)) next.isEnabled = at(22) === 1
    const isPercent = next.setTenths !== null
    if (covers(23) && at(23) !== (isPercent ? 0 : 1)) throw new Refusal(VALUE_REFUSED)
    if ((covers(25) && isPercent) || (covers(28) && !isPercent)) throw new Refusal(NO_SUCH_REGISTER)
    if (covers(25)) next.setW = int32Of(at(24), at(25))
    if (covers(28)) {
      next.setTenths = ((at(28) ?? 0) << 16) >> 16
      next.setW = Math.round((next.setTenths * this.unit.spec.dischargeMaxW) / 1000)
    }
    if (covers(30)) next.isEnabledAfter = at(30) === 1
    if (covers(32)) next.revertSeconds = int32Of(at(31), at(32))
    if (next.isEnabled) this.#enable(next)
    else this.#disable()
    Object.assign(this.#control, next)
  }

  #enable(next: ControlPoints): void {
    const now = this.#hooks.now()
    const endsAt = next.revertSeconds === 0 ? null : now + next.revertSeconds * MS
    const keeps = this.quirks.keepsPastItsTimer || next.isEnabledAfter
    const validUntil = keeps || endsAt === null ? NEVER : endsAt
    const powerW = next.setW === 0 ? 0 : -next.setW
    const result = this.unit.setActivePower(powerW, validUntil, ++this.#sequence, now)
    if (result !== ACCEPTED) throw new Refusal(VALUE_REFUSED)
    this.#timerEndsAt = endsAt
    this.#hooks.setpoint({ powerW, validUntil })
  }

  #disable(): void {
    this.#timerEndsAt = null
    this.unit.release(++this.#sequence)
  }
}

/** What ServerTCP turns into an exception on the wire. */
class Refusal extends Error {
  readonly modbusErrorCode: number
  constructor(code: number) {
    super(`exception ${code}`)
    this.modbusErrorCode = code
  }
}

function int32Of(high = 0, low = 0): number {
  return (high << 16) | low
}
