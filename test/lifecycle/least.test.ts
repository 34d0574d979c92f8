import { afterEach, expect, it } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import { recordCapability } from '#lifecycle/record-device.ts'
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
} from '../support/builders.ts'
import { plugBattery, plugCharger, runVerifiers } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const charger = aResource('charger', 'charger', 120_000n)
const battery = aResource('battery', 'battery', 200_000n)

let world: World
afterEach(() => world.stop())

/** A charger that is found not to pause, and then not to obey either; one battery in reserve. */
async function foundOutTwice() {
  world = createWorld({ start: at(-1200), ...aProgram() })
  await world.boot()
  await enrolAll(world, [charger, battery], aProgram())
  await plugCharger(world, charger, 5000, { disobeys: true })
  plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest([5000, 5000]))
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), call.id)
  await world.passTo(at(30))
  const [known] = await world.store.transaction((tx) => tx.resources.capabilities([charger.id]))
  if (known === undefined) throw new Error('nobody knows what the charger can do')
  await recordCapability(world.ports(), charger.id, { ...known.capability, pauses: false })
  return () => world.store.transaction((tx) => tx.calls.lock(call.id))
}

it('the battery that gives what lies below the minimum gives the rest, too, once the charger is let go', async () => {
  const call = await foundOutTwice()
  await world.passTo(at(600))
  const { repairs, allocations } = await call()
  expect(repairs.map(({ reason, replacedBy }) => [reason, ...replacedBy])).toEqual([
    ['cannot-pause', battery.id],
    ['not-obeying', battery.id],
  ])
  const part = allocations.filter(({ resourceId }) => resourceId === battery.id)
  expect(part).toHaveLength(1)
  const powers = part[0]?.periods.map(({ powerW, setpointW }) => [powerW, setpointW])
  expect(powers?.[0]).toEqual([1300, -1300])
  expect(powers?.slice(1)).toEqual([
    [4900, -4900],
    // And what was missed until then, with all that it has left.
    [5000, -5000],
    [5000, -5000],
  ])
})

it('and it is measured and paid for all of it', async () => {
  const call = await foundOutTwice()
  await world.passTo(at(2400))
  await runVerifiers(world)
  await world.passTo(at(2460))
  const { settlement, state } = await call()
  expect(state).toBe('verified')
  const lineOf = (id: string) => settlement?.lines.find(({ resourceId }) => resourceId === id)
  expect(lineOf(charger.id)).toMatchObject({ gross: 0n })
  const { deliveredWh = 0, gross = 0n } = lineOf(battery.id) ?? {}
  // 4.9 kW from the third minute on, less before.
  expect(deliveredWh).toBeGreaterThan(2200)
  // The minutes that were lost count against the whole call (the programme's payment curve).
  expect(gross).toBeGreaterThan(400_000n)
  expect(gross).toBeLessThanOrEqual(BigInt(deliveredWh) * 200n)
})
