import { createHash } from 'node:crypto'
import { createOcppDriver, type OcppDriver } from '#adapters/ocpp/driver.ts'
import type { DeviceDriver } from '#ports.ts'
import { makeStation } from '#simulations/devices/make-station.ts'
import { seededRandom } from '#simulations/random.ts'
import type { ScenarioCharger } from '#simulations/scenarios/scenario.ts'
import { formatInstant, instant } from '#domain/time.ts'
import { wallTimer } from '#test/support/wall-timer.ts'
import { openWire } from '../opcua/proxy.ts'
import { quietHooks } from './machines.ts'
import {
  type DeviceUnderTest,
  INTERVAL_SECONDS,
  resourceOf,
  type Rig,
  runningClock,
} from './rig.ts'

const PASSWORD = '00112233445566778899aabbccddeeff00112233'
const RATING = { importMaxW: 22_080, importMinW: 4140, phases: 3 } as const

/** A simulated station with a car, which dials in through a wire that can be cut. */
export async function openOcppRig(version: ScenarioCharger['version']): Promise<Rig> {
  const clock = runningClock()
  return {
    clock,
    meteringIntervalSeconds: INTERVAL_SECONDS,
    openDriver: async (log) =>
      createOcppDriver({
        clock,
        timer: wallTimer,
        log,
        host: '127.0.0.1',
        port: 0,
        meteringIntervalSeconds: INTERVAL_SECONDS,
        pingIntervalMs: 500,
        pingTimeoutMs: 500,
      }),
    openDevice: (driver) => openStation(driver, version, clock),
    close: async () => undefined,
  }
}

async function openStation(
  driver: DeviceDriver,
  version: ScenarioCharger['version'],
  clock: Rig['clock'],
): Promise<DeviceUnderTest> {
  const charger = chargerOf('charger', version, clock.now())
  const random = {
    line: seededRandom(1, 'line', 'charger'),
    physics: seededRandom(1, 'physics', 'charger'),
  }
  const start = Math.floor(clock.now() / 1000) * 1000
  const station = makeStation(charger, start, random, quietHooks(clock))
  const url = new URL((driver as OcppDriver).url('charger'))
  const wire = await openWire(Number(url.port))
  url.port = String(wire.port)
  station.connect({ url: url.href, password: PASSWORD })
  const tick = setInterval(() => station.point.advance(clock.now()), 20)
  const passwordSha256 = createHash('sha256').update(PASSWORD).digest('hex')
  const connection = {
    protocol: 'ocpp',
    identity: 'charger',
    passwordSha256,
    connectorId: 1,
  } as const
  const { stack } = station.point
  const usual = { install: stack.install.bind(stack), update: stack.update.bind(stack) }
  const fail = () => {
    throw new RangeError('the load balancer is disabled')
  }
  return {
    resource: resourceOf('charger', 'charger', connection, RATING),
    powersW: [6900, 9660, 13_800],
    stepW: 690, // 1 A on three phases
    truth() {
      const now = clock.now()
      station.point.advance(now)
      const startedAt = station.point.session?.startedAt ?? null
      return stack.transactionProfile(now, startedAt) === null ? null : station.point.limitAt(now)
    },
    async cut() {
      wire.hold() // what was under way stays under way for ever
      await wire.unplug()
      wire.release()
    },
    restore: () => wire.mend(),
    hush: () => wire.hold(),
    // Answered with a CALLERROR.
    refuse: (isOn) => void Object.assign(stack, isOn ? { install: fail, update: fail } : usual),
    connections: () => wire.connections(),
    async leave() {
      clearInterval(tick)
      station.stop()
      await wire.close()
    },
  }
}

function chargerOf(ref: string, version: ScenarioCharger['version'], now: number): ScenarioCharger {
  const stamp = (at: number) => formatInstant(instant(Math.floor(at / 1000) * 1000))
  return {
    kind: 'charger',
    ref,
    site: '',
    version,
    rateUnit: 'A',
    rating: { ...RATING, exportMaxW: 0, energyWh: 0, reserveWh: 0, pausable: true },
    offer: { price: '0', directions: [], fromMinute: 0, untilMinute: 1440 },
    registerWh: 50_000,
    visits: [
      {
        pluggedInAt: stamp(now - 60_000),
        chargingFrom: stamp(now - 60_000),
        departureAt: stamp(now + 8 * 3_600_000),
        energyNeededWh: 60_000,
        car: {
          capacityWh: 100_000,
          maxW: 21_600,
          efficiency: 0.9,
          socAtPlugIn: 0.2,
          stopAtSoc: 1,
        },
      },
    ],
    history: [],
  }
}
