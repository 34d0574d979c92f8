import { stepEvBattery } from '../models/ev-battery.ts'
import type { SeededRandom } from '../random.ts'
import type { ScenarioCharger, Visit } from '../scenarios/scenario.ts'
import { type ChargingProfile, PHASE_VOLTS, ProfileStack } from './profile-stack.ts'
import { type Pilot, pilotOf } from './quirks/pilot.ts'
import type { QuirkId } from './quirks/catalogue.ts'
import {
  atPlugIn,
  carSpec,
  type Charging,
  type DriverOutcome,
  outcomeOf,
  type Session,
  sessionOf,
} from './visit.ts'

/** One step of all physics, business ms. */
export const STEP_MS = 1000
/** Meters that sample on a raster of their own date their values back (E5). */
const LATE_RASTER_MS = 2000
/** What a station says that lets less flow (A2). */
const SAID_AMPERES = 20
/** What an owner before left in the station's memory (A1). */
const OLD_PROFILE: ChargingProfile = {
  id: 1,
  purpose: 'tx',
  stackLevel: 5,
  kind: 'Relative',
  everySeconds: null,
  validFrom: null,
  validTo: null,
  start: null,
  durationSeconds: null,
  unit: 'A',
  periods: [{ startSeconds: 0, limit: 9, phases: null }],
}

/** What the meter says at a multiple of the metering interval. */
export type MeterReading = {
  readonly at: number
  /** Mean over the interval just ended, W; below 0 where a car gives back. */
  readonly powerW: number
  /** Whole Wh, never reset. */
  readonly registerWh: number
  readonly exportWh: number
  readonly offeredAmperes: number
  /** Share of 1; null where no car tells it: only bidirectional ones do. */
  readonly soc: number | null
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
  /** What flowed, and what the meter tells of it: the same, but where the meter lies. */
  #registerWh: number
  #toldWh: number
  #exportWh = 0
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
  readonly #pilot: Pilot

  constructor(
    device: ScenarioCharger,
    start: number,
    random: SeededRandom,
    events: ChargePointEvents,
  ) {
    this.device = device
    this.stack = new ProfileStack({
      maxW: device.rating.importMaxW,
      phases: device.rating.phases,
      exportMaxW: device.rating.exportMaxW,
      belowFloor: this.#has('C1') ? 'floor' : 'pause',
      keepsAll: device.version === '2.0.1',
    })
    if (this.#has('A1')) this.stack.install(OLD_PROFILE)
    this.#pilot = pilotOf(device.quirks ?? [])
    this.#now = start
    this.#registerWh = device.registerWh
    this.#toldWh = device.registerWh
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

  /** What the meter shows. */
  get registerWh(): number {
    return Math.floor(this.#toldWh + 1e-6)
  }

  /** Share of 1; null where no car stands. */
  get soc(): number | null {
    return this.#charging?.car.soc ?? null
  }

  /** How far its physics has come, business ms. */
  get at(): number {
    return this.#now
  }

  /** What has really flowed into cars, net of what they gave back; no meter lies here. */
  get trueWh(): number {
    return Math.floor(this.#registerWh - this.#exportWh + 1e-6)
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
      exportWh: Math.floor(this.#exportWh + 1e-6),
      offeredAmperes: this.#offeredAmperes(),
      soc: this.#toldSoc(),
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

  /** Ends what runs, now: the driver has left, or somebody stopped it from afar. */
  endSession(): void {
    if (this.#charging === null) return
    const { session, car, twin } = this.#charging
    this.#charging = null
    this.stack.clear(({ purpose }) => purpose === 'tx')
    this.stack.transactionInstalls = 0
    this.stack.priority = false
    this.#events.sessionEnded(session, outcomeOf(session, car, twin))
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
      this.#count(charging.car.meteredWh - before)
    }
    this.#meter()
    this.#arriveAndDepart()
  }

  #count(flowedWh: number): void {
    if (flowedWh < 0) {
      this.#exportWh -= flowedWh
      return
    }
    this.#registerWh += flowedWh
    const saidWh = (this.limitW * STEP_MS) / 3_600_000
    this.#toldWh += this.#has('liar') ? Math.min(flowedWh, saidWh) : flowedWh
  }

  /** A car follows a new pilot after 1 to 5 s (IEC 61851). */
  #follow(): void {
    this.#watchDefault()
    if (this.#held || this.#now < this.#ignoresUntil) return
    const { importMaxW, phases } = this.device.rating
    const limitW = this.#pilot(this.limitW, {
      now: this.#now,
      maxW: importMaxW,
      wattsPerAmpere: PHASE_VOLTS * phases,
      limited: this.#callInForce,
      installs: this.stack.transactionInstalls,
    })
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
    const at = this.#now - (this.#has('E5') ? LATE_RASTER_MS : 0)
    if (at % interval !== 0) return
    const seconds = (this.#now - this.#intervalStart) / 1000
    const energyWh = this.#toldWh - this.#exportWh - this.#intervalStartWh
    this.#intervalStart = this.#now
    this.#intervalStartWh += energyWh
    const meanW = (energyWh * 3600) / seconds
    this.#events.metered({
      at,
      powerW: Math.round(this.#has('contradicts') ? Math.min(meanW, this.limitW) : meanW),
      registerWh: this.registerWh,
      exportWh: Math.floor(this.#exportWh + 1e-6),
      offeredAmperes: this.#offeredAmperes(),
      soc: this.#toldSoc(),
    })
  }

  #has(id: QuirkId): boolean {
    return this.device.quirks?.includes(id) === true
  }

  #toldSoc(): number | null {
    return this.device.rating.exportMaxW > 0 ? this.soc : null
  }

  #offeredAmperes(): number {
    if (this.#has('A2') && this.#callInForce) return SAID_AMPERES
    const amperes = this.limitW / (PHASE_VOLTS * this.device.rating.phases)
    return this.session === null ? 0 : Math.floor(amperes * 10 + 1e-6) / 10
  }

  #arriveAndDepart(): void {
    const charging = this.#charging
    if (charging !== null && this.#now >= charging.session.departureAt) this.endSession()
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
