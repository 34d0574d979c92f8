import type { GatewayId, Hex, ResourceId } from './ids.ts'
import type { Instant } from './time.ts'

/** What a device says at one instant, before any gateway has signed it. */
export type DeviceReading = {
  readonly resourceId: ResourceId
  /** The stamp of the device, aligned to the metering interval where the device can. */
  readonly at: Instant
  /** Mean power since the reading before, W, + is consumption; null where the device has none. */
  readonly powerW: number | null
  /** Net energy register (import - export), whole Wh. */
  readonly registerWh: number
  /** State of charge in basis points; null where it is not told. */
  readonly socBp: number | null
}

export type ReadingQuality = 'measured' | 'imported'

/** A device reading as the gateway that received it signed it, hash-chained per resource. */
export type Reading = DeviceReading & {
  readonly quality: ReadingQuality
  readonly receivedAt: Instant
  readonly gatewayId: GatewayId
  /** 0, 1, 2 … per resource and gateway, in the order of receipt. */
  readonly sequence: number
  readonly previousHash: Hex
  readonly hash: Hex
  /** Ed25519 over the hash. */
  readonly signature: Hex
}
