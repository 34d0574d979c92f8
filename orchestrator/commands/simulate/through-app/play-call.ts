import { simulatedSignature } from '#adapters/simulated/rail.ts'
import { deliveryEnd, type FlexibilityCall, TERMINAL } from '#domain/flexibility-call.ts'
import { type CallId, resourceId, type ResourceId } from '#domain/ids.ts'
import type { DeviceReading, Reading } from '#domain/telemetry.ts'
import { addSeconds, type Instant, settlementPeriodStarts } from '#domain/time.ts'
import { acceptOffer } from '#lifecycle/accept-offer.ts'
import { recordTelemetry } from '#lifecycle/record-telemetry.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { startOf, WINDOW_SECONDS } from '#simulations/scenarios/year/availability.ts'
import type { YearDevice } from '#simulations/scenarios/year/fleet.ts'
import { machineOn, type YearMachine } from '#simulations/scenarios/year/machines.ts'
import type { YearWorld } from '#simulations/scenarios/year/play.ts'
import { createWorld, type World } from '#simulations/world.ts'
import { DSO, FEEDER, handOver, type Kept, PROGRAM, WORLD } from './parties.ts'
import { yearVerifiers } from './verifiers.ts'

/** Meters have told something by the time the request comes. */
const BEFORE_SECONDS = 480
const REQUESTED_BEFORE_SECONDS = 300
/** So long after its window nobody waits for a call to be paid. */
const PATIENCE_SECONDS = 1_800
const HABIT_DAYS = 2
const HABIT_REGISTER_WH = 50_000
const DAY_SECONDS = 86_400

/** A call that is over, and what its devices were measured at in the window. */
export type Evening = {
  readonly call: FlexibilityCall
  readonly naturalW: ReadonlyMap<ResourceId, number>
  readonly readings: readonly Reading[]
}

/** One evening: a service starts on what it has kept, plays a call to its end, and stops. */
export async function playCall(
  { seed, fleet, law }: YearWorld,
  kept: Kept,
  day: number,
  requestedW: number,
): Promise<Evening> {
  const start = startOf(day)
  const machines = fleet.map((device) => ({
    device,
    machine: machineOn(seed, day, start, device, law.truth(device, day)),
  }))
  const world = createWorld({ ...WORLD, start: addSeconds(start, -BEFORE_SECONDS) })
  await handOver(kept, world.store)
  for (const { device, machine } of machines) plug(world, device, machine)
  await world.boot()
  try {
    await recordTelemetry(world.ports(), machines.flatMap(habitsOn(start)), 'imported')
    await world.passTo(addSeconds(start, -REQUESTED_BEFORE_SECONDS))
    const id = await request(world, `day-${day}`, start, requestedW)
    await world.passTo(addSeconds(start, -PROGRAM.noticeSeconds))
    await accept(world, id)
    await world.passTo(addSeconds(start, -PROGRAM.meteringIntervalSeconds))
    for (const { device, machine } of machines) meet(world, device, machine)
    await world.passTo(addSeconds(start, WINDOW_SECONDS))
    const readings = await world.store.transaction((tx) =>
      tx.readings.between(
        kept.resources.map((one) => one.id),
        start,
        addSeconds(start, WINDOW_SECONDS),
      ),
    )
    const call = await toItsEnd(world, id)
    const naturalW = new Map(
      machines.map(({ device, machine }) => [resourceId(device.ref), machine.options.naturalW]),
    )
    return { call, naturalW, readings }
  } finally {
    await world.stop()
  }
}

function plug(world: World, { ref }: YearDevice, { options, isHeard }: YearMachine): void {
  const id = resourceId(ref)
  world.driver.plug(id, options)
  if (!isHeard) world.driver.cut(id)
}

/** What the law has in store for it, when it is too late to count on another. */
function meet(world: World, { ref }: YearDevice, { isHeard, fate }: YearMachine): void {
  const id = resourceId(ref)
  if (isHeard && fate === 'silent') world.driver.hush(id)
  if (isHeard && fate === 'line-lost') world.driver.cut(id)
}

/** Registers of a car's last evenings, at the boundaries of the settlement periods. */
function habitsOn(start: Instant) {
  const boundaries = [
    ...settlementPeriodStarts(
      { start, end: addSeconds(start, WINDOW_SECONDS) },
      PROGRAM.settlementPeriodSeconds,
    ),
    addSeconds(start, WINDOW_SECONDS),
  ]
  return ({
    device,
    machine,
  }: {
    readonly device: YearDevice
    readonly machine: YearMachine
  }): DeviceReading[] => {
    if (device.kind !== 'charger' || machine.options.session === undefined) return []
    return Array.from({ length: HABIT_DAYS }, (_, i) => i + 1).flatMap((back) =>
      boundaries.map((at): DeviceReading => {
        const wh = Math.round((device.powerW * (at - start)) / 3_600_000)
        return {
          resourceId: resourceId(device.ref),
          at: addSeconds(at, -back * DAY_SECONDS),
          powerW: device.powerW,
          registerWh: HABIT_REGISTER_WH - back * 12_000 + wh,
          socBp: null,
        }
      }),
    )
  }
}

async function request(world: World, key: string, start: Instant, powerW: number): Promise<CallId> {
  const window = { start, end: addSeconds(start, WINDOW_SECONDS) }
  const starts = settlementPeriodStarts(window, PROGRAM.settlementPeriodSeconds)
  const { call } = await requestFlexibility(world.ports(), DSO, key, {
    congestionPointId: FEEDER,
    direction: 'reduce-import',
    window,
    periods: starts.map((at) => ({ start: at, powerW })),
    priceCap: PROGRAM.priceCapMax,
    penalty: { kind: 'none' },
  })
  return call.id
}

/** Whatever is offered is ordered; where nothing is, there is nothing to sign. */
async function accept(world: World, id: CallId): Promise<void> {
  const { escrow } = await read(world, id)
  if (escrow === null) return
  const { terms } = escrow
  const signature = simulatedSignature(terms.payer, terms)
  const validBefore = terms.deliverStart / 1_000
  await acceptOffer(world.ports(), DSO, id, { validAfter: 0, validBefore, signature })
}

/** Measured, verified, settled and paid, step by step. */
async function toItsEnd(world: World, id: CallId): Promise<FlexibilityCall> {
  const verifiers = yearVerifiers(world)
  for (;;) {
    const call = await read(world, id)
    if (TERMINAL.has(call.state)) return call
    if (world.clock.now() > addSeconds(deliveryEnd(call), PATIENCE_SECONDS)) {
      throw new Error(`${id} is still ${call.state}, ${PATIENCE_SECONDS} s after its window`)
    }
    await world.passTo(addSeconds(world.clock.now(), PROGRAM.meteringIntervalSeconds))
    await verifiers.look()
  }
}

function read(world: World, id: CallId): Promise<FlexibilityCall> {
  return world.store.transaction((tx) => tx.calls.lock(id))
}
