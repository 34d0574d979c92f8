import type { ClockAnchor } from './clock.ts'
import type { DriverOutcome } from './devices/visit.ts'

/** From the process that starts the fleet. */
export type ToFleet =
  | {
      readonly type: 'connect'
      /** What each charge point's installer was given at enrolment; `ref` as in the scenario. */
      readonly stations: readonly {
        readonly ref: string
        readonly url: string
        readonly password: string
        /** Further gateways that it may dial. */
        readonly others?: readonly string[]
      }[]
      /** The one client that batteries shall trust. */
      readonly clientCertificatePem: string
    }
  | { readonly type: 'clock'; readonly anchor: ClockAnchor }
  /** These charge points hang up and dial the next of their gateways. */
  | { readonly type: 'move'; readonly refs: readonly string[] }
  | { readonly type: 'report' }
  | { readonly type: 'stop' }

/** To the process that started it. */
export type FromFleet =
  | {
      readonly type: 'ready'
      readonly batteries: readonly {
        readonly ref: string
        readonly endpoint: string
        readonly thumbprint: string
      }[]
    }
  /** Every charge point has booted; batteries wait to be dialled. */
  | { readonly type: 'connected' }
  | ({ readonly type: 'report' } & FleetReport)
  | { readonly type: 'failed'; readonly message: string }

export type FleetReport = {
  /** Business time of the report. */
  readonly at: string
  readonly drivers: readonly (DriverOutcome & {
    readonly ref: string
    readonly shortWithCall: boolean
    readonly shortWithoutCall: boolean
  })[]
  /** Short with the setpoints received, but not without. */
  readonly driversShort: readonly string[]
  /** Each device that ever had a setpoint: when it let go of the last one; null: it has not yet. */
  readonly devices: readonly {
    readonly ref: string
    readonly setpoints: number
    readonly validUntil: string
    readonly backAtDefaultAt: string | null
  }[]
  readonly dispatched: readonly string[]
  readonly disobeyed: readonly string[]
  readonly silent: readonly string[]
  readonly dropped: readonly string[]
  /** Highest load of each feeder so far, metered per settlement period, against its limit. */
  readonly feeders: readonly {
    readonly congestionPoint: string
    readonly firmLimitW: number
    readonly periods: readonly { readonly start: string; readonly meanW: number }[]
  }[]
  readonly peakRssMb: number
}
