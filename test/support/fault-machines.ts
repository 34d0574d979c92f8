import { parseInstant } from '#domain/time.ts'
import { AnchorClock, type ClockAnchor } from '#simulations/clock.ts'
import { BatteryOpcua } from '#simulations/devices/battery-opcua.ts'
import { makeStation } from '#simulations/devices/make-station.ts'
import type { LinkAddress } from '#simulations/devices/ocpp-link.ts'
import { redirectOpcuaOutput } from '#simulations/devices/opcua-stack.ts'
import type { DeviceHooks, Station } from '#simulations/devices/station.ts'
import { seededRandom } from '#simulations/random.ts'
import type { Scenario } from '#simulations/scenarios/scenario.ts'
import { openWire } from '../adapters/opcua/proxy.ts'

/** Wall time between two looks at what is in force. */
const LOOK_MS = 25
/** A tenth of an ampere at 230 V, the least that a charger can be told. */
const STEP_W_PER_PHASE = 23
const LEAST_A = 6
const BATTERY_FIRST_W = -500
const BATTERY_STEP_W = -40

/** What was in force on a device from an instant on; null: its own default. */
export type InForce = { readonly at: number; readonly index: number | null }

/**
 * A charger and a battery in this process. What they are ordered is another value each time, so
 * that what is in force names the order it came from; and it is looked at again and again.
 */
export async function createMachines(scenario: Scenario, pki: string, trustedPem: string) {
  const start = parseInstant(scenario.start)
  const clock = new AnchorClock(start)
  const [charger, second] = scenario.devices
  if (charger?.kind !== 'charger' || second?.kind !== 'battery') throw new Error('one of each')
  redirectOpcuaOutput(() => undefined)
  const hooks: DeviceHooks = {
    now: () => clock.now(),
    log: () => undefined,
    setpoint: () => undefined,
    backAtDefault: () => undefined,
    driverLeft: () => undefined,
  }
  let address: LinkAddress | null = null
  const newStation = () => {
    const physics = seededRandom(7, 'physics')
    return makeStation(charger, start, { line: seededRandom(7, 'line'), physics }, hooks)
  }
  let station: Station = newStation()
  let battery = new BatteryOpcua(second, start, pki, hooks)
  const { endpoint, thumbprint } = await battery.start()
  await battery.trust(trustedPem)
  const port = Number(new URL(endpoint).port)
  const batteryWire = await openWire(port)
  const valuesOf = new Map<string, number[]>([
    [charger.ref, []],
    [second.ref, []],
  ])
  const ends: number[] = []
  let isBatteryDown = false
  const seen = new Map<string, InForce[]>([...valuesOf.keys()].map((ref) => [ref, []]))

  function valueInForce(ref: string): number | null {
    if (ref === second?.ref) return battery.unit.setpoint?.powerW ?? null
    const limitW = station.point.limitAt(clock.now())
    return charger !== undefined && limitW >= charger.rating.importMaxW ? null : limitW
  }
  function indexInForce(ref: string): number | null {
    const value = valueInForce(ref)
    if (value === null) return null
    const index = (valuesOf.get(ref) ?? []).findIndex((one) => Math.abs(one - value) < 1)
    if (index === -1) throw new Error(`${value} W is in force on ${ref} and was never ordered`)
    return index
  }
  function look(): void {
    const now = clock.now()
    station.point.advance(now)
    if (!isBatteryDown) battery.unit.advance(now) // its meter writes into the server
    for (const [ref, history] of seen) {
      const index = indexInForce(ref)
      if (history.at(-1)?.index !== index) history.push({ at: now, index })
    }
  }
  const looking = setInterval(look, LOOK_MS)

  return {
    clock,
    batteryWire,
    refs: { charger: charger.ref, battery: second.ref },
    enrolment: {
      ref: second.ref,
      endpoint: `opc.tcp://127.0.0.1:${batteryWire.port}`,
      thumbprint,
    },
    connect(to: LinkAddress): void {
      address = to
      station.connect(to)
    },
    run: (anchor: ClockAnchor) => clock.anchor(anchor),
    /** The charger dials its other gateway. */
    moveCharger: () => station.move(),
    /** Both lose what they were told and come back. */
    async restart(): Promise<void> {
      station.stop()
      isBatteryDown = true
      await battery.stop()
      await new Promise((resolve) => setTimeout(resolve, 500))
      station = newStation()
      station.point.advance(clock.now())
      battery = new BatteryOpcua(second, clock.now(), pki, hooks, port)
      await battery.start()
      await battery.trust(trustedPem)
      isBatteryDown = false
      if (address !== null) station.connect(address)
    },
    /** What both are ordered next. */
    nextValues() {
      const { phases } = charger.rating
      return [...valuesOf].map(([ref, values]) => {
        const n = values.length
        const chargerW = (LEAST_A * 10 + n) * STEP_W_PER_PHASE * phases
        const powerW = ref === second.ref ? BATTERY_FIRST_W + n * BATTERY_STEP_W : chargerW
        values.push(powerW)
        return { ref, powerW }
      })
    },
    ordered: (validUntil: number) => void ends.push(validUntil),
    /** Number of the newest order. */
    newest: () => ends.length - 1,
    endOf: (index: number) => ends[index] ?? 0,
    inForce: (ref: string): number | null => {
      look()
      return indexInForce(ref)
    },
    /** Everything that was ever in force, oldest first. */
    history: (ref: string): readonly InForce[] => seen.get(ref) ?? [],
    async stop(): Promise<void> {
      clearInterval(looking)
      station.stop()
      await battery.stop()
    },
  }
}
