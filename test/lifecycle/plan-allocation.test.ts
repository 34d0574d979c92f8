import { describe, expect, test } from 'vitest'
import type { Limits } from '#domain/allocation/limits.ts'
import { DomainError } from '#domain/errors.ts'
import { planAllocation } from '#lifecycle/plan-allocation.ts'
import type { Solver } from '#ports.ts'

const wanted = { powerW: [6_000, 6_000], hours: [0.25, 0.25] }
const battery = (id: string, price: number): Limits => {
  return { id, price, maxW: [5_000, 5_000], energyWh: 9_000 }
}
const two = [battery('a', 200_000), battery('b', 100_000)]
const deadline = { deadlineMs: 5_000 }

const failing = (error: Error): Solver => ({ solve: () => Promise.reject(error) })
const late = failing(new DomainError('unavailable', 'HiGHS: no answer within 5000 ms'))

/** Puts the first columns at what it is told, and all others at 0. */
const answering = (
  values: readonly number[],
  how: { readonly isOptimal: boolean; readonly isLate?: boolean } = { isOptimal: true },
): Solver => ({
  solve: async ({ columns }) => {
    const found = columns.map((_, column) => values[column] ?? 0)
    return { values: found, costMin: 0, ...how }
  },
})

/** The cheap one stands still below 2 kW, so that merit order leaves 1 kW to nobody. */
const odd = [
  { ...battery('a', 200_000), minW: 2_000 },
  { ...battery('b', 100_000), minW: 2_000 },
]

describe('planning an allocation', () => {
  test('does not hide a fault of its own behind the merit order', async () => {
    await expect(
      planAllocation(failing(new TypeError('no such thing')), odd, wanted, deadline),
    ).rejects.toThrow('no such thing')
  })

  test('goes by merit order where the solver passes its deadline, and says so', async () => {
    expect(await planAllocation(late, odd, wanted, deadline)).toEqual({
      powerW: [
        [0, 0],
        [5_000, 5_000],
      ],
      unservedWh: 500,
      method: 'merit-order-late',
      because:
        'merit order allocated, perhaps not at the least cost: devices have a least power, and the solver had no better answer in time',
    })
  })

  test('says that the solver has perhaps not found the least cost where its work ran out', async () => {
    const found = answering([2, 1, 2, 1, 4, 1, 4, 1], { isOptimal: false })
    const planned = await planAllocation(found, odd, wanted, deadline)
    expect(planned.method).toBe('solver-stopped')
    expect(planned.because).toBe(
      'the solver allocated, perhaps not at the least cost: devices have a least power, and it has done all the work that it may',
    )
  })

  test('takes what the solver had found by its deadline where it costs less, and says so', async () => {
    const late = { isOptimal: false, isLate: true }
    const found = answering([2, 1, 2, 1, 4, 1, 4, 1], late)
    const planned = await planAllocation(found, odd, wanted, deadline)
    expect(planned).toMatchObject({ method: 'solver-stopped', unservedWh: 0 })
    expect(planned.because).toBe(
      'the solver allocated, perhaps not at the least cost: devices have a least power, and its time was over before it was done',
    )
    const nothing = await planAllocation(answering([], late), odd, wanted, deadline)
    expect(nothing).toMatchObject({ method: 'merit-order-late', unservedWh: 500 })
  })

  test.each([
    ['more energy than there is', { energyWh: 500 }, [3, 1, 3, 1, 3, 1, 3, 1]],
    ['less time on than there must be', { minOnPeriods: 2 }, [3, 1, 0, 0, 3, 1, 3, 1]],
    ['more than is asked', {}, [3, 1, 3, 1, 4, 1, 4, 1]],
  ])('takes nothing of a solver that gives %s', async (_what, limits, values) => {
    const devices = odd.map((one) => ({ ...one, ...limits }))
    const planned = await planAllocation(answering(values), devices, wanted, deadline)
    expect(planned.method).toBe('merit-order')
  })

  test('lets the solver begin from merit order', async () => {
    const begun: (ArrayLike<number> | undefined)[] = []
    const asking: Solver = {
      solve: async ({ columns, start }) => {
        begun.push(start)
        return { values: columns.map(() => 0), isOptimal: true, costMin: 0 }
      },
    }
    await planAllocation(asking, odd, wanted, deadline)
    // Per period: power and switch of a, of b; then what is short, in kW.
    expect(begun).toEqual([Float64Array.of(0, 0, 0, 0, 5, 1, 5, 1, 1, 1)])
  })

  test('does not ask the solver for less than a thousandth of the cost', async () => {
    const ten = Array.from({ length: 10 }, (_, i) => battery(`a${i}`, 100_000))
    const most = { powerW: [53_900, 53_900], hours: [0.25, 0.25] }
    // 3,900 W are left: too few for the next one, and the one after it is a little dearer.
    const stubborn = { ...battery('b', 100_001), minW: 5_000 }
    const devices = [...ten, stubborn, battery('c', 101_000)]
    expect(await planAllocation(late, devices, most, deadline)).toMatchObject({
      unservedWh: 0,
      method: 'merit-order-near',
      because:
        'merit order allocated: devices have a least power, but nothing within the limits costs 0.1 % less',
    })
    const dearer = [...ten, stubborn, battery('c', 102_000)]
    expect(await planAllocation(late, dearer, most, deadline)).toMatchObject({
      method: 'merit-order-late',
    })
  })

  test('does not count what nobody can serve as cost when it tells what is near', async () => {
    // 75 of 90 kW are beyond all three; for 6 kW merit order pays 7 % more than need be.
    const three: Limits[] = [
      { ...battery('a', 100_000), energyWh: 90_000 },
      { ...battery('b', 110_000), energyWh: 90_000, minW: 3_000 },
      { ...battery('c', 400_000), energyWh: 90_000 },
    ]
    const peak = { powerW: [90_000, 6_000], hours: [1, 1] }
    const planned = await planAllocation(late, three, peak, deadline)
    expect(planned).toMatchObject({ unservedWh: 75_000, method: 'merit-order-late' })
  })

  test('needs neither solver nor greedy where merit order is the optimum', async () => {
    const cheapest = {
      powerW: [
        [1_000, 1_000],
        [5_000, 5_000],
      ],
      unservedWh: 0,
      method: 'merit-order',
      because: 'merit order allocated: nothing within the limits costs less',
    }
    expect(await planAllocation(late, two, wanted, deadline)).toEqual(cheapest)
    const stopping = two.map((one) => ({ ...one, stopW: [5_100, 5_100] }))
    expect(await planAllocation(late, stopping, wanted, deadline)).toMatchObject({
      powerW: [
        [900, 900],
        [5_100, 5_100],
      ],
      method: 'merit-order',
    })
  })

  test('asks the greedy for the peak that the cheap battery must be kept for', async () => {
    const cheap = { ...battery('a', 100_000), energyWh: 1_000 }
    const peak = { powerW: [2_000, 8_000], hours: [0.25, 0.25] }
    const planned = await planAllocation(late, [cheap, battery('b', 200_000)], peak, deadline)
    expect(planned).toMatchObject({
      powerW: [
        [0, 4_000],
        [2_000, 4_000],
      ],
      unservedWh: 0,
      method: 'greedy',
    })
    expect(planned.because).toBe(
      'the exact greedy allocated: every limit holds for the whole window',
    )
  })

  test.each([
    ['a least power', { minW: 2_000 }, 'devices have a least power'],
    ['a stop', { maxW: [900, 900], stopW: [7_000, 7_000] }, 'devices have a least power'],
    [
      'a least time on',
      { minW: 2_000, minOnPeriods: 2 },
      'devices have a least time to stay on, devices have a least power',
    ],
    ['all or nothing', { allOrNothing: true }, 'devices give all or nothing'],
    ['an early end', { maxW: [5_000, 0] }, 'limits of devices change within the window'],
  ])('asks the solver for %s', async (_what, limits: Partial<Limits>, why) => {
    const devices = two.map((one) => ({ ...one, ...limits }))
    const planned = await planAllocation(late, devices, wanted, deadline)
    expect(planned.method).toBe('merit-order-late')
    expect(planned.because).toContain(`${why}, and the solver had no better answer in time`)
  })

  test('names merit order where what the solver says costs more', async () => {
    const planned = await planAllocation(answering([]), odd, wanted, deadline)
    const because = 'merit order allocated: in whole steps nothing that was found costs less'
    expect(planned).toMatchObject({ unservedWh: 500, method: 'merit-order', because })
  })

  test('does not ask the solver for a call that is too large for it, and says so', async () => {
    const many = Array.from({ length: 10_001 }, (_, i) => ({ ...odd[0]!, id: `battery ${i}` }))
    const planned = await planAllocation(failing(new Error('asked')), many, wanted, deadline)
    expect(planned.method).toBe('merit-order-late')
    expect(planned.because).toMatch(/and the call is too large for the solver$/)
  })

  test('takes what the solver says, in kW, where it is better, in whole steps', async () => {
    const cheap = { ...battery('a', 100_000), energyWh: 2_000 }
    const uneven = { powerW: [2_000, 9_000], hours: [0.25, 0.5] }
    const two = [cheap, battery('b', 200_000)]
    const better = await planAllocation(answering([0, 4, 2, 5]), two, uneven, deadline)
    expect(better.because).toBe('the solver allocated: periods are not equally long')
    expect(better).toMatchObject({ method: 'solver', unservedWh: 0 })
    expect(better.powerW).toEqual([
      [0, 4_000],
      [2_000, 5_000],
    ])
  })

  test('counts on no energy that whole steps cannot use: nothing is lost by rounding', async () => {
    // 1,030 Wh are 2,060 W in half an hour, or 2,000 W in steps.
    const cheap = { ...battery('a', 100_000), maxW: [5_000], energyWh: 1_030 }
    const other = { ...battery('b', 200_000), maxW: [5_000], minW: 500 }
    const half = { powerW: [3_000], hours: [0.5] }
    const planned = await planAllocation(
      failing(new Error('asked')),
      [cheap, other],
      half,
      deadline,
    )
    expect(planned).toMatchObject({ method: 'merit-order', powerW: [[2_000], [1_000]] })
  })
})
