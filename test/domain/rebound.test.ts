import { describe, expect, test } from 'vitest'
import { callId, resourceId } from '#domain/ids.ts'
import { planRebound } from '#domain/rebound.ts'
import { reboundPeriods, restartSteps, stepsInOrder } from '#domain/rebound/rebound-periods.ts'
import { restartOrder, secondsAlone } from '#domain/rebound/restart-order.ts'
import { addSeconds } from '#domain/time.ts'
import { replay } from '#commands/bench/rebound-optimum.ts'
import { aRecovery, periodsWith, WINDOW_END } from '../support/rebound.ts'

const hour = (count: number) => addSeconds(WINDOW_END, count * 3600)

describe('the plan of a rebound', () => {
  test('lets everybody go at once where nobody said how much room there is', () => {
    const plan = planRebound([aRecovery('a'), aRecovery('b')], periodsWith([null, null]))
    const takes = [{ start: WINDOW_END, end: hour(1), powerW: 7000 }]
    expect(plan.restarts).toEqual([
      { resourceId: 'a', parts: [], restartsAt: WINDOW_END, takes },
      { resourceId: 'b', parts: [], restartsAt: WINDOW_END, takes },
    ])
    expect(plan.periods.map(({ powerW }) => powerW)).toEqual([14_000])
  })

  test('brings back one after the other where there is room for one, in their order', () => {
    const devices = [aRecovery('a'), aRecovery('b'), aRecovery('c')]
    const periods = periodsWith([7000, 7000, 7000, 7000])
    const plan = planRebound(devices, periods)
    expect(plan.restarts.map(({ restartsAt }) => restartsAt)).toEqual([0, 1, 2].map(hour))
    expect(plan.restarts[2]?.parts).toEqual([{ start: WINDOW_END, end: hour(2), limitW: 0 }])
    expect(plan).toMatchObject({ overshootW: 0, unreadyWh: 0, leftWh: 0 })
    expect(replay({ recoveries: devices, periods }, plan).sums).toEqual([7000, 7000, 7000, 0])
  })

  test('holds nobody lower than in the window while there is room for that', () => {
    const devices = [aRecovery('a', { heldW: 3000 }), aRecovery('b', { heldW: 3000 })]
    const plan = planRebound(devices, periodsWith([6000, 20_000]))
    expect(plan.restarts.map(({ parts }) => parts[0]?.limitW)).toEqual([3000, 3000])
  })

  test('has a car ready that leaves soon, before its turn and before those that came first', () => {
    const late = aRecovery('z', { neededWh: 7000, readyBy: hour(1), restartFrom: hour(1) })
    const plan = planRebound([aRecovery('a'), late], periodsWith([7000, 7000, 7000]))
    expect(plan.restarts.map(({ restartsAt }) => restartsAt)).toEqual([hour(1), WINDOW_END])
    expect(plan.overshootW).toBe(0)
  })

  test('passes the room for a car that would not be ready, by what that takes and no more', () => {
    const needs = { neededWh: 7000, readyBy: hour(1) }
    const plan = planRebound(
      [aRecovery('a', needs), aRecovery('b')],
      periodsWith([5000, 9000, 9000]),
    )
    expect(plan.overshootW).toBe(2000)
    expect(plan.periods[0]?.powerW).toBe(7000)
  })

  test('says what a car lacks that leaves before it can be full', () => {
    const needs = { energyWh: 9000, neededWh: 9000, readyBy: hour(1) }
    const plan = planRebound([aRecovery('a', needs)], periodsWith([20_000, 20_000]))
    expect(plan.unreadyWh).toBe(2000)
    expect(plan.restarts[0]?.restartsAt).toBe(WINDOW_END)
  })

  test('gives a charger that cannot pause its least, room or not', () => {
    const stubborn = aRecovery('a', { floorW: 1380, minimumW: 1380 })
    const plan = planRebound([stubborn], periodsWith([0, 7000]))
    expect(plan.restarts[0]?.parts).toEqual([{ start: WINDOW_END, end: hour(1), limitW: 1380 }])
    expect(plan.overshootW).toBe(1380)
  })

  test('holds a charger at nothing between 0 and its least', () => {
    const devices = [aRecovery('a'), aRecovery('b', { minimumW: 1380 })]
    const plan = planRebound(devices, periodsWith([8000, 20_000]))
    expect(plan.restarts[1]?.parts[0]?.limitW).toBe(0)
  })

  test('lets a battery go where there is room until it is done, and at the latest in its time', () => {
    const battery = aRecovery('b', { powerMaxW: 5000, energyWh: 10_000, freeBy: hour(3) })
    const room = planRebound([battery], periodsWith([5000, 4000, 5000, 5000]))
    expect(room.restarts[0]?.restartsAt).toBe(hour(2))
    expect(room.overshootW).toBe(0)
    const none = planRebound([battery], periodsWith([1000, 1000, 1000, 1000]))
    expect(none.restarts[0]?.restartsAt).toBe(hour(3))
    expect(none.overshootW).toBe(4000)
  })
})

describe('the steps of a restart', () => {
  test('are whole control cycles, ten at the most', () => {
    expect(restartSteps(600, 30)).toEqual({ count: 10, seconds: 60 })
    expect(restartSteps(100, 30)).toEqual({ count: 3, seconds: 30 })
    expect(restartSteps(0, 30)).toEqual({ count: 1, seconds: 30 })
  })

  test('bring back about the same power each', () => {
    expect(stepsInOrder([1000, 1000, 2000, 4000], 4)).toEqual([0, 0, 1, 2])
    expect(stepsInOrder([0, 0], 4)).toEqual([0, 0])
  })

  test('come in an order that the call decides, and everybody comes to be the first', () => {
    const ids = ['a', 'b', 'c', 'd'].map(resourceId)
    const firsts = Array.from({ length: 60 }, (_, k) => restartOrder(callId(`call-${k}`), ids)[0])
    expect(new Set(firsts)).toEqual(new Set(ids))
    const again = restartOrder(callId('call-1'), [...ids].reverse())
    expect(again).toEqual(restartOrder(callId('call-1'), ids))
  })

  test('are spread over devices that nobody is left to tell', () => {
    const steps = { count: 10, seconds: 60 }
    const alone = Array.from({ length: 200 }, (_, k) =>
      secondsAlone(callId('call'), resourceId(`r${k}`), steps),
    )
    expect([Math.min(...alone), Math.max(...alone)]).toEqual([60, 600])
    expect(new Set(alone).size).toBe(10)
  })
})

describe('the periods after a window', () => {
  test('begin with the steps, go on with settlement periods, and are split where a car leaves', () => {
    const from = addSeconds(WINDOW_END, 10)
    const periods = reboundPeriods(from, {
      steps: { count: 2, seconds: 60 },
      periodSeconds: 900,
      departures: [addSeconds(WINDOW_END, 1234)],
      roomOf: () => null,
    })
    const starts = periods.slice(0, 6).map(({ start }) => (start - WINDOW_END) / 1000)
    expect(starts).toEqual([10, 70, 130, 900, 1200, 1800])
    expect(periods.at(-1)?.end).toBe(addSeconds(from, 12 * 3600))
    periods.slice(1).forEach(({ start }, k) => expect(start).toBe(periods[k]?.end))
  })
})
