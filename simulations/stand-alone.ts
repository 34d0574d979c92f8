import path from 'node:path'
import type { Clock } from '#ports.ts'
import { BatteryOpcua } from './devices/battery-opcua.ts'
import { InverterModbus } from './devices/inverter-modbus.ts'
import { makeStation } from './devices/make-station.ts'
import type { QuirkId } from './devices/quirks/catalogue.ts'
import { redirectOpcuaOutput } from './devices/opcua-stack.ts'
import { type DeviceHooks, stamp } from './devices/station.ts'
import { seededRandom } from './random.ts'
import type { ScenarioBattery, ScenarioCharger } from './scenarios/scenario.ts'

/** Wall time between two looks at the clock; physics itself goes in seconds. */
const TICK_MS = 100
const HOUR_MS = 3_600_000
const SEED = 1

/** What the one charger's car draws, W: three phases at a little over 31 A. */
const CAR_W = 21_600
/** The one charger's meter has counted as if such a car had always stood there, since then. */
const METER_SINCE = Date.UTC(2026, 0, 1)

/** One simulated machine on its own, for whoever has no hardware at hand. */
export type Machine = { stop(): Promise<void> }

/** Told in words that a person can follow. */
export type Say = (line: string) => void

/**
 * A charger of 22 kW with a car that has just been plugged in: it needs 30 kWh within eight hours.
 * It dials the address that its installer was given, and dials again whenever the line is lost.
 */
export function startCharger(options: {
  readonly version: ScenarioCharger['version']
  readonly quirks?: readonly QuirkId[]
  readonly url: string
  readonly password: string
  readonly clock: Clock
  readonly say: Say
}): Machine {
  const { version, url, password, clock, say, quirks } = options
  const start = wholeSecond(clock)
  const ref = decodeURIComponent(url.slice(url.lastIndexOf('/') + 1))
  const healthy = chargerOf(ref, version, start)
  const device = quirks === undefined ? healthy : { ...healthy, quirks }
  const random = {
    line: seededRandom(SEED, 'line', device.ref),
    physics: seededRandom(SEED, 'physics', device.ref),
  }
  const station = makeStation(device, start, random, hooksOf(clock, say))
  const tick = setInterval(() => station.point.advance(clock.now()), TICK_MS)
  station.connect({ url, password })
  return {
    async stop() {
      clearInterval(tick)
      station.stop()
    },
  }
}

/**
 * A battery of 30 kW and 60 kWh, two thirds full and idle by itself, as an OPC UA server that
 * trusts one client. Its key and certificate stay in the folder, so that its thumbprint does.
 */
export async function startBattery(options: {
  readonly port: number
  readonly folder: string
  readonly clientCertificatePem: string
  readonly clock: Clock
  readonly say: Say
}): Promise<Machine & { readonly endpoint: string; readonly thumbprint: string }> {
  const { port, folder, clientCertificatePem, clock, say } = options
  redirectOpcuaOutput((level, text) => say(`opcua-stack ${level} ${text}`))
  const hooks = hooksOf(clock, say)
  const battery = new BatteryOpcua(
    BATTERY,
    wholeSecond(clock),
    path.join(folder, 'pki'),
    hooks,
    port,
  )
  const { endpoint, thumbprint } = await battery.start()
  await battery.trust(clientCertificatePem)
  const tick = setInterval(() => battery.unit.advance(clock.now()), TICK_MS)
  return {
    endpoint,
    thumbprint,
    async stop() {
      clearInterval(tick)
      await battery.stop()
    },
  }
}

/** The same battery behind an inverter that speaks SunSpec over Modbus TCP, on loopback. */
export async function startInverter(options: {
  readonly port: number
  readonly clock: Clock
  readonly say: Say
}): Promise<Machine & { readonly port: number }> {
  const { clock, say } = options
  const device = { ...BATTERY, ref: 'inverter' }
  const inverter = new InverterModbus(device, wholeSecond(clock), hooksOf(clock, say))
  const port = await inverter.start(options.port)
  const tick = setInterval(() => inverter.advance(), TICK_MS)
  return {
    port,
    async stop() {
      clearInterval(tick)
      await inverter.stop()
    },
  }
}

function chargerOf(
  ref: string,
  version: ScenarioCharger['version'],
  start: number,
): ScenarioCharger {
  return {
    kind: 'charger',
    ref,
    site: '',
    version,
    rateUnit: 'A',
    rating: {
      importMaxW: 22_080,
      exportMaxW: 0,
      importMinW: 4140,
      phases: 3,
      energyWh: 0,
      reserveWh: 0,
      pausable: true,
    },
    offer: NO_OFFER,
    registerWh: Math.max(0, Math.floor(((start - METER_SINCE) * CAR_W) / HOUR_MS)),
    visits: [
      {
        pluggedInAt: stamp(start),
        chargingFrom: stamp(start),
        departureAt: stamp(start + 8 * HOUR_MS),
        energyNeededWh: 30_000,
        car: {
          capacityWh: 100_000,
          maxW: CAR_W,
          efficiency: 0.9,
          socAtPlugIn: 0.2,
          stopAtSoc: 1,
        },
      },
    ],
    history: [],
  }
}

/** Whoever enrols the machine says what it asks for; the machine itself does not know. */
const NO_OFFER: ScenarioCharger['offer'] = {
  price: '0',
  directions: [],
  fromMinute: 0,
  untilMinute: 1440,
}

const BATTERY: ScenarioBattery = {
  kind: 'battery',
  ref: 'battery',
  site: '',
  rating: {
    importMaxW: 30_000,
    exportMaxW: 30_000,
    importMinW: 0,
    phases: 3,
    energyWh: 60_000,
    reserveWh: 6_000,
    pausable: true,
  },
  offer: NO_OFFER,
  battery: {
    soc: 0.65,
    socMin: 0.05,
    socMax: 0.95,
    rampPerSecond: 1,
    revertW: 0,
    importedWh: 1_600_000,
    exportedWh: 1_200_000,
    selfDischargePerDay: 0.001,
    watchdogSeconds: 10,
  },
}

/** Physics and meters go in whole seconds of the clock. */
function wholeSecond(clock: Clock): number {
  return Math.floor(clock.now() / 1000) * 1000
}

function hooksOf(clock: Clock, say: Say): DeviceHooks {
  const tell = (kind: string, fields: Record<string, unknown> = {}, at: number = clock.now()) => {
    const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${String(value)}`)
    say(`${stamp(at)} ${kind}${rest.join('')}`)
  }
  return {
    now: () => clock.now(),
    log: (kind, fields) => tell(kind, fields),
    setpoint: ({ powerW, validUntil }) =>
      tell('setpoint', { powerW: Math.round(powerW), validUntil: stamp(validUntil) }),
    backAtDefault: (at) => tell('default', {}, at),
    driverLeft: (outcome) => tell('driver-left', outcome),
  }
}
