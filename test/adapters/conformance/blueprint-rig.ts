import { createBlueprintDriver } from '#adapters/blueprint/driver.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import { startLineDevice } from '../blueprint/line-device.ts'
import { openWire } from '../opcua/proxy.ts'
import {
  type DeviceUnderTest,
  INTERVAL_SECONDS,
  resourceOf,
  type Rig,
  runningClock,
} from './rig.ts'

/** The blueprint's own tiny device behind a wire that can be cut: a rig to copy. */
export async function openBlueprintRig(): Promise<Rig> {
  const clock = runningClock()
  return {
    clock,
    meteringIntervalSeconds: INTERVAL_SECONDS,
    openDriver: async (log) =>
      createBlueprintDriver({ timer: wallTimer, log, meteringIntervalSeconds: INTERVAL_SECONDS }),
    openDevice: async () => openLineDevice(clock),
    close: async () => undefined,
  }
}

async function openLineDevice(clock: Rig['clock']): Promise<DeviceUnderTest> {
  const device = await startLineDevice(clock)
  const wire = await openWire(device.port)
  const connection = { protocol: 'simulated', address: `127.0.0.1:${wire.port}` } as const
  return {
    resource: resourceOf('tiny', 'battery', connection),
    powersW: [2000, -5000, 3000],
    stepW: 1,
    truth() {
      const powerW = device.inForce() // + is discharge there
      return powerW === null ? null : 0 - powerW
    },
    cut: () => wire.unplug(),
    async restore() {
      device.hush(false)
      await wire.mend()
    },
    hush: () => device.hush(true),
    refuse: (isOn) => device.refuse(isOn),
    connections: () => device.connections(),
    async leave() {
      await wire.close()
      await device.stop()
    },
  }
}
