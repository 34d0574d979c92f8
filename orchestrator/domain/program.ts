import type { BaselineMethod } from './baseline/method.ts'
import type { FrequencyTerms } from './frequency-response.ts'
import type { OrganisationId, ProgramId } from './ids.ts'
import type { LegalClass } from './legal-floor.ts'
import type { MicroEurPerKwh } from './money.ts'
import type { PaymentPolicy } from './payment-policy.ts'
import type { StepLimit } from './step-limit.ts'
import type { BasisPoints } from './units.ts'
import type { VoltageTerms } from './voltage-response.ts'

/** The contract's rules as versioned data, fixed in a call's terms when it is ordered. */
export type Program = {
  readonly id: ProgramId
  readonly version: number
  readonly dsoId: OrganisationId
  readonly timeZone: string
  readonly settlementPeriodSeconds: number
  readonly meteringIntervalSeconds: number
  readonly controlCycleSeconds: number
  /** Gate closure lies this long before the window. */
  readonly noticeSeconds: number
  /** Late readings are waited for this long after the window. */
  readonly graceSeconds: number
  readonly disputeWindowSeconds: number
  /** Payout epochs start at multiples of this. */
  readonly epochSeconds: number
  /** A posted payout root waits this long before it is live. */
  readonly epochWindowSeconds: number
  /** No settlement proposed this long after the window: the escrow goes back to the DSO. */
  readonly settleBySeconds: number
  readonly priceCapMax: MicroEurPerKwh
  readonly feeBp: BasisPoints
  /**
   * availability: what is ordered stands by for the window and gives its power only where the DSO
   * activates it; paid for both. frequency-response: a droop curve is armed for the window, and
   * devices answer the frequency by themselves; voltage-support: the same with voltage curves.
   * Absent: it gives its power for the whole window.
   */
  readonly product?: 'availability' | 'frequency-response' | 'voltage-support'
  /** The curve that is armed on devices; only where the product is frequency-response. */
  readonly frequency?: FrequencyTerms
  /** The curves that are armed on devices; only where the product is voltage-support. */
  readonly voltage?: VoltageTerms
  /** An activation is ordered this long before it begins; absent: 0. */
  readonly activationNoticeSeconds?: number
  readonly paymentPolicy: PaymentPolicy
  /** So many of the willing devices are held out of each call to judge baselines; absent: none. */
  readonly controlGroupBp?: BasisPoints
  /**
   * What is ordered comes with this chance, 9,500 = in 95 of 100 calls: no more is offered than all
   * devices of the point reach that often. Absent: all that they can give is offered.
   */
  readonly deliveryLevelBp?: BasisPoints
  /**
   * After a window devices come back one after the other over this time, and no more of them than
   * the congestion point has room for where that is known; absent: all at once.
   */
  readonly restartSeconds?: number
  /**
   * Prices that lie no further above the cheapest of them count as equal in merit order: among
   * these who was called least lately goes first. Absent: 0, rotation only among equal prices.
   */
  readonly rotationBandBp?: BasisPoints
  readonly chargerBaseline: BaselineMethod
  readonly batteryBaseline: BaselineMethod
  /** Local dates, YYYY-MM-DD, that count as Sundays or not at all; absent: none. */
  readonly holidays?: readonly string[]
  /** W per device over equal slots of the local day, for a deemed baseline. */
  readonly deemedProfileW?: readonly number[]
  /**
   * silent, or absent: no page, message or interface tells an owner of a call before its window
   * begins. known: everybody may know from gate closure on, which some baselines do not survive.
   */
  readonly notice?: 'silent' | 'known'
  /** How fast all devices of a congestion point together may be moved; absent: at once. */
  readonly stepLimit?: StepLimit
  /** W that devices of a legal class may always draw; absent: what the law says. */
  readonly legalFloorsW?: Readonly<Record<LegalClass, number>>
  /** A device obeys while it is within this many W, or this share, of its setpoint. */
  readonly toleranceW: number
  readonly toleranceBp: BasisPoints
}
