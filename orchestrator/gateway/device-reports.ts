import type { Capability } from '#domain/capability.ts'
import type { ResourceId } from '#domain/ids.ts'
import { recordCapability, recordCondition, recordSecurity } from '#lifecycle/record-device.ts'
import { recordSignedMeter } from '#lifecycle/record-signed-meter.ts'
import type { DeviceSink, GatewayPorts, SecurityEvent } from '#ports.ts'

/** Wall time: whoever knocks again and again is told of once in so long. */
const SECURITY_EVERY_MS = 60_000
const KNOCKS_KEPT = 1000

type Reports = Required<
  Pick<DeviceSink, 'capability' | 'limitedElsewhere' | 'overridden' | 'security' | 'signed'>
> & {
  stop(): Promise<void>
}

/**
 * Takes down what devices tell of themselves and of others, in the order in which each device
 * told it: what is over must not come after its end.
 */
export function createDeviceReports(ports: GatewayPorts): Reports {
  const queues = new Map<string, Promise<void>>()
  const knocks = new Map<string, number>()

  function inTurn(who: string, what: string, work: () => Promise<void>): void {
    const before = queues.get(who) ?? Promise.resolve()
    const mine = before.then(work).catch((error: unknown) => {
      ports.log.error(`recording ${what} failed`, { error: String(error) })
    })
    queues.set(who, mine)
    void mine.then(() => {
      if (queues.get(who) === mine) queues.delete(who)
    })
  }

  function isNews({ resourceId, kind }: SecurityEvent): boolean {
    const key = `${resourceId} ${kind}`
    const now = ports.timer.monotonicMs()
    const last = knocks.get(key)
    if (last !== undefined && now - last < SECURITY_EVERY_MS) return false
    if (knocks.size >= KNOCKS_KEPT) knocks.clear()
    knocks.set(key, now)
    return true
  }

  return {
    capability: (resourceId: ResourceId, capability: Capability) =>
      inTurn(resourceId, 'a capability', () => recordCapability(ports, resourceId, capability)),
    limitedElsewhere(resourceId, externalLimitW, source) {
      const externalSource = externalLimitW === null ? null : source
      const change = { externalLimitW, externalSource }
      inTurn(resourceId, 'a limit', () => recordCondition(ports, resourceId, change))
    },
    overridden(resourceId, isOn) {
      const change = { overrideSince: isOn ? ports.clock.now() : null }
      inTurn(resourceId, 'an override', () => recordCondition(ports, resourceId, change))
    },
    signed: (resourceId, text) =>
      inTurn(resourceId, 'a signed record', () => recordSignedMeter(ports, resourceId, text)),
    security(event) {
      const { resourceId, kind, detail } = event
      ports.log.warn('security event of a device', { resourceId, kind, detail })
      if (!isNews(event)) return
      inTurn(`security ${resourceId}`, 'a security event', () => recordSecurity(ports, event))
    },
    async stop() {
      await Promise.all(queues.values())
    },
  }
}
