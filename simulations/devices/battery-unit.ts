import type { ArmedDroop } from '#domain/frequency-response.ts'
import type { ArmedVoltage } from '#domain/voltage-response.ts'
import { type BatterySpec, type BatteryState, stepBattery } from '../models/battery.ts'
import type { ScenarioBattery } from '../scenarios/scenario.ts'
import { BatteryDroop } from './battery-droop.ts'
import { BatteryVoltage } from './battery-voltage.ts'
import { STEP_MS } from './charge-point.ts'

/** AC to DC and back, each way; the product is the round trip. */
const EFFICIENCY_EACH_WAY = 0.95

export type BatteryReading = {
  readonly at: number
  /** Mean over the interval just ended, W, + is import. */
  readonly powerW: number
  readonly importedWh: number
  readonly exportedWh: number
  /** Share of 1. */
  readonly soc: number
}

export type BatteryEvents = {
  readonly metered: (reading: BatteryReading) => void
  /** No setpoint is in force any more; from this instant on. */
  readonly backAtDefault: (at: number) => void
  /** The power has come to rest after a change, W, + is import. */
  readonly reacted: (at: number, powerW: number) => void
}

export type Setpoint = { readonly powerW: number; readonly validUntil: number }

/** A change of power below this is drift, not a reaction. */
const REACTION_W = 50

/** The answers of SetActivePower. */
export const ACCEPTED = 0
export const LOCAL_MODE = 1
export const NOT_NEWER = 2
export const EXPIRED = 3
export const OUT_OF_RANGE = 4

/**
 * The machine behind a battery's server: its model, the setpoint in force with its end, and the
 * meter. It lets go by itself. + is import; steps of one business second.
 */
export class BatteryUnit {
  readonly device: ScenarioBattery
  readonly spec: BatterySpec
  readonly droop = new BatteryDroop()
  readonly voltage: BatteryVoltage
  meteringIntervalSeconds = 900
  local = false
  #now: number
  #state: BatteryState
  #setpoint: Setpoint | null = null
  #sequence = -1
  #restingW: number
  #interval: { start: number; netWh: number }
  #held = false
  #ignoresUntil = 0
  #controller: { counter: number; stillFor: number; hasMoved: boolean } | null = null
  readonly #events: BatteryEvents

  constructor(device: ScenarioBattery, start: number, events: BatteryEvents) {
    const { rating, battery } = device
    this.device = device
    this.spec = {
      capacityWh: rating.energyWh,
      chargeMaxW: rating.importMaxW,
      dischargeMaxW: rating.exportMaxW,
      chargeEfficiency: EFFICIENCY_EACH_WAY,
      dischargeEfficiency: EFFICIENCY_EACH_WAY,
      socMin: battery.socMin,
      socMax: battery.socMax,
      rampPerSecond: battery.rampPerSecond,
      revertW: battery.revertW,
      selfDischargePerDay: battery.selfDischargePerDay ?? 0,
    }
    this.voltage = new BatteryVoltage(Math.max(rating.importMaxW, rating.exportMaxW))
    this.#now = start
    this.#state = {
      soc: battery.soc,
      powerW: battery.revertW,
      importedWh: battery.importedWh,
      exportedWh: battery.exportedWh,
    }
    this.#restingW = battery.revertW
    this.#interval = { start, netWh: battery.importedWh - battery.exportedWh }
    this.#events = events
  }

  get state(): BatteryState {
    return this.#state
  }

  /** What the unit says is in force; a unit that disobeys says the same. */
  get setpoint(): Setpoint | null {
    return this.#setpoint
  }

  /** Seconds until it lets go. */
  get revertRemaining(): number {
    return this.#setpoint === null ? 0 : Math.max(0, (this.#setpoint.validUntil - this.#now) / 1000)
  }

  /** Brings the physics to an instant. */
  advance(to: number): void {
    while (this.#now + STEP_MS <= to) this.#step()
  }

  /** Takes a setpoint; the sequence guards against one that comes late or twice. */
  setActivePower(powerW: number, validUntil: number, sequence: number, now: number): number {
    if (this.local) return LOCAL_MODE
    if (sequence <= this.#sequence) return NOT_NEWER
    if (!(validUntil > now)) return EXPIRED
    const { chargeMaxW, dischargeMaxW } = this.spec
    if (!(powerW <= chargeMaxW && powerW >= -dischargeMaxW)) return OUT_OF_RANGE
    this.#sequence = sequence
    this.#setpoint = { powerW, validUntil }
    return ACCEPTED
  }

  /** Takes a droop curve, or its end (null); its sequences are counted apart. */
  armDroop(armed: ArmedDroop | null, sequence: number, now: number): number {
    if (this.local) return LOCAL_MODE
    const most = Math.min(this.spec.chargeMaxW, this.spec.dischargeMaxW)
    if (armed !== null && !(armed.validUntil > now)) return EXPIRED
    if (armed !== null && !(armed.reservedW >= 0 && armed.reservedW <= most)) return OUT_OF_RANGE
    return this.droop.take(armed, sequence) ? ACCEPTED : NOT_NEWER
  }

  /** Takes voltage curves, or their end (null); their sequences are counted apart, too. */
  armVoltage(armed: ArmedVoltage | null, sequence: number, now: number): number {
    if (this.local) return LOCAL_MODE
    if (armed !== null && !(armed.validUntil > now)) return EXPIRED
    const isWithin = (value: number, most: number) => value >= 0 && value <= most
    if (armed !== null && !isWithin(armed.reservedW, this.voltage.ratedVa)) return OUT_OF_RANGE
    if (armed !== null && !isWithin(armed.ratedW, this.spec.dischargeMaxW)) return OUT_OF_RANGE
    return this.voltage.take(armed, sequence) ? ACCEPTED : NOT_NEWER
  }

  release(sequence: number): number {
    if (this.local) return LOCAL_MODE
    if (sequence <= this.#sequence) return NOT_NEWER
    this.#sequence = sequence
    this.#letGo(this.#now)
    return ACCEPTED
  }

  /**
   * The controller's counter as it stands, asked for once per second of wall time. True when the
   * unit lets go because it has stood still for too long; a counter that never moved says nothing.
   */
  watchController(counter: number): boolean {
    const { watchdogSeconds } = this.device.battery
    if (watchdogSeconds === undefined) return false
    const known = this.#controller
    if (known === null || counter !== known.counter) {
      this.#controller = { counter, stillFor: 0, hasMoved: known !== null }
      return false
    }
    this.#controller = { ...known, stillFor: known.stillFor + 1 }
    if (!known.hasMoved || known.stillFor + 1 < watchdogSeconds) return false
    if (this.#setpoint === null) return false
    this.#letGo(this.#now)
    return true
  }

  hold(held: boolean): void {
    this.#held = held
  }

  /** From now on setpoints are kept and told, but not followed, until an instant. */
  ignoreUntil(at: number): void {
    this.#ignoresUntil = at
  }

  #step(): void {
    this.#now += STEP_MS
    if (this.#setpoint !== null && this.#now >= this.#setpoint.validUntil) this.#letGo(this.#now)
    const stuck = this.#held || this.#now < this.#ignoresUntil
    const restW = this.#setpoint?.powerW ?? this.spec.revertW
    const askedW = stuck ? this.#state.powerW : restW + this.droop.changeAt(this.#now)
    const targetW = this.voltage.boundAt(this.#now, askedW)
    const before = this.#state.powerW
    this.#state = stepBattery(this.spec, this.#state, targetW, STEP_MS / 1000)
    this.droop.record(this.#now, this.#state.powerW)
    this.voltage.record(this.#now, this.#state.powerW)
    this.#watchReaction(before)
    this.#meter()
  }

  #watchReaction(beforeW: number): void {
    const { powerW } = this.#state
    if (Math.abs(powerW - beforeW) > 1 || Math.abs(powerW - this.#restingW) < REACTION_W) return
    this.#restingW = powerW
    this.#events.reacted(this.#now, powerW)
  }

  #letGo(at: number): void {
    if (this.#setpoint === null) return
    this.#setpoint = null
    this.#events.backAtDefault(at)
  }

  #meter(): void {
    if (this.#now % (this.meteringIntervalSeconds * 1000) !== 0) return
    const { importedWh, exportedWh, soc } = this.#state
    const netWh = importedWh - exportedWh
    const seconds = (this.#now - this.#interval.start) / 1000
    const powerW = ((netWh - this.#interval.netWh) * 3600) / seconds
    this.#interval = { start: this.#now, netWh }
    this.#events.metered({ at: this.#now, powerW, importedWh, exportedWh, soc })
  }
}
