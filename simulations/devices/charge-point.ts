import { type EvBatteryState, stepEvBattery } from '../models/ev-battery.ts'
import type { SeededRandom } from '../random.ts'
import type { ScenarioCharger, Visit } from '../scenarios/scenario.ts'
import { PHASE_VOLTS, ProfileStack } from './profile-stack.ts'

/** One step of all physics, business ms. */
export const STEP_MS = 1000

/** What the meter says at a multiple of the metering interval. */
export type MeterReading = {
  readonly at: number
  /** Mean over the interval just ended, W. */
  readonly powerW: number
  /** Whole Wh, never reset. */
  readonly registerWh: number
  readonly offeredAmperes: number
}

export type ChargePointEvents = {
  readonly metered: (reading: MeterReading) => void
  readonly sessionStarted: (session: Session) => void
  readonly sessionEnded: (session: Session, outcome: DriverOutcome) => void
  /** No profile of a call is in force any more; from this instant on. */
  readonly backAtDefault: (at: number) => void
  /** The power that followed from a new limit, after the car's reaction. */
  readonly reacted: (at: number, limitW: number) => void
}

export type Session = {
  readonly visit: Visit
  readonly startedAt: number
  readonly chargingFrom: number
  readonly departureAt: number
  readonly startRegisterWh: number
}

/** Metered from plug-in to departure, with the setpoints received and without any. */
export type DriverOutcome = {
  readonly departureAt: string
  readonly neededWh: number
  readonly withCallWh: number
  readonly withoutCallWh: number
}

type Charging = { session: Session; car: EvBatteryState; twin: EvBatteryState }

/**
 * The machine behind a station: meter, connector, the profiles installed, and the car that stands
 * there. It knows no protocol. Physics goes in steps of one business second; the same calls at the
 * same business instants give the same bytes.
 */
export class ChargePoint {
  readonly stack: ProfileStack
  readonly device: ScenarioCharger
  meteringIntervalSeconds = 900
  #now: number
  #registerWh: number
  #intervalStart: number
  #intervalStartWh: number
  #charging: Charging | null = null
  #waiting: Visit[]
  /** What the car may draw now, W, and what it will after its reaction. */
  #pilotW: number
  #nextPilot: { at: number; limitW: number } | null = null
  #callInForce = false
  #held = false
  #ignoresUntil = 0
  readonly #random: SeededRandom
  readonly #events: ChargePointEvents

  constructor(
    device: ScenarioCharger,
    start: number,
    random: SeededRandom,
    events: ChargePointEvents,
  ) {
    this.device = device
    this.stack = new ProfileStack({ maxW: device.rating.importMaxW, phases: device.rating.phases })
    this.#now = start
    this.#registerWh = device.registerWh
    this.#intervalStart = start
    this.#intervalStartWh = device.registerWh
    this.#random = random
    this.#events = events
    this.#pilotW = device.rating.importMaxW
    this.#waiting = device.visits.filter((visit) => Date.parse(visit.departureAt) > start)
    this.#beginAtStart(start)
  }

  get session(): Session | null {
    return this.#charging?.session ?? null
  }

  get powerW(): number {
    return this.#charging?.car.powerW ?? 0
  }

  get registerWh(): number {
    return Math.floor(this.#registerWh + 1e-6)
  }

  /** In force by the profiles, whatever the car does. */
  get limitW(): number {
    return this.limitAt(this.#now)
  }

  limitAt(at: number): number {
    return this.stack.limitW(at, this.session?.startedAt ?? null)
  }

  scheduleFrom(at: number, seconds: number): { startSeconds: number; limitW: number }[] {
    return this.stack.schedule(at, seconds, this.session?.startedAt ?? null)
  }

  /** What the meter shows now, between two intervals. */
  readNow(): MeterReading {
    return {
      at: this.#now,
      powerW: Math.round(this.powerW),
      registerWh: this.registerWh,
      offeredAmperes: this.#offeredAmperes(),
    }
  }

  get suspended(): boolean {
    return this.#charging !== null && this.#pilotW === 0
  }

  /** Brings the physics to an instant. */
  advance(to: number): void {
    while (this.#now + STEP_MS <= to) this.#step()
  }

  /** While held the car keeps drawing what it draws, whatever the profiles say. */
  hold(held: boolean): void {
    this.#held = held
  }

  /** From now on the profiles are kept and told, but not followed, until an instant. */
  ignoreUntil(at: number): void {
    this.#ignoresUntil = at
    this.#nextPilot = null
  }

  /** Runs the car's model on to its departure, with the profiles installed and without any. */
  outcome(): DriverOutcome | null {
    if (this.#charging === null) return null
    const { session } = this.#charging
    let { car, twin } = this.#charging
    for (let at = this.#now; at < session.departureAt; at += STEP_MS) {
      const draws = at >= session.chargingFrom
      const limitW = this.stack.limitW(at, session.startedAt)
      const freeW = this.stack.limitW(at, session.startedAt, false)
      car = stepEvBattery(carSpec(session.visit), car, draws ? limitW : 0, STEP_MS / 1000)
      twin = stepEvBattery(carSpec(session.visit), twin, draws ? freeW : 0, STEP_MS / 1000)
    }
    return outcomeOf(session, car, twin)
  }

  #step(): void {
    this.#now += STEP_MS
    this.#follow()
    const charging = this.#charging
    if (charging !== null) {
      const { session } = charging
      const draws = this.#now > session.chargingFrom
      const spec = carSpec(session.visit)
      const freeW = this.stack.limitW(this.#now, session.startedAt, false)
      const before = charging.car.meteredWh
      charging.car = stepEvBattery(spec, charging.car, draws ? this.#pilotW : 0, STEP_MS / 1000)
      charging.twin = stepEvBattery(spec, charging.twin, draws ? freeW : 0, STEP_MS / 1000)
      this.#registerWh += charging.car.meteredWh - before
    }
    this.#meter()
    this.#arriveAndDepart()
  }

  /** A car follows a new pilot after 1 to 5 s (IEC 61851). */
  #follow(): void {
    this.#watchDefault()
    if (this.#held || this.#now < this.#ignoresUntil) return
    const limitW = this.limitW
    if (limitW !== (this.#nextPilot?.limitW ?? this.#pilotW)) {
      this.#nextPilot = { at: this.#now + this.#random.integer(1, 5) * 1000, limitW }
    }
    if (this.#nextPilot !== null && this.#now >= this.#nextPilot.at) {
      this.#pilotW = this.#nextPilot.limitW
      this.#nextPilot = null
      this.#events.reacted(this.#now, this.#pilotW)
    }
  }

  #watchDefault(): void {
    const started = this.session?.startedAt ?? null
    const inForce = this.stack.transactionProfile(this.#now, started) !== null
    if (this.#callInForce && !inForce) this.#events.backAtDefault(this.#now)
    this.#callInForce = inForce
  }

  #meter(): void {
    const interval = this.meteringIntervalSeconds * 1000
    if (this.#now % interval !== 0) return
    const seconds = (this.#now - this.#intervalStart) / 1000
    const energyWh = this.#registerWh - this.#intervalStartWh
    this.#intervalStart = this.#now
    this.#intervalStartWh = this.#registerWh
    this.#events.metered({
      at: this.#now,
      powerW: Math.round((energyWh * 3600) / seconds),
      registerWh: this.registerWh,
      offeredAmperes: this.#offeredAmperes(),
    })
  }

  #offeredAmperes(): number {
    const amperes = this.limitW / (PHASE_VOLTS * this.device.rating.phases)
    return this.session === null ? 0 : Math.floor(amperes * 10 + 1e-6) / 10
  }

  #arriveAndDepart(): void {
    const charging = this.#charging
    if (charging !== null && this.#now >= charging.session.departureAt) {
      this.#charging = null
      this.stack.clear(({ purpose }) => purpose === 'tx')
      const { session, car, twin } = charging
      this.#events.sessionEnded(session, outcomeOf(session, car, twin))
    }
    const next = this.#waiting[0]
    if (this.#charging !== null || next === undefined) return
    if (this.#now < Date.parse(next.pluggedInAt)) return
    this.#waiting.shift()
    const session = sessionOf(next, this.#now, this.registerWh)
    this.#charging = { session, car: atPlugIn(next), twin: atPlugIn(next) }
    this.#events.sessionStarted(session)
  }

  /** A car that came before the scenario starts has charged since, without any call. */
  #beginAtStart(start: number): void {
    const visit = this.#waiting[0]
    if (visit === undefined || Date.parse(visit.pluggedInAt) > start) return
    this.#waiting.shift()
    const startedAt = Date.parse(visit.pluggedInAt)
    let car = atPlugIn(visit)
    for (let at = Math.max(startedAt, Date.parse(visit.chargingFrom)); at < start; at += STEP_MS) {
      car = stepEvBattery(carSpec(visit), car, this.device.rating.importMaxW, STEP_MS / 1000)
    }
    const startRegisterWh = Math.floor(this.device.registerWh - car.meteredWh + 1e-6)
    this.#charging = { session: sessionOf(visit, startedAt, startRegisterWh), car, twin: car }
  }
}

function sessionOf(visit: Visit, startedAt: number, startRegisterWh: number): Session {
  const chargingFrom = Date.parse(visit.chargingFrom)
  return {
    visit,
    startedAt,
    chargingFrom,
    departureAt: Date.parse(visit.departureAt),
    startRegisterWh,
  }
}

function carSpec({ car }: Visit) {
  return {
    capacityWh: car.capacityWh,
    maxW: car.maxW,
    efficiency: car.efficiency,
    stopAtSoc: car.stopAtSoc,
  }
}

function atPlugIn({ car }: Visit): EvBatteryState {
  return { soc: car.socAtPlugIn, meteredWh: 0, powerW: 0 }
}

function outcomeOf({ visit }: Session, car: EvBatteryState, twin: EvBatteryState): DriverOutcome {
  return {
    departureAt: visit.departureAt,
    neededWh: visit.energyNeededWh,
    withCallWh: Math.round(car.meteredWh),
    withoutCallWh: Math.round(twin.meteredWh),
  }
}
