import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createOpcuaDriver, type OpcuaDriver } from '#adapters/opcua/driver.ts'
import { resourceId } from '#domain/ids.ts'
import { addSeconds, type Instant, instant } from '#domain/time.ts'
import { BatteryOpcua } from '#simulations/devices/battery-opcua.ts'
import type { ScenarioBattery } from '#simulations/scenarios/scenario.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import { battery, type Recorder, recorder, until } from './world.ts'

export const START = instant(1_700_000_000_000)
export const id = resourceId('battery')

const DEVICE: ScenarioBattery = {
  kind: 'battery',
  ref: 'battery',
  site: 'site',
  rating: battery('battery', 'opc.tcp://127.0.0.1', null).rating,
  offer: { price: '1', directions: ['reduce-import'], fromMinute: 0, untilMinute: 1440 },
  battery: {
    soc: 0.6,
    socMin: 0.05,
    socMax: 0.95,
    rampPerSecond: 1,
    revertW: 0,
    importedWh: 0,
    exportedWh: 0,
  },
}

export type SimulatedBattery = {
  readonly machine: BatteryOpcua
  readonly driver: OpcuaDriver
  readonly seen: Recorder
  readonly clock: { at: Instant }
  /** Business time moves on, and the machine with it. */
  pass(seconds: number): void
  stop(): Promise<void>
}

/** A battery of the simulations on a server of its own, and a driver that is connected to it. */
export async function startSimulatedBattery(): Promise<SimulatedBattery> {
  const clock = { at: START }
  const folder = await mkdtemp(path.join(tmpdir(), 'gridcall-battery-'))
  const machine = new BatteryOpcua(DEVICE, START, path.join(folder, 'battery'), {
    now: () => clock.at,
    log: () => undefined,
    setpoint: () => undefined,
    backAtDefault: () => undefined,
    driverLeft: () => undefined,
  })
  const { endpoint, thumbprint } = await machine.start()
  const seen = recorder()
  const driver = createOpcuaDriver({
    clock: { now: () => clock.at, speed: 60 },
    timer: wallTimer,
    log: seen.log,
    pkiFolder: path.join(folder, 'gateway'),
    meteringIntervalSeconds: 30,
  })
  await machine.trust((await driver.clientCertificate()).pem)
  await driver.start(seen)
  await driver.attach(battery('battery', endpoint, thumbprint))
  await until('the battery', () => seen.isConnected(id), 30_000)
  return {
    machine,
    driver,
    seen,
    clock,
    pass(seconds) {
      clock.at = addSeconds(clock.at, seconds)
      machine.unit.advance(clock.at)
    },
    async stop() {
      await driver.stop()
      await machine.stop()
      await rm(folder, { recursive: true })
    },
  }
}
