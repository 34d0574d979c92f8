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

/** Puts all columns at what it is told, and remembers the program's size. */
const answering = (values: readonly number[]): Solver => ({
  solve: async ({ columns }) => columns.map((_, column) => values[column] ?? 0),
})

describe('planning an allocation', () => {
  test('does not hide a fault of its own behind the merit order', async () => {
    const odd = two.map((one) => ({ ...one, minW: 1_000 }))
    await expect(
      planAllocation(failing(new TypeError('no such thing')), odd, wanted, deadline),
    ).rejects.toThrow('no such thing')
  })

  test('goes by merit order where the solver passes its deadline, and says so', async () => {
    const odd = two.map((one) => ({ ...one, minW: 2_000 }))
    const planned = await planAllocation(late, odd, wanted, deadline)
    expect(planned).toEqual({
      powerW: [
        [0, 0],
        [5_000, 5_000],
      ],
      unservedWh: 500,
      method: 'merit-order',
      because:
        'merit order allocated, not the optimum: devices have a least power, and the solver passed its deadline',
    })
  })

  test('needs no solver where the greedy is exact', async () => {
    const planned = await planAllocation(late, two, wanted, deadline)
    expect(planned).toEqual({
      powerW: [
        [1_000, 1_000],
        [5_000, 5_000],
      ],
      unservedWh: 0,
      method: 'greedy',
      because: 'the exact greedy allocated: every limit holds for the whole window',
    })
  })

  test.each([
    ['minW', { minW: 500 }, 'devices have a least power'],
    ['stopW', { stopW: [5_500, 5_500] }, 'devices have a least power'],
    [
      'a least time on',
      { minW: 500, minOnPeriods: 2 },
      'devices have a least time to stay on, devices have a least power',
    ],
    ['all or nothing', { allOrNothing: true }, 'devices give all or nothing'],
    ['an early end', { maxW: [5_000, 0] }, 'limits of devices change within the window'],
  ])('asks the solver for %s', async (_what, odd: Partial<Limits>, why) => {
    const devices = two.map((one) => ({ ...one, ...odd }))
    const planned = await planAllocation(answering([]), devices, wanted, deadline)
    expect(planned).toMatchObject({ method: 'solver', because: `the solver allocated: ${why}` })
  })

  test('asks the solver for periods of unequal length, in kW, and rounds to what is still open', async () => {
    const uneven = { ...wanted, hours: [0.25, 0.5] }
    const planned = await planAllocation(answering([1.2345, 0, 4.7]), two, uneven, deadline)
    expect(planned.because).toBe('the solver allocated: periods are not equally long')
    expect(planned.powerW).toEqual([
      [1_300, 0],
      [4_700, 0],
    ])
  })
})
