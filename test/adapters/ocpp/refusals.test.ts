import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addSeconds } from '#domain/time.ts'
import { join16, plugIn16 } from './station16.ts'
import { event2x, join2x } from './station2x.ts'
import { charger, setpoint, START, startWorld, type World } from './world.ts'

let world: World
const resource = charger()

beforeEach(async () => {
  world = await startWorld()
})

afterEach(async () => {
  await world.stop()
})

const rejected = { status: 'Rejected' }
/** Past the pace at which we write into a flash ourselves. */
const later = addSeconds(START, 30)
const order = () => world.driver.apply(resource.id, setpoint(resource), 2_000)

describe('a station that answers every form of a setpoint with Rejected has refused it', () => {
  test('on 1.6, which took its default', async () => {
    const station = await join16(world)
    await plugIn16(station)
    world.clock.set(later)
    station.answer('SetChargingProfile', rejected)
    const begun = performance.now()
    await expect(order()).rejects.toMatchObject({
      code: 'device-refused',
      message: expect.stringMatching(/answered SetChargingProfile with Rejected/),
    })
    expect(performance.now() - begun).toBeLessThan(1_000)
  })

  test('on 1.6, from its set-up on', async () => {
    const station = await join16(world, { SetChargingProfile: rejected })
    await plugIn16(station)
    await expect(order()).rejects.toMatchObject({ code: 'device-refused' })
  })

  test.each(['ocpp2.0.1', 'ocpp2.1'] as const)('on %s', async (version) => {
    const station = await join2x(world, version)
    await event2x(station, 'Started', START)
    world.clock.set(later)
    station.answer('SetChargingProfile', rejected)
    await expect(order()).rejects.toMatchObject({ code: 'device-refused' })
  })

  test('on 2.1 with a pace for what it keeps in flash', async () => {
    const model = {
      'SmartChargingCtrlr.UpdateRateLimit': '600',
      'SmartChargingCtrlr.SupportsFeature[DynamicProfiles]': 'true',
    }
    const station = await join2x(world, 'ocpp2.1', model)
    await event2x(station, 'Started', START)
    station.answer('SetChargingProfile', rejected)
    await expect(order()).rejects.toMatchObject({ code: 'device-refused' })
  })
})
