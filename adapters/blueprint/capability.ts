import type { Capability } from '#domain/capability.ts'
import type { Resource } from '#domain/resource.ts'

/** What the device can do. Say what you know; null is for what you do not. */
export function capabilityOf(
  { rating }: Resource,
  model: string,
  meterIntervalSeconds: number,
): Capability {
  return {
    protocol: 'simulated', // yours: a member of its own, in domain/capability.ts
    make: null,
    model,
    firmware: null,
    quirks: null,
    unit: 'W',
    phases: rating.phases,
    minimumW: 0,
    stepW: 1,
    stackLevelMax: null,
    periodsMax: null,
    purposes: [],
    kinds: [],
    pauses: true,
    resumes: true,
    readBack: 'setpoint',
    meterIntervalSeconds,
    signs: false,
    v2x: rating.exportMaxW > 0,
    dynamic: true,
    offlineFallback: 'expires', // an order ends on the device, whoever has died
    updateEverySeconds: null,
  }
}
