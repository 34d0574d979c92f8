import { checkMeterSignature } from '#adapters/ocmf/signature.ts'
import { createHash } from 'node:crypto'
import { createOcppDriver, type OcppDriver } from '#adapters/ocpp/driver.ts'
import { createSimulatedDriver } from '#adapters/simulated/driver.ts'
import { createSimulatedRail } from '#adapters/simulated/rail.ts'
import { createSimulatedSolver } from '#adapters/simulated/solver.ts'
import { createSimulatedVault } from '#adapters/simulated/vault.ts'
import { createSimulatedSigner, verifySimulatedSignature } from '#adapters/simulated/signer.ts'
import { createApp } from '#app.ts'
import { createMemoryStore } from '#db/memory-store.ts'
import { congestionPointId, gatewayId, resourceId } from '#domain/ids.ts'
import type { Rating, Resource } from '#domain/resource.ts'
import { addSeconds, type Instant } from '#domain/time.ts'
import type { Ports, WakeUps } from '#ports.ts'
import { AnchorClock } from '#simulations/clock.ts'
import { makeStation } from '#simulations/devices/make-station.ts'
import type { QuirkId } from '#simulations/devices/quirks/catalogue.ts'
import { stamp, type Station } from '#simulations/devices/station.ts'
import { seededRandom } from '#simulations/random.ts'
import type { ScenarioCharger } from '#simulations/scenarios/scenario.ts'
import { aProgram, aResource, dso, enrolAll, WINDOW_START } from './builders.ts'
import { importHabit, plugBattery, runVerifiers } from './simulated-call.ts'
import { wallTimer } from './wall-timer.ts'

/** What the car draws when nobody asks for anything, W. */
export const NATURAL_W = 7000
export const PROGRAM = aProgram()
/** Long enough to be known by its meter at gate closure, for signature and escrow. */
const START = addSeconds(WINDOW_START, -600)
/** From one tick to the next at most: of wall time, and of business time, s. */
const TICK_MS = 20
const TICK_S = 4
/** So much business time passes at most from one tick to the next: a busy machine slows it. */
const STEP_MAX_S = 5
/** Of business time, about a control cycle. */
const ADVANCE_EVERY_MS = 10_000
const PASSWORD = 'a5'.repeat(20)
/** A station that does not answer what it should takes its time. */
const READY_DEADLINE_MS = 40_000

/** One charger with its quirks, and the call that is played with it. */
export type Played = {
  readonly name: string
  readonly quirks: readonly QuirkId[]
  readonly version: ScenarioCharger['version']
  /** One per settlement period. */
  readonly orderedW: readonly number[]
  /** Of a car that may give power back. */
  readonly givesBack?: Pick<Rating, 'exportMaxW' | 'energyWh' | 'reserveWh'>
  /** A meter that signs, and the key that it was enrolled with. */
  readonly meter?: NonNullable<ScenarioCharger['meter']> & { readonly publicKey: string }
}

export type QuirkWorld = Awaited<ReturnType<typeof startQuirkWorld>>

/**
 * The real OCPP driver over real sockets under the real gateway and lifecycle; store and rail in
 * memory. Behind each congestion point stand one charger with quirks and a dearer battery.
 */
export async function startQuirkWorld(
  played: readonly Played[],
  speed: number,
  setUpDeadlineMs: number,
) {
  // Time stands still between two ticks, and a machine that stalls is no device that falls silent.
  let wallMs = 0
  const clock = new AnchorClock(START, () => wallMs)
  const store = createMemoryStore()
  const options = { clock, ...PROGRAM }
  const driver = createSimulatedDriver(options)
  const rail = createSimulatedRail({ ...options, store })
  const warnings: { message: string; [field: string]: unknown }[] = []
  const ports = portsOf({ clock, store, rail, warnings })
  const ocpp = createOcppDriver({
    clock,
    timer: wallTimer,
    log: ports.log,
    host: '127.0.0.1',
    port: 0,
    meteringIntervalSeconds: PROGRAM.meteringIntervalSeconds,
    setUpDeadlineMs,
    failuresPerMinute: 10_000,
  })
  const resources = played.flatMap((row) => [chargerOf(row), spareOf(row)])
  await enrolAll({ store }, resources, PROGRAM)
  await store.transaction(async (tx) => {
    for (const { name } of played) {
      await tx.organisations.saveCongestionPoint({ id: pointOf(name), dsoId: dso, name })
    }
  })
  for (const resource of resources) {
    if (resource.kind === 'battery') plugBattery({ driver }, resource)
    else await importHabit({ ports: () => ports }, resource, NATURAL_W)
  }
  const app = createApp(ports)
  const gateway = await app.startGateway([ocpp, driver])
  const truth = new Map<string, { of: string; wh: number }[]>()
  const stations = new Map(played.map((row) => [row.name, stationOf(row, clock, ocpp, truth)]))
  const usual = played.filter(({ quirks }) => !quirks.includes('B10')).map(({ name }) => name)
  const missing = async () => {
    const ids = usual.map((name) => resourceId(`charger-${name}`))
    const health = await store.transaction((tx) => tx.resources.health(ids))
    const there = health.filter(({ connected }) => connected).map((one) => one.resourceId)
    return ids.filter((id) => !there.includes(id))
  }
  await untilNone(missing, READY_DEADLINE_MS)

  return {
    store,
    rail,
    ports: () => ports,
    warnings,
    driver,
    stations,
    /** What had really flowed by a metering instant, Wh, as the fleet's log tells. */
    trueWh(name: string, at: Instant): number {
      const line = truth.get(name)?.find(({ of }) => Date.parse(of) >= at)
      if (line === undefined) throw new Error(`nobody knows what flowed at ${name} by ${at}`)
      return line.wh
    },
    start() {
      clock.anchor({ wallMs, businessMs: START, speed })
    },
    /** Lets time run to an instant; everything due on the way is done. */
    async runTo(at: Instant, meanwhile: () => Promise<void> = async () => undefined) {
      let advancedAt = 0
      let lookedAt = wallTimer.monotonicMs()
      while (clock.now() < at) {
        const looksAt = wallTimer.monotonicMs()
        wallMs += Math.min(looksAt - lookedAt, (STEP_MAX_S * 1000) / speed)
        lookedAt = looksAt
        const now = clock.now()
        for (const { point } of stations.values()) point.advance(now)
        driver.passTo(now)
        if (now - advancedAt >= ADVANCE_EVERY_MS) {
          advancedAt = now
          await app.advance()
          await meanwhile()
        }
        await wallTimer.sleep(Math.min(TICK_MS, (TICK_S * 1000) / speed))
      }
    },
    verify: () => runVerifiers({ ports: () => ports, rail, store }, [0, 1]),
    async stop() {
      for (const station of stations.values()) station.stop()
      await gateway.stop()
    },
  }
}

export function pointOf(name: string) {
  return congestionPointId(`point-${name}`)
}

function chargerOf({ name, givesBack, meter }: Played): Resource {
  const { rating } = aResource('any', 'charger', 0n)
  return aResource(`charger-${name}`, 'charger', 100_000n, {
    rating: { ...rating, ...givesBack },
    congestionPointId: pointOf(name),
    connection: {
      protocol: 'ocpp',
      identity: `charger-${name}`,
      connectorId: 1,
      passwordSha256: createHash('sha256').update(PASSWORD).digest('hex'),
    },
    meter: meter === undefined ? null : { serial: meter.serial, publicKey: meter.publicKey },
  })
}

function spareOf({ name }: Played): Resource {
  const rating = { ...aResource('any', 'battery', 0n).rating, exportMaxW: 10_000 }
  return aResource(`spare-${name}`, 'battery', 300_000n, {
    congestionPointId: pointOf(name),
    rating: { ...rating, energyWh: 40_000 },
  })
}

function stationOf(
  row: Played,
  clock: AnchorClock,
  ocpp: OcppDriver,
  truth: Map<string, { of: string; wh: number }[]>,
): Station {
  const told: { of: string; wh: number }[] = []
  truth.set(row.name, told)
  const ref = `charger-${row.name}`
  const plugged = addSeconds(START, -1800)
  const device: ScenarioCharger = {
    kind: 'charger',
    ref,
    site: '',
    version: row.version,
    rateUnit: 'A',
    rating: { ...aResource(ref, 'charger', 0n).rating, ...row.givesBack },
    offer: { price: '0', directions: [], fromMinute: 0, untilMinute: 1440 },
    registerWh: 1_000_000,
    visits: [
      {
        pluggedInAt: stamp(plugged),
        chargingFrom: stamp(plugged),
        departureAt: stamp(addSeconds(WINDOW_START, 8 * 3600)),
        energyNeededWh: 15_000,
        car: {
          capacityWh: 90_000,
          maxW: NATURAL_W,
          efficiency: 0.92,
          socAtPlugIn: row.givesBack === undefined ? 0.1 : 0.6,
          dischargeMaxW: row.givesBack?.exportMaxW ?? 0,
          stopAtSoc: 1,
        },
      },
    ],
    history: [],
    quirks: row.quirks,
    ...(row.meter === undefined ? {} : { meter: row.meter }),
  }
  const random = { line: seededRandom(1, 'line', ref), physics: seededRandom(1, 'physics', ref) }
  const station = makeStation(device, START, random, {
    now: () => clock.now(),
    log(kind, fields) {
      if (kind === 'truth') told.push({ of: String(fields?.of), wh: Number(fields?.wh) })
    },
    setpoint: () => undefined,
    backAtDefault: () => undefined,
    driverLeft: () => undefined,
  })
  station.connect({ url: ocpp.url(ref), password: PASSWORD })
  return station
}

function portsOf(parts: {
  clock: AnchorClock
  store: Ports['store']
  rail: Ports['rail']
  warnings: { message: string; [field: string]: unknown }[]
}): Ports {
  const { clock, store, rail, warnings } = parts
  const signer = createSimulatedSigner('gateway-1')
  const id = gatewayId('gateway-1')
  let drawn = 0
  const note = (message: string, fields: Record<string, unknown> = {}) =>
    void warnings.push({ message, ...fields })
  return {
    clock,
    startedAt: START,
    timer: wallTimer,
    random: { bytes: (length) => Uint8Array.from({ length }, () => drawn++ % 251) },
    log: { info: () => undefined, warn: note, error: note },
    store,
    wakeUps: localWakeUps(),
    rail,
    gateway: { id, signer },
    checkMeterSignature,
    verifySignature: verifySimulatedSignature,
    vault: createSimulatedVault(),
    solver: createSimulatedSolver(),
  }
}

function localWakeUps(): WakeUps {
  const handlers = new Map<string, Set<() => void>>()
  return {
    wakeCall: async () => undefined,
    async notify(topic) {
      for (const handler of handlers.get(topic) ?? []) handler()
    },
    subscribe(topic, handler) {
      const known = handlers.get(topic) ?? new Set<() => void>()
      handlers.set(topic, known.add(handler))
      return { stop: () => void known.delete(handler) }
    },
  }
}

/** @throws Error naming what is still missing after a deadline of wall time */
async function untilNone(
  missing: () => Promise<readonly string[]>,
  deadlineMs: number,
): Promise<void> {
  const giveUpAt = wallTimer.monotonicMs() + deadlineMs
  for (;;) {
    const left = await missing()
    if (left.length === 0) return
    if (wallTimer.monotonicMs() > giveUpAt) throw new Error(`not set up in time: ${left.join()}`)
    await wallTimer.sleep(50)
  }
}
