import { type ComplianceRules, judge } from '#domain/compliance.ts'
import type { Adjustable } from '#domain/control/adjustable.ts'
import type { Correction, CorrectionReason } from '#domain/control/correction.ts'
import { controlCycle, type LoopDecision, type LoopWorld } from '#domain/control/control-cycle.ts'
import type { Gave, Member, Wanted } from '#domain/control/portfolio.ts'
import { dwellSeconds } from '#domain/control/rules.ts'
import type { SetpointRow } from '#domain/dispatch-instruction.ts'
import { callId, type ResourceId } from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import type { ResourceKind } from '#domain/resource.ts'
import type { DeviceReading } from '#domain/telemetry.ts'
import { basisPoints } from '#domain/units.ts'
import { addSeconds, type Instant, instant } from '#domain/time.ts'
import { type SeededRandom, seededRandom } from '#simulations/random.ts'

/** Real seconds, as the controller is to work with. */
export const METERING_SECONDS = 15
const WINDOW_START = instant(1_768_406_400_000)
const rules: ComplianceRules = {
  meteringIntervalSeconds: METERING_SECONDS,
  toleranceW: 200,
  toleranceBp: basisPoints(500),
}
const LEAST_W = 1380

export type LoopDevice = {
  readonly id: ResourceId
  readonly kind: ResourceKind
  /** Charger: what its car draws; battery: the most that it gives. W */
  readonly powerW: number
  readonly price: number
  /** W ordered when the gate closed; 0: it waits in reserve. */
  readonly orderedW: number
  readonly disobeys: boolean
}

export type Told = { readonly at: number; readonly toW: number; readonly reason: CorrectionReason }

export type LoopRun = {
  readonly orderedWs: number
  readonly givenWs: number
  readonly corrections: readonly Correction[]
  /** Seconds since the window began: what the loop told each device, its release aside. */
  readonly told: ReadonlyMap<ResourceId, readonly Told[]>
  readonly letGo: readonly { readonly id: ResourceId; readonly at: number; readonly due: number }[]
  readonly decisions: readonly LoopDecision[]
}

/** A device and its meter, and how far its setpoint has come. Seconds since the window began. */
type Machine = {
  readonly device: LoopDevice
  readonly random: SeededRandom
  toldW: number
  goalW: number
  givesW: number
  orderedAt: number
  acknowledgedAt: number
  switchedAt: number | null
  shownFrom: Instant | null
  partSince: number | null
  isLost: boolean
  intervalWs: number
  readonly gave: Gave[]
  readonly readings: DeviceReading[]
}

/**
 * An hour of a call with simulated devices: setpoints are acknowledged after seconds, powers ramp,
 * meters are noisy, and those that disobey acknowledge like all others.
 */
export function runLoop(
  fleet: readonly LoopDevice[],
  seed: number,
  { seconds = 3600, noise = 0.002 } = {},
): LoopRun {
  const machines = fleet.map((device) => machineOf(device, seed))
  const orderedW = fleet.reduce((sum, device) => sum + device.orderedW, 0)
  const wanted: Wanted[] = []
  const told = new Map<ResourceId, Told[]>(fleet.map(({ id }) => [id, []]))
  const letGo: { id: ResourceId; at: number; due: number }[] = []
  const corrections: Correction[] = []
  const decisions: LoopDecision[] = []
  let givenWs = 0
  for (const machine of machines) if (machine.device.orderedW > 0) tell(machine, machine.toldW, 0)
  for (let second = 1; second <= seconds; second += 1) {
    for (const machine of machines) givenWs += move(machine, second)
    if (second % METERING_SECONDS !== 0) continue
    wanted.push({ at: at(second), powerW: orderedW })
    for (const machine of machines) meter(machine, second, noise)
    const span = { periodStart: WINDOW_START, from: at(second), until: at(seconds) }
    const decision = controlCycle({ ...worldOf(machines, wanted, second), span })
    decisions.push(decision)
    corrections.push(...decision.corrections)
    for (const { resourceId, reason, toW } of decision.corrections) {
      const machine = machines.find(({ device }) => device.id === resourceId) as Machine
      if (reason === 'not-responding') {
        letGo.push({ id: resourceId, at: second, due: secondWhole(machine.acknowledgedAt) })
        machine.isLost = true
      } else told.get(resourceId)?.push({ at: second, toW, reason })
      tell(machine, toW, second)
    }
  }
  const orderedWs = orderedW * seconds
  return { orderedWs, givenWs, corrections, told, letGo, decisions }
}

const at = (second: number): Instant => addSeconds(WINDOW_START, second)

/** A reading tells of the interval before it: the second that begins after an acknowledgement. */
function secondWhole(acknowledgedAt: number): number {
  return Math.ceil(acknowledgedAt / METERING_SECONDS) * METERING_SECONDS + 2 * METERING_SECONDS
}

function machineOf(device: LoopDevice, seed: number): Machine {
  return {
    device,
    random: seededRandom(seed, 'machine', device.id),
    toldW: device.orderedW,
    goalW: 0,
    givesW: 0,
    orderedAt: 0,
    acknowledgedAt: 0,
    switchedAt: null,
    shownFrom: null,
    partSince: null,
    isLost: false,
    intervalWs: 0,
    gave: [],
    readings: [],
  }
}

function tell(machine: Machine, toW: number, second: number): void {
  machine.toldW = toW
  machine.orderedAt = second
  machine.acknowledgedAt = second + machine.random.integer(1, 8)
  machine.switchedAt = second
  machine.partSince ??= second
  machine.shownFrom = null
}

/** One second; W·s given in it. */
function move(machine: Machine, second: number): number {
  const { device, toldW, acknowledgedAt } = machine
  if (!device.disobeys && second > acknowledgedAt && machine.partSince !== null) {
    machine.goalW = toldW
  }
  const rampW = device.kind === 'charger' ? 1500 : 2500
  const missing = machine.goalW - machine.givesW
  machine.givesW += Math.sign(missing) * Math.min(Math.abs(missing), rampW)
  machine.intervalWs += machine.givesW
  return machine.givesW
}

const drawnW = ({ device }: Machine): number => (device.kind === 'charger' ? device.powerW : 0)

function meter(machine: Machine, second: number, noise: number): void {
  const { device, random } = machine
  const powerW = machine.intervalWs / METERING_SECONDS + random.normal() * noise * device.powerW
  machine.intervalWs = 0
  if (machine.partSince !== null && second > machine.partSince) {
    machine.gave.push({ at: at(second), powerW })
  }
  const reading = { at: at(second), powerW: drawnW(machine) - powerW, registerWh: 0, socBp: null }
  machine.readings.push({ resourceId: device.id, ...reading })
}

function worldOf(
  machines: readonly Machine[],
  wanted: readonly Wanted[],
  second: number,
): LoopWorld {
  const members: Member[] = []
  const lost: Member[] = []
  const devices: Adjustable[] = []
  for (const machine of machines) {
    const verdict = machine.partSince === null ? null : verdictOf(machine, second)
    if (verdict?.kind === 'obeys') machine.shownFrom ??= verdict.since
    if (machine.isLost) machine.shownFrom ??= at(machine.acknowledgedAt + METERING_SECONDS)
    if (machine.partSince !== null) members.push(memberOf(machine, machine.partSince))
    if (machine.isLost) continue
    if (verdict?.kind === 'not-obeying') lost.push(memberOf(machine, machine.partSince ?? 0))
    else if (machine.toldW === 0 || verdict?.kind === 'obeys') devices.push(adjustableOf(machine))
  }
  return {
    now: at(second),
    since: WINDOW_START,
    meteringIntervalSeconds: METERING_SECONDS,
    priceCap: microEurPerKwh(450_000n),
    members,
    wanted,
    devices,
    lost,
  }
}

function verdictOf(machine: Machine, second: number) {
  const setpointW = drawnW(machine) - machine.toldW
  const row: SetpointRow = {
    resourceId: machine.device.id,
    callId: callId('call'),
    version: 1,
    powerW: setpointW,
    validFrom: WINDOW_START,
    validUntil: at(3600),
    orderedAt: at(machine.orderedAt),
    acknowledgedAt: machine.acknowledgedAt <= second ? at(machine.acknowledgedAt) : null,
    effectiveAt: null,
    effectiveW: null,
    refusal: null,
    strategy: null,
    observedAt: null,
    observedW: null,
  }
  const recent = machine.readings.slice(-12)
  return judge(row, recent, {
    direction: 'reduce-import',
    program: rules,
    fromW: drawnW(machine),
    now: at(second),
    newest: at(second),
    patience: WINDOW_START,
  })
}

function memberOf({ device, toldW, shownFrom, gave }: Machine, since: number): Member {
  return { resourceId: device.id, partSince: at(since), toldW, shownFrom, gave }
}

const inSteps = (powerW: number): number => Math.floor(powerW / 100) * 100

function adjustableOf({ device, toldW, switchedAt }: Machine): Adjustable {
  const { id, kind, powerW, price, orderedW } = device
  const isCharger = kind === 'charger'
  const stopW = inSteps(powerW)
  return {
    resourceId: id,
    price: microEurPerKwh(BigInt(price)),
    responds: toldW > 0,
    toldW,
    leastW: orderedW,
    mostW: inSteps(isCharger ? powerW - LEAST_W : powerW),
    ...(isCharger ? { stop: { fromW: stopW, toW: stopW, hysteresisW: LEAST_W / 6 } } : {}),
    switchedAt: switchedAt === null ? null : at(switchedAt),
    dwellSeconds: dwellSeconds(kind, METERING_SECONDS),
  }
}

/** The least seconds between two changes of one device: its reserve start and its release aside. */
export function shortestDwell(run: LoopRun, { id, orderedW }: LoopDevice): number {
  const changes = run.told.get(id) ?? []
  const times = [...(orderedW > 0 ? [0] : []), ...changes.map(({ at: second }) => second)]
  return Math.min(...times.slice(1).map((second, i) => second - (times[i] as number)))
}
