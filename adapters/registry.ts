import { join } from 'node:path'
import type { Clock, DeviceDriver, Log, Timer } from '#ports.ts'
import { createModbusDriver } from './modbus/driver.ts'
import { createOcppDriver, type OcppDriver } from './ocpp/driver.ts'
import type { OcppSecurity } from './ocpp/tls.ts'
import { createOpcuaDriver, type OpcuaDriver } from './opcua/driver.ts'

export type Drivers = {
  readonly ocpp: OcppDriver
  readonly opcua: OpcuaDriver
  readonly all: readonly DeviceDriver[]
}

/** Every kind of device that this build can talk to. */
export function createDrivers(
  settings: {
    readonly host: string
    readonly ocppPort: number
    readonly ocppSecurity: OcppSecurity
    readonly ocppCompression: boolean
    readonly dataDir: string
    readonly meteringIntervalSeconds: number
  },
  world: { readonly clock: Clock; readonly timer: Timer; readonly log: Log },
): Drivers {
  const { host, ocppPort, ocppSecurity: security, dataDir, meteringIntervalSeconds } = settings
  const ocpp = createOcppDriver({
    ...world,
    host,
    port: ocppPort,
    security,
    compression: settings.ocppCompression,
    meteringIntervalSeconds,
  })
  const pkiFolder = join(dataDir, 'pki')
  const opcua = createOpcuaDriver({ ...world, pkiFolder, meteringIntervalSeconds })
  const modbus = createModbusDriver({ ...world, meteringIntervalSeconds })
  return { ocpp, opcua, all: [ocpp, opcua, modbus] }
}
