import { afterEach, describe, expect, it } from 'vitest'
import { organisationId } from '#domain/ids.ts'
import { addSeconds } from '#domain/time.ts'
import { emergencyStop } from '#lifecycle/emergency-stop.ts'
import { requestFlexibility } from '#lifecycle/request-flexibility.ts'
import { createWorld, type World } from '#simulations/world.ts'
import {
  acceptAsDso,
  aProgram,
  aRequest,
  aResource,
  dso,
  enrolAll,
  north,
  WINDOW_START,
} from '../support/builders.ts'
import { plugBattery } from '../support/simulated-call.ts'

const at = (seconds: number) => addSeconds(WINDOW_START, seconds)
const fleet = ['b1', 'b2', 'b3', 'b4'].map((id) => aResource(id, 'battery', 200_000n))
const program = aProgram({ stepLimit: { stepMaxW: 6000, rampMaxWPerMinute: 8000 } })

let world: World
afterEach(() => world.stop())

async function dispatched(terms = program): Promise<void> {
  world = createWorld({ start: at(-1200), ...terms })
  await world.boot()
  await enrolAll(world, fleet, terms)
  for (const battery of fleet) plugBattery(world, battery)
  await world.ports().wakeUps.notify('resources')
  await world.passTo(at(-600))
  const { call } = await requestFlexibility(world.ports(), dso, 'key', aRequest([20_000]))
  await world.passTo(at(-240))
  await acceptAsDso(world.ports(), call.id)
  await world.passTo(at(0))
}

const led = () =>
  fleet.filter(({ id }) => world.driver.device(id).effective(world.clock.now()).kind === 'limited')
    .length

describe('a step limit of a congestion point', () => {
  it('moves its devices one after the other, as the ramp makes room', async () => {
    await dispatched()
    const counts = [led()]
    for (const seconds of [30, 60, 90, 120]) {
      await world.passTo(at(seconds))
      counts.push(led())
    }
    // 5 kW each, within 6 kW at once and 4 kW in each control cycle after it.
    expect(counts).toEqual([1, 2, 2, 3, 4])
  })

  it('brings a device that changes by more than a step there in several', async () => {
    await dispatched(aProgram({ stepLimit: { stepMaxW: 3000, rampMaxWPerMinute: 4000 } }))
    const told = async () => {
      const rows = await world.store.transaction((tx) => tx.setpoints.current())
      return rows.map(({ powerW }) => powerW)
    }
    const found = [await told()]
    for (const seconds of [30, 60, 90, 120]) {
      await world.passTo(at(seconds))
      found.push(await told())
    }
    // 2 kW of room come with each control cycle: b1 goes on before b2 begins.
    expect(found).toEqual([[-3000], [-5000], [-5000], [-5000, -3000], [-5000, -5000]])
  })

  it('makes nobody wait who is let go', async () => {
    await dispatched()
    await world.passTo(at(120))
    const by = { organisationId: organisationId('operator'), role: 'operator' } as const
    await emergencyStop(world.ports(), by, { congestionPointId: north, reason: 'a line is down' })
    await world.settleDown()
    expect(led()).toBe(0)
  })
})
