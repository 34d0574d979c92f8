import type { CallId, ResourceId } from './ids.ts'
import { addSeconds, type Instant } from './time.ts'

/** What one resource shall do: a row that the gateway makes true, not a message. */
export type DesiredSetpoint = {
  readonly resourceId: ResourceId
  readonly callId: CallId
  /** Counts up per resource over all calls; a device never goes back to a lower one. */
  readonly version: number
  /**
   * Charger: the most it may import, W. Battery: its power, W, + is import.
   * null: back to the device's own default.
   */
  readonly powerW: number | null
  readonly validFrom: Instant
  /** The device lets go by itself at this instant. */
  readonly validUntil: Instant
  readonly orderedAt: Instant
}

/** A setpoint that ends within so many control cycles is looked after. */
const SOON_CYCLES = 3
/** By so little an end moves because a state of charge is told rounded. */
const END_SECONDS = 1

/**
 * Does a device that has one row need another one? For another power, or where its end comes too
 * late, or would come soon and need not.
 */
export function isRenewed(
  row: Pick<DesiredSetpoint, 'callId' | 'powerW' | 'validUntil'> | null,
  next: Pick<DesiredSetpoint, 'callId' | 'powerW' | 'validUntil'>,
  cycleSeconds: number,
  now: Instant,
): boolean {
  if (row === null || row.callId !== next.callId || row.powerW !== next.powerW) return true
  if (next.powerW === null) return false
  const soon = addSeconds(now, SOON_CYCLES * cycleSeconds)
  if (next.validUntil >= row.validUntil) {
    return next.validUntil > row.validUntil && row.validUntil <= soon
  }
  return addSeconds(next.validUntil, END_SECONDS) < row.validUntil
}

/** How far a setpoint has come: ordered -> acknowledged -> effective -> (measured) observed. */
export type SetpointProgress = {
  readonly acknowledgedAt: Instant | null
  readonly effectiveAt: Instant | null
  /** What the device said when read back, W; null: its default, or it does not tell. */
  readonly effectiveW: number | null
  readonly refusal: string | null
  /** In which form the device took it; null: not taken yet, or there is one form only. */
  readonly strategy: string | null
  /** The first reading wholly after the acknowledgement that is within the setpoint's band. */
  readonly observedAt: Instant | null
  readonly observedW: number | null
}

export type SetpointRow = DesiredSetpoint & SetpointProgress

/** What a device says is in force. */
export type EffectiveSetpoint =
  | { readonly kind: 'default' }
  | { readonly kind: 'limited'; readonly powerW: number }
  | { readonly kind: 'unknown' }

export type SetpointLink = 'acknowledged' | 'effective' | 'observed'

/** The links of a setpoint's chain that are not there, in order: a gap between any two is a sign. */
export function missingLinks(row: SetpointRow): SetpointLink[] {
  const has = { acknowledged: row.acknowledgedAt, effective: row.effectiveAt }
  const all = { ...has, observed: row.observedAt }
  return (Object.keys(all) as SetpointLink[]).filter((link) => all[link] === null)
}
