import path from 'node:path'
import { parseInstant } from '#domain/time.ts'
import { AnchorClock, type ClockAnchor } from './clock.ts'
import { BatteryOpcua } from './devices/battery-opcua.ts'
import type { DriverOutcome } from './devices/visit.ts'
import { redirectOpcuaOutput } from './devices/opcua-stack.ts'
import { makeStation } from './devices/make-station.ts'
import { type DeviceHooks, stamp, type Station } from './devices/station.ts'
import { FeederMeter } from './feeder-meter.ts'
import { type FaultCounts, Faults, rankDevices } from './faults.ts'
import type { FleetLog } from './fleet-log.ts'
import type { FleetReport, ToFleet } from './fleet-messages.ts'
import { seededRandom } from './random.ts'
import type { Scenario, ScenarioCharger } from './scenarios/scenario.ts'

/** Wall time between two looks at the clock; physics itself goes in business seconds. */
const TICK_MS = 25
/** Wall time in which the setpoints of one dispatch arrive. */
const GATHER_MS = 300
/** A driver is short below what is needed less this, Wh: what a meter rounds away. */
const SHORT_TOLERANCE_WH = 20

export type FleetOptions = {
  readonly scenario: Scenario
  readonly faults: FaultCounts
  readonly log: FleetLog
  /** For keys and certificates; removed by whoever made it. */
  readonly folder: string
}

type Dispatched = { setpoints: number; validUntil: number; backAtDefaultAt: number | null }

/** All simulated machines of a scenario, their clock and their faults. */
export class Fleet {
  readonly #scenario: Scenario
  readonly #clock: AnchorClock
  readonly #log: FleetLog
  readonly #stations = new Map<string, Station>()
  readonly #batteries = new Map<string, BatteryOpcua>()
  readonly #dispatched = new Map<string, Dispatched>()
  readonly #left: (DriverOutcome & { ref: string })[] = []
  readonly #feeders: FeederMeter[]
  readonly #faults: Faults
  #tick: NodeJS.Timeout | null = null
  #gather: NodeJS.Timeout | null = null
  #peakRss = 0

  constructor({ scenario, faults, log, folder }: FleetOptions) {
    this.#scenario = scenario
    this.#log = log
    const start = parseInstant(scenario.start)
    this.#clock = new AnchorClock(start)
    redirectOpcuaOutput((level, text) => this.#write('fleet', 'opcua-stack', { level, text }))
    for (const device of scenario.devices) {
      if (device.kind === 'charger') this.#addStation(device, start)
      else {
        const pki = path.join(folder, device.ref)
        const battery = new BatteryOpcua(device, start, pki, this.#hooks(device.ref))
        this.#batteries.set(device.ref, battery)
      }
    }
    this.#feeders = scenario.feeders.map((feeder) => new FeederMeter(scenario, feeder))
    const refs = scenario.devices.map(({ ref }) => ref)
    this.#faults = new Faults(faults, rankDevices(scenario.seed, refs), {
      hold: (ref, held) => this.#machine(ref)?.hold(held),
      disobey: (ref, until) => {
        this.#machine(ref)?.ignoreUntil(until)
        this.#write(ref, 'disobeys', { until: stamp(until) })
      },
      fallSilent: (ref) => {
        this.#stations.get(ref)?.fallSilent()
        this.#batteries.get(ref)?.fallSilent()
        this.#write(ref, 'silent')
      },
      drop: (ref) => this.#drop(ref),
    })
  }

  /** Starts the batteries' servers. */
  async start(): Promise<{ ref: string; endpoint: string; thumbprint: string }[]> {
    const started = await Promise.all(
      [...this.#batteries.values()].map(async (battery) => {
        return { ref: battery.ref, ...(await battery.start()) }
      }),
    )
    this.#tick = setInterval(() => this.#advance(), TICK_MS)
    return started
  }

  /** Resolves once every station has booted. @throws Error naming those that have not in time */
  async connect(
    { stations, clientCertificatePem }: Extract<ToFleet, { type: 'connect' }>,
    deadlineMs: number,
  ): Promise<void> {
    for (const battery of this.#batteries.values()) await battery.trust(clientCertificatePem)
    for (const { ref, ...address } of stations) {
      const station = this.#stations.get(ref)
      if (station === undefined) throw new Error(`connect: no charge point ${ref} in the scenario`)
      station.connect(address)
    }
    const missing = () =>
      stations.map(({ ref }) => ref).filter((ref) => this.#stations.get(ref)?.ready !== true)
    for (let waited = 0; missing().length > 0; waited += TICK_MS) {
      if (waited >= deadlineMs) {
        throw new Error(`not booted within ${deadlineMs} ms: ${missing().join(', ')}`)
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS))
    }
  }

  anchor(anchor: ClockAnchor): void {
    this.#clock.anchor(anchor)
    this.#write('fleet', 'clock', { speed: anchor.speed })
  }

  /** Charge points change the gateway. */
  move(refs: readonly string[]): void {
    for (const ref of refs) this.#stations.get(ref)?.move()
  }

  report(): FleetReport {
    this.#advance()
    const standing = [...this.#stations.values()].flatMap(({ ref, point }) => {
      const outcome = point.outcome()
      return outcome === null ? [] : [{ ref, ...outcome }]
    })
    const drivers = [...this.#left, ...standing]
      .sort((a, b) => (a.ref < b.ref ? -1 : 1))
      .map((driver) => ({
        ...driver,
        shortWithCall: isShort(driver.withCallWh, driver.neededWh),
        shortWithoutCall: isShort(driver.withoutCallWh, driver.neededWh),
      }))
    const devices = [...this.#dispatched]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([ref, { setpoints, validUntil, backAtDefaultAt }]) => ({
        ref,
        setpoints,
        validUntil: stamp(validUntil),
        backAtDefaultAt: backAtDefaultAt === null ? null : stamp(backAtDefaultAt),
      }))
    const { disobeyed, silent, dropped } = this.#faults
    return {
      at: stamp(this.#clock.now()),
      drivers,
      driversShort: drivers
        .filter(({ shortWithCall, shortWithoutCall }) => shortWithCall && !shortWithoutCall)
        .map(({ ref }) => ref),
      devices,
      dispatched: devices.map(({ ref }) => ref),
      disobeyed,
      silent,
      dropped,
      feeders: this.#feeders.map((feeder) => feeder.report()),
      peakRssMb: Math.round(this.#peakRss / 1e6),
    }
  }

  async stop(): Promise<void> {
    if (this.#tick !== null) clearInterval(this.#tick)
    if (this.#gather !== null) clearTimeout(this.#gather)
    for (const station of this.#stations.values()) station.stop()
    await Promise.all([...this.#batteries.values()].map((battery) => battery.stop()))
    this.#log.flush()
  }

  #addStation(device: ScenarioCharger, start: number): void {
    const hooks = this.#hooks(device.ref)
    const random = {
      line: seededRandom(this.#scenario.seed, 'line', device.ref),
      physics: seededRandom(this.#scenario.seed, 'physics', device.ref),
    }
    const station = makeStation(device, start, random, hooks)
    this.#stations.set(device.ref, station)
  }

  #hooks(ref: string): DeviceHooks {
    return {
      now: () => this.#clock.now(),
      log: (kind, fields) => this.#write(ref, kind, fields),
      setpoint: ({ powerW, validUntil }) => this.#setpoint(ref, powerW, validUntil),
      backAtDefault: (at) => {
        const dispatched = this.#dispatched.get(ref)
        if (dispatched !== undefined) dispatched.backAtDefaultAt = at
        this.#log.line({ at: stamp(at), ref, kind: 'default' })
      },
      driverLeft: (outcome) => {
        this.#left.push({ ref, ...outcome })
        this.#write(ref, 'driver-left', outcome)
      },
    }
  }

  #setpoint(ref: string, powerW: number, validUntil: number): void {
    const { setpoints } = this.#dispatched.get(ref) ?? { setpoints: 0 }
    this.#dispatched.set(ref, { setpoints: setpoints + 1, validUntil, backAtDefaultAt: null })
    this.#write(ref, 'setpoint', { powerW: Math.round(powerW), validUntil: stamp(validUntil) })
    if (!this.#faults.setpoint(ref, validUntil)) return
    this.#gather = setTimeout(() => this.#faults.decide(), GATHER_MS)
  }

  #advance(): void {
    const now = this.#clock.now()
    for (const { point } of this.#stations.values()) point.advance(now)
    for (const { unit } of this.#batteries.values()) unit.advance(now)
    const powers = new Map<string, number>()
    for (const { ref, point } of this.#stations.values()) powers.set(ref, point.powerW)
    for (const { ref, unit } of this.#batteries.values()) powers.set(ref, unit.state.powerW)
    for (const feeder of this.#feeders) {
      for (const line of feeder.advance(now, powers)) this.#log.line(line)
    }
    this.#peakRss = Math.max(this.#peakRss, process.memoryUsage.rss())
    this.#log.flush()
  }

  #machine(ref: string) {
    return this.#stations.get(ref)?.point ?? this.#batteries.get(ref)?.unit
  }

  #drop(ref: string): void {
    this.#write(ref, 'drops')
    this.#stations.get(ref)?.stop()
    this.#batteries
      .get(ref)
      ?.stop()
      .catch((error: Error) => this.#write(ref, 'drop-failed', { why: error.message }))
  }

  #write(ref: string, kind: string, fields: Record<string, unknown> = {}): void {
    this.#log.line({ at: stamp(this.#clock.now()), ref, kind, ...fields })
  }
}

function isShort(gotWh: number, neededWh: number): boolean {
  return gotWh < neededWh - SHORT_TOLERANCE_WH
}
