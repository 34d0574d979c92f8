import type { DeviceReading } from '#domain/telemetry.ts'
import { recordTelemetry } from '#lifecycle/record-telemetry.ts'
import type { GatewayPorts } from '#ports.ts'

/** Wall time a reading waits at most for others to be written with it. */
const GATHER_MS = 40
/** Readings held while the store cannot be reached; the oldest go first, counted and logged. */
const HELD_MAX = 100_000

/** Gathers readings for one write; what the store did not take is tried again. */
export function createTelemetryBuffer(
  ports: GatewayPorts,
  stored: (readings: readonly DeviceReading[]) => void,
) {
  let held: DeviceReading[] = []
  let writing: Promise<void> | null = null
  let stopped = false

  async function write(): Promise<void> {
    await ports.timer.sleep(GATHER_MS)
    while (held.length > 0) {
      const batch = held
      held = []
      try {
        await recordTelemetry(ports, batch)
        stored(batch)
      } catch (error) {
        held = [...batch, ...held]
        ports.log.error('readings wait for the store', {
          readings: held.length,
          error: String(error),
        })
        if (stopped) return
        await ports.timer.sleep(1000)
      }
    }
  }

  function dropOldest(): void {
    const dropped = held.length - HELD_MAX
    held.splice(0, dropped)
    ports.log.error('readings were dropped: the store is away for too long', { dropped })
  }

  return {
    add(reading: DeviceReading): void {
      held.push(reading)
      if (held.length > HELD_MAX) dropOldest()
      writing ??= write().finally(() => {
        writing = null
      })
    },
    async stop(): Promise<void> {
      stopped = true
      await writing
    },
  }
}
