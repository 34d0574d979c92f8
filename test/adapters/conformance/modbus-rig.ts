import { createModbusDriver } from '#adapters/modbus/driver.ts'
import { InverterModbus } from '#simulations/devices/inverter-modbus.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import { openWire } from '../opcua/proxy.ts'
import { batteryOf, quietHooks } from './machines.ts'
import {
  type DeviceUnderTest,
  INTERVAL_SECONDS,
  resourceOf,
  type Rig,
  runningClock,
} from './rig.ts'

/** The simulated inverter-battery behind a wire that can be cut. */
export async function openModbusRig(): Promise<Rig> {
  const clock = runningClock()
  return {
    clock,
    meteringIntervalSeconds: INTERVAL_SECONDS,
    openDriver: async (log) =>
      createModbusDriver({
        clock,
        timer: wallTimer,
        log,
        meteringIntervalSeconds: INTERVAL_SECONDS,
      }),
    openDevice: async () => openInverter(clock),
    close: async () => undefined,
  }
}

async function openInverter(clock: Rig['clock']): Promise<DeviceUnderTest> {
  const inverter = new InverterModbus(batteryOf('inverter'), clock.now(), quietHooks(clock))
  const wire = await openWire(await inverter.start())
  const tick = setInterval(() => inverter.advance(), 20)
  const connection = { protocol: 'modbus', host: '127.0.0.1', port: wire.port, unitId: 1 } as const
  return {
    resource: resourceOf('inverter', 'battery', connection),
    powersW: [2000, -5000, 3000],
    stepW: 1,
    truth() {
      inverter.advance()
      return inverter.unit.setpoint?.powerW ?? null
    },
    cut: () => wire.unplug(),
    async restore() {
      inverter.quirks.mute = 'no'
      await wire.mend()
    },
    hush: () => void (inverter.quirks.mute = 'always'),
    refuse: (isOn) => void (inverter.quirks.refusesWith = isOn ? 3 : null),
    connections: () => inverter.connections,
    async leave() {
      clearInterval(tick)
      await wire.close()
      await inverter.stop()
    },
  }
}
