import type { Metrics } from '#observability/metrics.ts'
import type { Ports } from '#ports.ts'

/** What the HTTP service needs beside the ports. */
export type ApiContext = {
  readonly ports: Ports
  readonly metrics: Metrics
  /** Starts the demo's business clock; null in real use, where the route does not exist. */
  readonly startClock: (() => Promise<{ wallMs: number; businessMs: number; speed: number }>) | null
  /** Where the installer points a station; the identity is appended. */
  readonly ocppUrl: (identity: string) => string
  /** The certificate that a battery presented, if it is not trusted yet. */
  readonly presentedThumbprint: (resourceId: string) => string | null
  /** Our own certificate, which a battery's installer makes the battery trust. */
  readonly clientCertificate: () => Promise<{ readonly pem: string; readonly thumbprint: string }>
  /** Instant of the newest block the chain sender has seen; null before there is one. */
  readonly chainHeadAt: () => Promise<number | null>
  /** A chain whose newest block is older than this is not ready, in business seconds. */
  readonly chainHeadAgeMaxSeconds: number
  /** What invoices say about VAT, as the operator set it; absent: that nothing is set. */
  readonly taxNote?: string
  /** Folder of the built pages; null where there are none. */
  readonly dashboardsFolder: string | null
  /** Ends the event streams when the service stops. */
  readonly stopping: AbortSignal
  readonly stream: StreamTiming
}

/** Wall time, milliseconds. */
export type StreamTiming = {
  readonly coalesceMs: number
  readonly heartbeatMs: number
  /** Hints may be lost: how long a stream trusts in being told. */
  readonly lookAgainMs: number
}

/** At most four messages a second. */
export const STREAM_TIMING: StreamTiming = {
  coalesceMs: 250,
  heartbeatMs: 15_000,
  lookAgainMs: 5_000,
}
