import type { Address } from '#domain/ids.ts'
import type { CongestionRoom, Direction, Rating, StandingOffer } from '#domain/resource.ts'
import type { QuirkId } from '../devices/quirks/catalogue.ts'

/**
 * A world to play: who is enrolled, what stands where, who drives when. Plain JSON, so that it can
 * be handed to the fleet as a file: instants are ISO 8601 text, prices decimal strings of
 * micro-EUR per kWh. A `ref` is an id, the same for the same seed.
 */
export type Scenario = {
  readonly name: 'bundled' | 'real-day'
  readonly seed: number
  readonly timeZone: string
  /** Business time stands here until the clock is started. */
  readonly start: string
  readonly settlementPeriodSeconds: number
  readonly meteringIntervalSeconds: number
  /** Over which devices come back after a window. */
  readonly restartSeconds: number
  readonly congestionPoints: readonly ScenarioPoint[]
  readonly aggregators: readonly {
    readonly ref: string
    readonly name: string
    readonly shareBp: number
  }[]
  readonly owners: readonly ScenarioOwner[]
  readonly sites: readonly ScenarioSite[]
  readonly devices: readonly ScenarioDevice[]
  readonly feeders: readonly ScenarioFeeder[]
  readonly calls: { readonly main: ScenarioCall; readonly overlapping: ScenarioCall | null }
  /** What a real day was made from; null for the bundled one. */
  readonly input: RealInput | null
}

/** Where the grid may be short, and what its DSO says of it; `room` null: nothing. */
export type ScenarioPoint = {
  readonly ref: string
  readonly name: string
  readonly room: CongestionRoom | null
}

export type ScenarioOwner = {
  readonly ref: string
  readonly aggregator: string
  /** A wallet's address is known to who starts the chain only: null until then. */
  readonly payout:
    | { readonly kind: 'agent'; readonly iban: string }
    | { readonly kind: 'wallet'; readonly address: Address | null }
}

export type ScenarioSite = {
  readonly ref: string
  readonly aggregator: string
  readonly owner: string
  readonly congestionPoint: string
}

export type ScenarioOffer = Omit<StandingOffer, 'price'> & { readonly price: string }

export type ScenarioDevice = ScenarioCharger | ScenarioBattery

export type ScenarioCharger = {
  readonly kind: 'charger'
  readonly ref: string
  readonly site: string
  readonly version: '1.6' | '2.0.1' | '2.1'
  /** The only unit in which the station takes limits: A per phase, or W in all. */
  readonly rateUnit: 'A' | 'W'
  readonly rating: Rating
  readonly offer: ScenarioOffer
  /** The meter at the scenario's start, Wh. */
  readonly registerWh: number
  /** In order of time and without overlap. */
  readonly visits: readonly Visit[]
  /** Of the ten working days before, oldest first. */
  readonly history: readonly { readonly at: string; readonly registerWh: number }[]
  /** What the station does that it should not; none where absent. */
  readonly quirks?: readonly QuirkId[]
  /** A meter that signs its registers; none where absent. */
  readonly meter?: {
    readonly serial: string
    /** P-256, PKCS #8 PEM. */
    readonly privateKey: string
    readonly wrong?: 'skips pages' | 'changes what was signed'
  }
}

/** A driver's stay at a charge point. */
export type Visit = {
  readonly pluggedInAt: string
  /** From here on the car draws power. */
  readonly chargingFrom: string
  readonly departureAt: string
  /** At the meter, from plug-in to departure. */
  readonly energyNeededWh: number
  readonly car: Car
}

export type Car = {
  readonly capacityWh: number
  readonly maxW: number
  readonly efficiency: number
  /** Share of 1, at plug-in. */
  readonly socAtPlugIn: number
  readonly stopAtSoc: number
  /** What a bidirectional car gives back at most, W; absent: it cannot. */
  readonly dischargeMaxW?: number
}

export type ScenarioBattery = {
  readonly kind: 'battery'
  readonly ref: string
  readonly site: string
  readonly rating: Rating
  readonly offer: ScenarioOffer
  readonly battery: {
    readonly soc: number
    readonly socMin: number
    readonly socMax: number
    readonly rampPerSecond: number
    readonly revertW: number
    readonly importedWh: number
    readonly exportedWh: number
    /** Share of the capacity per day; absent: none. */
    readonly selfDischargePerDay?: number
    /**
     * Wall seconds without a beat of its controller after which it lets go of its setpoint, once
     * it has heard one; absent: only the setpoint's own end counts.
     */
    readonly watchdogSeconds?: number
  }
}

export type ScenarioFeeder = {
  readonly congestionPoint: string
  readonly firmLimitW: number
  readonly baseLoad: readonly { readonly at: string; readonly powerW: number }[]
}

/** What a DSO would post; the price cap is a decimal string of micro-EUR per kWh. */
export type ScenarioCall = {
  readonly congestionPoint: string
  readonly direction: Direction
  readonly windowStart: string
  readonly windowEnd: string
  readonly periods: readonly { readonly start: string; readonly powerW: number }[]
  readonly priceCap: string
}

/** Where a real day's figures come from. */
export type RealInput = {
  readonly limitW: number
  /** Requested W per measured W above the limit. */
  readonly scale: number
  readonly sessionDay: string
  /** Whole hours added to every stamp of the sessions. */
  readonly shiftHours: number
  readonly sessions: number
}
