/** Limits that others set for a whole station with several places to charge. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { START, charger, startWorld, until, type World } from './world.ts'
import { event2x, join2x } from './station2x.ts'
import type { WireStation } from './wire-station.ts'

let world: World
let station: WireStation
const first = charger()
const second = charger({ connectorId: 2, password: 'd'.repeat(40) })

beforeEach(async () => {
  world = await startWorld({}, [first, second])
  station = await join2x(world, 'ocpp2.1')
})

afterEach(async () => {
  await world.stop()
})

const limit = (limitW: number, evseId?: number) =>
  station.call('NotifyChargingLimit', {
    ...(evseId === undefined ? {} : { evseId }),
    chargingLimit: { chargingLimitSource: 'SO' },
    chargingSchedule: [
      { id: 1, chargingRateUnit: 'W', chargingSchedulePeriod: [{ startPeriod: 0, limit: limitW }] },
    ],
  })

/** What stands of each place, as it was told last. */
function stands(): (number | null | undefined)[] {
  return [first, second].map(
    ({ id }) => world.heard.limits.findLast((one) => one.id === id)?.limitW,
  )
}

const began = (evseId: number, id: string) =>
  event2x(station, 'Started', START, {
    evse: { id: evseId, connectorId: 1 },
    transactionInfo: { transactionId: id },
  })

test('of a place that is none of ours nothing is told', async () => {
  await limit(5_000, 7)
  expect(world.heard.limits).toEqual([])
})

test('a limit of the station holds once: the places that charge share it', async () => {
  await began(1, 'tx-1')
  await began(2, 'tx-2')
  await limit(8_000)
  expect(stands()).toEqual([4_000, 4_000])
})

test('whoever charges alone has all of it, until the next car comes, and after it has left', async () => {
  await limit(8_000)
  await began(1, 'tx-1')
  expect(stands()).toEqual([8_000, 8_000])
  await began(2, 'tx-2')
  await until('the shares', () => stands()[0] === 4_000)
  expect(stands()).toEqual([4_000, 4_000])
  await event2x(station, 'Ended', START + 60_000, {
    evse: { id: 2, connectorId: 1 },
    transactionInfo: { transactionId: 'tx-2' },
  })
  await until('all of it', () => stands()[0] === 8_000)
})

test('what a place is limited to by itself counts where it is lower, and neither is told twice', async () => {
  await began(1, 'tx-1')
  await began(2, 'tx-2')
  await limit(8_000)
  await limit(8_000, 0)
  await limit(3_000, 1)
  expect(stands()).toEqual([3_000, 4_000])
  expect(world.heard.limits).toHaveLength(3)
  await station.call('ClearedChargingLimit', { chargingLimitSource: 'SO' })
  expect(stands()).toEqual([null, null])
})
