import { type Capability, ONE_SETPOINT } from '#domain/capability.ts'
import type { Resource } from '#domain/resource.ts'

/** What the device can do. Say what you know; null is for what you do not. */
export function capabilityOf(
  { rating }: Resource,
  model: string,
  meterIntervalSeconds: number,
): Capability {
  return {
    protocol: 'simulated', // yours: a member of its own, in domain/capability.ts
    ...ONE_SETPOINT,
    make: null,
    model,
    firmware: null,
    quirks: null,
    phases: rating.phases,
    minimumW: 0,
    stepW: 1,
    pauses: true,
    resumes: true,
    meterIntervalSeconds,
    signs: false,
    v2x: rating.exportMaxW > 0,
    offlineFallback: 'expires', // an order ends on the device, whoever has died
  }
}
