import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createOpcuaDriver, type OpcuaDriver } from '#adapters/opcua/driver.ts'
import type { DeviceDriver } from '#ports.ts'
import { BatteryOpcua } from '#simulations/devices/battery-opcua.ts'
import { quickTimer } from '#test/support/wall-timer.ts'
import { openWire } from '../opcua/proxy.ts'
import { batteryOf, quietHooks } from './machines.ts'
import {
  type DeviceUnderTest,
  INTERVAL_SECONDS,
  resourceOf,
  type Rig,
  runningClock,
} from './rig.ts'

/** The simulated battery behind a wire that can be cut. */
export async function openOpcuaRig(): Promise<Rig> {
  const clock = runningClock()
  const folder = await mkdtemp(path.join(tmpdir(), 'gridcall-conformance-'))
  return {
    clock,
    meteringIntervalSeconds: INTERVAL_SECONDS,
    openDriver: async (log) =>
      createOpcuaDriver({
        clock,
        timer: quickTimer(4),
        log,
        pkiFolder: path.join(folder, 'gateway'),
        meteringIntervalSeconds: INTERVAL_SECONDS,
      }),
    openDevice: (driver) => openBattery(driver, path.join(folder, 'battery'), clock),
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

async function openBattery(
  driver: DeviceDriver,
  folder: string,
  clock: Rig['clock'],
): Promise<DeviceUnderTest> {
  const start = Math.floor(clock.now() / 1000) * 1000
  const battery = new BatteryOpcua(batteryOf('battery'), start, folder, quietHooks(clock))
  const { endpoint, thumbprint } = await battery.start()
  await battery.trust((await (driver as OpcuaDriver).clientCertificate()).pem)
  const wire = await openWire(Number(new URL(endpoint).port))
  const tick = setInterval(() => battery.unit.advance(clock.now()), 20)
  const connection = {
    protocol: 'opcua',
    endpoint: `opc.tcp://127.0.0.1:${wire.port}`,
    thumbprint,
  } as const
  return {
    resource: resourceOf('battery', 'battery', connection),
    powersW: [2000, -5000, 3000],
    stepW: 1,
    truth() {
      battery.unit.advance(clock.now())
      return battery.unit.setpoint?.powerW ?? null
    },
    async cut() {
      wire.hold() // what was under way stays under way for ever
      await wire.unplug()
      wire.release()
    },
    restore: () => wire.mend(),
    hush: () => wire.hold(),
    refuse: (isOn) => void (battery.unit.local = isOn),
    connections: () => wire.connections(),
    async leave() {
      clearInterval(tick)
      await wire.close()
      await battery.stop()
    },
  }
}
