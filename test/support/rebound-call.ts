import type { SimulatedDeviceOptions } from '#adapters/simulated/device.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { addSeconds } from '#domain/time.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  WINDOW_START,
} from './builders.ts'
import { plugBattery, plugCharger } from './simulated-call.ts'

export const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
/** Seconds from the window's start to its end. */
export const END = 1800
export const chargers = ['a', 'b', 'c'].map((name) => aResource(name, 'charger', 120_000n))
const battery = aResource('battery', 'battery', 130_000n)
const all = [...chargers, battery]
const program = aProgram({ restartSeconds: 240 })

export type ReboundWorld = {
  readonly world: World
  call(): Promise<FlexibilityCall>
  /** The newest setpoints of all devices. */
  rows(): ReturnType<typeof currentRows>
  heldNow(): Promise<number>
}

/** Three chargers of 7 kW and a battery give 25 kW until shortly before the window's end. */
export async function untilTheEnd(
  changes: Partial<SimulatedDeviceOptions> = {},
): Promise<ReboundWorld> {
  const world = createWorld({ start: at(-1200), ...program })
  await world.boot()
  await enrolAll(world, all, program)
  for (const charger of chargers) await plugCharger(world, charger, 7000, changes)
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest([25_000, 25_000]))
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), call.id)
  await world.passTo(at(END - 30))
  return {
    world,
    call: () => world.store.transaction((tx) => tx.calls.lock(call.id)),
    rows: () => currentRows(world),
    heldNow: async () => (await currentRows(world)).filter(({ powerW }) => powerW !== null).length,
  }
}

function currentRows(world: World) {
  return world.store.transaction((tx) => tx.setpoints.current(all.map(({ id }) => id)))
}
