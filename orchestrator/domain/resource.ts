import type {
  Address,
  CongestionPointId,
  OrganisationId,
  OwnerId,
  ResourceId,
  SiteId,
} from './ids.ts'
import type { LegalClass } from './legal-floor.ts'
import type { MicroEurPerKwh } from './money.ts'
import type { OfferConditions } from './offer-conditions.ts'
import type { MeterKey } from './signed-meter/meter-key.ts'
import type { Instant } from './time.ts'
import type { BasisPoints } from './units.ts'

export type OrganisationKind = 'dso' | 'aggregator' | 'operator' | 'verifier' | 'agent' | 'arbiter'

export type Organisation = {
  readonly id: OrganisationId
  readonly kind: OrganisationKind
  readonly name: string
  /**
   * DSO: the payer's address; verifier, arbiter: the signer's; agent: the payee of the agent's leaf.
   */
  readonly address: Address | null
  /** Aggregator: its share of what its owners earn. */
  readonly aggregatorShareBp: BasisPoints
  /** Agent: what it pays at least at once, in whole cents; absent: every whole cent. */
  readonly minimumPayoutCents?: bigint
}

/** What the DSO says of a congestion point, + is consumption. */
export type CongestionRoom = {
  /** The most that may flow there, W. */
  readonly limitW: number
  /**
   * What flows there at the most without the devices that a call moved, W: one value for each of
   * equal slots of the local day, none shorter than 15 minutes.
   */
  readonly baseLoadW: readonly number[]
}

export type CongestionPoint = {
  readonly id: CongestionPointId
  readonly dsoId: OrganisationId
  readonly name: string
  /** How much room there is, for what comes after a window; absent: nobody said. */
  readonly room?: CongestionRoom
}

/** The IBAN itself stands in a table of its own and never here. */
export type PayoutChoice =
  | { readonly kind: 'agent' }
  | { readonly kind: 'wallet'; readonly address: Address }

export type Owner = {
  readonly id: OwnerId
  readonly aggregatorId: OrganisationId
  readonly payout: PayoutChoice
  /** A choice that was announced and takes effect later; absent: none. */
  readonly announced?: { readonly payout: PayoutChoice; readonly from: Instant }
}

/** The choice that counts at an instant. */
export function payoutChoiceAt({ payout, announced }: Owner, at: Instant): PayoutChoice {
  return announced !== undefined && announced.from <= at ? announced.payout : payout
}

export type Site = {
  readonly id: SiteId
  readonly aggregatorId: OrganisationId
  readonly ownerId: OwnerId
  readonly congestionPointId: CongestionPointId
}

export type ResourceKind = 'charger' | 'battery'
export type Direction = 'reduce-import' | 'increase-import'

/** What the device is built for; powers in W, positive. */
export type Rating = {
  readonly importMaxW: number
  readonly exportMaxW: number
  /** Below this and above 0 a charger cannot hold a limit: 6 A per phase (IEC 61851). */
  readonly importMinW: number
  readonly phases: 1 | 3
  readonly energyWh: number
  readonly reserveWh: number
  /** May the charger be stopped altogether, or only brought down to its minimum? */
  readonly pausable: boolean
  /** Absent: no law says how far down it may be limited. */
  readonly legalClass?: LegalClass | undefined
  /** From a new setpoint until it begins to move; absent: 0. */
  readonly responseSeconds?: number | undefined
  /** How fast it moves then; absent: at once. */
  readonly rampWattsPerSecondMax?: number | undefined
}

/** A price that stands until it is changed; minutes of the local day, until is exclusive. */
export type StandingOffer = {
  readonly price: MicroEurPerKwh
  readonly directions: readonly Direction[]
  readonly fromMinute: number
  readonly untilMinute: number
  /** Absent: it answers any call. */
  readonly conditions?: OfferConditions
}

/** Nobody but the station ever knows the new password; here stand hashes. */
export type CredentialRenewal = {
  readonly requestedAt: Instant
  /** 'offered': on its way to the station; 'unanswered': it may have taken it, or not. */
  readonly state: 'requested' | 'offered' | 'taken' | 'refused' | 'unanswered'
  /** What the station may have taken: valid beside the one that it had, until it comes with one. */
  readonly nextSha256: readonly string[]
}

/** How to reach the device. The OCPP password is kept as a hash only. */
export type Connection =
  | {
      readonly protocol: 'ocpp'
      readonly identity: string
      readonly passwordSha256: string
      readonly connectorId: number
      /** A password that is being exchanged; absent: none is. */
      readonly renewal?: CredentialRenewal
    }
  | {
      readonly protocol: 'opcua'
      readonly endpoint: string
      /** SHA-1 of the server's certificate as OPC UA names it, upper-case hex; null: none trusted yet. */
      readonly thumbprint: string | null
      /** Which make of battery, as adapters/opcua names it; our own model where none is named. */
      readonly product?: string
      /** Browse name of the battery where one server holds several; its product's where none is said. */
      readonly object?: string
      /** As whom we act within the channel; anonymous where nothing is said. Secrets stand elsewhere. */
      readonly user?: 'anonymous' | 'password' | 'certificate'
    }
  | {
      /** SunSpec over Modbus TCP, which knows no credential: see adapters/modbus/README.md. */
      readonly protocol: 'modbus'
      readonly host: string
      readonly port: number
      readonly unitId: number
    }
  | { readonly protocol: 'simulated'; readonly address: string }

/** One controllable device. */
export type Resource = {
  readonly id: ResourceId
  readonly kind: ResourceKind
  readonly siteId: SiteId
  readonly ownerId: OwnerId
  readonly aggregatorId: OrganisationId
  readonly congestionPointId: CongestionPointId
  readonly rating: Rating
  readonly offer: StandingOffer
  readonly connection: Connection
  /** The meter that signs its registers; null: none does, or nobody told its key. */
  readonly meter: MeterKey | null
  readonly enrolledAt: Instant
}

/** A car at a charger. Energies in Wh at the meter; null where nobody told. */
export type ChargingSession = {
  readonly resourceId: ResourceId
  readonly startedAt: Instant
  readonly endedAt: Instant | null
  readonly energyNeededWh: number | null
  readonly departureAt: Instant | null
  /** The meter's register when the session began. */
  readonly startRegisterWh: number | null
}

export type ResourceHealth = {
  readonly resourceId: ResourceId
  readonly connected: boolean
  readonly since: Instant
  readonly detail: string
}
