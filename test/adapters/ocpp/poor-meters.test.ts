/** Meters that tell little, late or under a wrong clock: used where it can be judged, else left out. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addSeconds, formatInstant } from '#domain/time.ts'
import { join16, meterValue16, plugIn16 } from './station16.ts'
import { event2x, join2x } from './station2x.ts'
import type { WireStation } from './wire-station.ts'
import { START, startWorld, until, type World } from './world.ts'

let world: World

beforeEach(async () => {
  world = await startWorld()
})

afterEach(async () => {
  await world.stop()
})

const HOUR_MS = 3_600_000

/** At `seconds` of the true time; the stamp is what the station's clock shows. */
async function meter(station: WireStation, seconds: number, value: object): Promise<void> {
  world.clock.set(addSeconds(START, seconds))
  await station.call('MeterValues', { connectorId: 1, meterValue: [value] })
}

const told = () =>
  world.heard.readings.map(({ at, powerW, registerWh }) => [at, powerW, registerWh])

describe('a clock that is off', () => {
  test('is not believed by one message, and the station is made to ask for the time', async () => {
    const station = await join16(world, {
      TriggerMessage: ({ requestedMessage }: { requestedMessage: string }) => ({
        status: requestedMessage === 'Heartbeat' ? 'Accepted' : 'NotImplemented',
      }),
    })
    await meter(station, 0, meterValue16(START + HOUR_MS, '7000', '100'))
    expect(told()).toEqual([])
    const asked = () =>
      station.callsOf('TriggerMessage').filter((one) => one['requestedMessage'] === 'Heartbeat')
    await until('the question', () => asked().length === 1)
    await meter(station, 30, meterValue16(START + 30_000, '7000', '158'))
    expect(told()).toEqual([[START + 30_000, 7_000, 158]])
    expect(asked()).toHaveLength(1)
  })

  test('further ahead than any time zone is nonsense, however often it is said', async () => {
    const station = await join16(world)
    for (const seconds of [0, 30, 60]) {
      const at = START + seconds * 1000 + 30 * HOUR_MS
      await meter(station, seconds, meterValue16(at, '1', '1'))
    }
    expect(told()).toEqual([])
  })

  test('an hour ahead is set right to the second, until it is right by itself', async () => {
    const station = await join16(world)
    for (const seconds of [0, 30, 61]) {
      const at = START + Math.floor(seconds / 30) * 30_000 + HOUR_MS
      await meter(station, seconds, meterValue16(at, '6000', String(100 + seconds)))
    }
    await meter(station, 90, meterValue16(START + 90_000, '6000', '200'))
    expect(told().map(([at]) => at)).toEqual([START + 30_000, START + 60_000, START + 90_000])
  })

  test('one that shows 1970 counts from the time of receipt, and that is said', async () => {
    const station = await join16(world)
    for (const seconds of [0, 30, 60]) {
      await meter(station, seconds, meterValue16(9_000 + seconds * 1000, '6000', '100'))
    }
    expect(told().map(([at]) => at)).toEqual([START + 30_000, START + 60_000])
    const before = world.heard.connected.length
    await station.call('BootNotification', { chargePointVendor: 'Wire', chargePointModel: 'One' })
    await until('the next set-up', () => world.heard.connected.length > before)
    expect(world.heard.connected.at(-1)?.detail).toMatch(/its clock was never set/)
  })

  test('a message that waited for an hour is no wrong clock', async () => {
    const station = await join16(world)
    await meter(station, 3_600, meterValue16(START, '6000', '100'))
    await meter(station, 3_630, meterValue16(START + 30_000, '6000', '150'))
    expect(told().map(([at]) => at)).toEqual([START, START + 30_000])
  })
})

describe('a meter that tells its register only', () => {
  const register = (seconds: number, wh: number) => ({
    timestamp: formatInstant(addSeconds(START, seconds)),
    sampledValue: [{ value: String(wh), context: 'Sample.Clock' }],
  })

  test('has no power where nothing came before, long before, or the register fell', async () => {
    const station = await join16(world)
    await meter(station, 0, register(0, 1_000))
    await meter(station, 901, register(901, 2_000))
    await meter(station, 930, register(930, 10))
    expect(told().map(([, powerW]) => powerW)).toEqual([null, null, null])
  })

  test('has the mean power since the value before, also where two come in the wrong order', async () => {
    const station = await join16(world)
    await meter(station, 0, register(0, 1_000))
    await meter(station, 30, register(30, 1_058))
    await meter(station, 90, register(90, 1_175))
    await meter(station, 90, register(60, 1_117))
    expect(told().map(([, powerW]) => powerW)).toEqual([null, 6_960, 7_020, null])
  })
})

describe('a meter with a rhythm of its own', () => {
  test('is passed over while values on the clock’s raster come, and taken once none does', async () => {
    const station = await join16(world)
    const sample = (seconds: number) =>
      meterValue16(addSeconds(START, seconds), '7000', String(seconds), 'Sample.Periodic')
    await meter(station, 7, sample(7))
    await meter(station, 30, meterValue16(addSeconds(START, 30), '7000', '30'))
    await meter(station, 67, sample(67))
    await meter(station, 89, sample(89))
    expect(told().map(([, , wh]) => wh)).toEqual([30])
    await meter(station, 97, sample(97))
    expect(told().map(([, , wh]) => wh)).toEqual([30, 97])
  })
})

describe('the register at which a car began', () => {
  const metered = (seconds: number, value: number) => ({
    meterValue: [
      {
        timestamp: formatInstant(addSeconds(START, seconds)),
        sampledValue: [{ value, context: 'Sample.Periodic' }],
      },
    ],
  })

  test.each(['ocpp2.0.1', 'ocpp2.1'] as const)(
    'is the first that was metered where a %s station does not tell it at the start',
    async (version) => {
      const station = await join2x(world, version)
      await event2x(station, 'Started', START)
      expect(world.heard.sessions.at(-1)).toMatchObject({ startRegisterWh: null })
      await event2x(station, 'Updated', START + 20_000, metered(20, 5_040))
      await event2x(station, 'Updated', START + 40_000, metered(40, 5_080))
      expect(world.heard.sessions.at(-1)).toMatchObject({ startRegisterWh: 5_040 })
    },
  )

  test('is the one of the start, whenever that is told', async () => {
    const station = await join16(world)
    const transactionId = Math.floor((START - Date.UTC(2020, 0, 1)) / 1000)
    const meterValue = [meterValue16(START + 30_000, '7000', '1100')]
    await station.call('MeterValues', { connectorId: 1, transactionId, meterValue })
    expect(world.heard.sessions.at(-1)).toMatchObject({ startRegisterWh: 1_100 })
    await plugIn16(station)
    expect(world.heard.sessions.at(-1)).toMatchObject({ startRegisterWh: 1_000 })
  })
})
