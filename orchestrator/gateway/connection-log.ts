import { dialsIn } from '#domain/gateway.ts'
import type { ResourceId } from '#domain/ids.ts'
import type { Connection } from '#domain/resource.ts'
import { type ConnectionChange, recordConnections } from '#lifecycle/record-connections.ts'
import type { GatewayPorts } from '#ports.ts'

/**
 * Writes down who connects and who hangs up, the newest of each device, until the store takes it:
 * a device is this gateway's own only once that stands there.
 */
export function createConnectionLog(
  ports: GatewayPorts,
  onRecorded: (changes: readonly ConnectionChange[]) => void,
) {
  const waiting = new Map<ResourceId, ConnectionChange>()
  /** Devices that have dialled us and whose line stands. */
  const standing = new Map<ResourceId, string>()
  let writing: Promise<void> | null = null

  async function write(): Promise<void> {
    while (waiting.size > 0) {
      const changes = [...waiting.values()]
      try {
        await recordConnections(ports, changes)
      } catch (error) {
        // They stay; the next tick of the gateway tries again.
        ports.log.error('recording connections failed', { error: String(error) })
        return
      }
      for (const change of changes) {
        if (waiting.get(change.resourceId) === change) waiting.delete(change.resourceId)
      }
      onRecorded(changes)
    }
  }

  function flush(): void {
    writing ??= write().finally(() => {
      writing = null
    })
  }

  return {
    note(
      protocol: Connection['protocol'],
      resourceId: ResourceId,
      connected: boolean,
      detail: string,
    ): void {
      const at = ports.clock.now()
      const dialledUs = dialsIn(protocol)
      if (dialledUs && connected) standing.set(resourceId, detail)
      else standing.delete(resourceId)
      waiting.set(resourceId, { resourceId, connected, detail, at, dialledUs })
      flush()
    },
    /** These nobody holds: those whose line stands here were taken for lost, and are ours. */
    claimAgain(free: readonly ResourceId[]): void {
      for (const resourceId of free) {
        const detail = standing.get(resourceId)
        if (detail === undefined || waiting.has(resourceId)) continue
        const at = ports.clock.now()
        waiting.set(resourceId, { resourceId, connected: true, detail, at, dialledUs: true })
      }
      flush()
    },
    flush,
    async stop(): Promise<void> {
      await writing
    },
  }
}
