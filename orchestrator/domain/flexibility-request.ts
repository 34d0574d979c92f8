import type { CongestionPointId } from './ids.ts'
import type { MicroEurPerKwh } from './money.ts'
import type { Direction } from './resource.ts'
import type { Instant, TimeWindow } from './time.ts'

/** What a shortfall costs, taken from the payment and never more than it. */
export type PenaltyRule =
  | { readonly kind: 'none' }
  | { readonly kind: 'per-kwh'; readonly price: MicroEurPerKwh }

export type RequestedPeriod = { readonly start: Instant; readonly powerW: number }

/** The DSO's request: W per settlement period, positive in the direction. */
export type FlexibilityRequest = {
  readonly congestionPointId: CongestionPointId
  readonly direction: Direction
  readonly window: TimeWindow
  readonly periods: readonly RequestedPeriod[]
  readonly priceCap: MicroEurPerKwh
  readonly penalty: PenaltyRule
}
