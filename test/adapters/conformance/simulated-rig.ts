import type { SimulatedDeviceOptions } from '#adapters/simulated/device.ts'
import { createSimulatedDriver, type SimulatedDriver } from '#adapters/simulated/driver.ts'
import type { DeviceDriver } from '#ports.ts'
import {
  type DeviceUnderTest,
  INTERVAL_SECONDS,
  resourceOf,
  type Rig,
  runningClock,
} from './rig.ts'

/** A machine in memory; what makes it real is that its time passes. */
export async function openSimulatedRig(): Promise<Rig> {
  const clock = runningClock()
  return {
    clock,
    meteringIntervalSeconds: INTERVAL_SECONDS,
    openDriver: async () =>
      createSimulatedDriver({ clock, meteringIntervalSeconds: INTERVAL_SECONDS }),
    openDevice: async (driver) => plugBattery(driver as SimulatedDriver & DeviceDriver, clock),
    close: async () => undefined,
  }
}

function plugBattery(driver: SimulatedDriver, clock: Rig['clock']): DeviceUnderTest {
  const resource = resourceOf('memory', 'battery', { protocol: 'simulated', address: 'memory' })
  const { id } = resource
  const machine: { refuses?: string } & SimulatedDeviceOptions = {
    kind: 'battery',
    naturalW: 0,
    storedWh: 5000,
    energyWh: 10_000,
  }
  driver.plug(id, machine)
  const tick = setInterval(() => driver.passTo(clock.now()), 20)
  return {
    resource,
    powersW: [2000, -5000, 3000],
    stepW: 1,
    truth() {
      const effective = driver.device(id).effective(clock.now())
      return effective.kind === 'limited' ? effective.powerW : null
    },
    cut: async () => driver.cut(id),
    restore: async () => driver.mend(id),
    hush: () => driver.hush(id),
    refuse(isOn) {
      if (isOn) machine.refuses = 'it will not'
      else delete machine.refuses
    },
    connections: () => 0, // there is no line
    leave: async () => clearInterval(tick),
  }
}
