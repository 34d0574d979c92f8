import { describe, expect, test } from 'vitest'
import { createHighsSolver } from '#adapters/highs/driver.ts'
import { modelOf } from '#adapters/highs/wire.ts'
import { allocationProgram, MICRO_EUR_PER_CENT } from '#domain/allocation/allocation-program.ts'
import { type Limits, type Plan, pricedCost, type Wanted } from '#domain/allocation/limits.ts'
import type { LinearProgram, Solution } from '#domain/allocation/linear-program.ts'
import { meritFill } from '#domain/allocation/merit-fill.ts'
import { DomainError } from '#domain/errors.ts'
import { planAllocation } from '#lifecycle/plan-allocation.ts'
import type { Solver } from '#ports.ts'
import { createWallTimer } from '#processes/wall-time.ts'

const solver = createHighsSolver(createWallTimer())
const GENEROUS_MS = 20_000

const small: LinearProgram = {
  columns: [
    { cost: 3, max: 4 },
    { cost: 1e-7, max: Number.POSITIVE_INFINITY },
    { cost: 2.5, max: 1, isBinary: true },
  ],
  rows: [
    {
      terms: [
        [0, 1],
        [1, -0.25],
        [2, 2],
      ],
      sense: '>=',
      bound: 3,
    },
    { terms: [[1, 1]], sense: '<=', bound: 2 },
    {
      terms: [
        [0, 1],
        [2, -1],
      ],
      sense: '=',
      bound: 0.5,
    },
  ],
}

/** Blocks that nobody can fit together exactly: the proof of the best takes for ever. */
const blocks: Limits[] = Array.from({ length: 40 }, (_, i) => ({
  id: `r${i}`,
  price: 50_000 + ((i * 7_919) % 1_009),
  maxW: Array.from({ length: 6 }, (_none, t) => 1_000 + ((i * 104_729 + t * 15_485_863) % 9_973)),
  energyWh: 99_999,
  allOrNothing: true,
}))
const sixHours: Wanted = { powerW: Array(6).fill(123_457), hours: Array(6).fill(1) }

/** With the first deadline by which it has found anything: how long that takes is the machine's. */
async function foundBy(endless: Solver, program: LinearProgram): Promise<Solution> {
  for (let deadlineMs = 400; ; deadlineMs *= 2) {
    try {
      return await endless.solve(program, deadlineMs)
    } catch (error) {
      if (!(error instanceof DomainError) || deadlineMs > GENEROUS_MS) throw error
    }
  }
}

describe('the arrays of a program', () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY])('hold numbers only: not %d', (cost) => {
    const columns = [{ cost, max: 1 }]
    expect(() => modelOf({ columns, rows: [] })).toThrow(`numbers only, got ${cost}`)
  })

  test('are row by row, with the binaries apart, and without a bound where there is none', () => {
    const none = Number.POSITIVE_INFINITY
    expect(modelOf(small)).toEqual({
      numCols: 3,
      numRows: 3,
      colCost: Float64Array.of(3, 1e-7, 2.5),
      colLower: Float64Array.of(0, 0, 0),
      colUpper: Float64Array.of(4, none, 1),
      rowLower: Float64Array.of(3, -none, 0.5),
      rowUpper: Float64Array.of(none, 2, 0.5),
      matrix: {
        format: 'csr',
        numRows: 3,
        numCols: 3,
        starts: Int32Array.of(0, 3, 4, 6),
        indices: Int32Array.of(0, 1, 2, 1, 0, 2),
        values: Float64Array.of(1, -0.25, 2, 1, 1, -1),
      },
      integrality: Int32Array.of(0, 0, 1),
    })
  })
})

describe('a cost that nothing avoids', () => {
  test('stands in no relative gap: it is taken off the objective', () => {
    expect(modelOf({ ...small, costUnavoidable: 6 }).offset).toBe(-6)
    expect(modelOf({ ...small, costUnavoidable: 0 })).not.toHaveProperty('offset')
  })

  test('stands in what no values cost less than', async () => {
    const once = await solver.solve(small, GENEROUS_MS)
    const other = await solver.solve({ ...small, costUnavoidable: 6 }, GENEROUS_MS)
    expect(other.costMin).toBeCloseTo(once.costMin, 6)
  })

  test.each([
    ['equal', [1, 1]],
    ['unequal', [1, 0.5]],
  ])(
    'hides no dearer plan behind a peak that nobody can serve, in periods of %s length',
    async (_what, hours) => {
      const device = { maxW: [5_000, 5_000], energyWh: 90_000 }
      const devices = [
        { ...device, id: 'a', price: 100_000 },
        { ...device, id: 'b', price: 110_000, minW: 3_000 },
        { ...device, id: 'c', price: 400_000 },
      ]
      const wanted = { powerW: [600_000, 6_000], hours }
      const planned = await planAllocation(solver, devices, wanted, { deadlineMs: GENEROUS_MS })
      expect(planned.powerW).toEqual([
        [5_000, 3_000],
        [5_000, 3_000],
        [5_000, 0],
      ])
      expect(planned).toMatchObject({ method: 'solver', unservedWh: 585_000 })
    },
  )
})

describe('HiGHS in its thread', { timeout: 60_000 }, () => {
  test('says unavailable for a program without a solution', async () => {
    const never = { ...small, rows: [{ terms: [[0, 1]], sense: '>=', bound: 5 }] } as LinearProgram
    await expect(solver.solve(never, GENEROUS_MS)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'HiGHS: infeasible',
    })
  })

  test('is ended at its deadline, in the middle of its work', async () => {
    const { program } = allocationProgram(blocks, sixHours)
    const begun = performance.now()
    await expect(solver.solve(program, 1)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'HiGHS: no answer within 1 ms',
    })
    expect(performance.now() - begun).toBeLessThan(GENEROUS_MS)
  })

  test('gives what it has found by its deadline, no dearer than the start, and says that it is late', async () => {
    const endless = createHighsSolver(createWallTimer(), Number.POSITIVE_INFINITY)
    const { from, plan } = allocationProgram(blocks, sixHours)
    const start = meritFill(blocks, sixHours)
    const { values, ...how } = await foundBy(endless, from(start))
    expect(how).toMatchObject({ isOptimal: false, isLate: true })
    const cost = (one: Plan) => pricedCost(blocks, sixHours, one)
    expect(cost(plan(values))).toBeLessThanOrEqual(cost(start) * (1 + 1e-9))
    expect(how.costMin * MICRO_EUR_PER_CENT).toBeLessThanOrEqual(cost(plan(values)))
  })

  test('solves a program with a binary, the same each time', async () => {
    const { values, isOptimal, costMin } = await solver.solve(small, GENEROUS_MS)
    expect(isOptimal).toBe(true)
    expect(Array.from(values)).toEqual([1.5, 0, 1].map((one) => expect.closeTo(one, 6)))
    expect(await solver.solve(small, GENEROUS_MS)).toEqual({ values, isOptimal, costMin })
  })

  test('stops where it has done all the work it may, always at the same, no dearer than the start', async () => {
    const hurried = createHighsSolver(createWallTimer(), 1e6)
    const { from, plan } = allocationProgram(blocks, sixHours)
    const start = meritFill(blocks, sixHours)
    const once = await hurried.solve(from(start), GENEROUS_MS)
    expect(once.isOptimal).toBe(false)
    expect(await hurried.solve(from(start), GENEROUS_MS)).toEqual(once)
    const cost = (one: Plan) => pricedCost(blocks, sixHours, one)
    expect(cost(plan(once.values))).toBeLessThanOrEqual(cost(start))
    expect(once.costMin * MICRO_EUR_PER_CENT).toBeLessThanOrEqual(cost(plan(once.values)))
    const planned = await planAllocation(hurried, blocks, sixHours, { deadlineMs: GENEROUS_MS })
    expect(planned.method).not.toBe('solver')
  })

  test('stops a charger where merit order would leave a call short: it holds 6 A or nothing', async () => {
    const battery = { id: 'battery', price: 100_000, maxW: [3_000, 3_000], energyWh: 9_000 }
    const charger = { maxW: [2_800, 2_800], stopW: [7_000, 7_000], energyWh: 9_000 }
    const devices = [battery, { ...charger, id: 'charger', price: 200_000 }]
    const wanted = { powerW: [7_000, 5_000], hours: [0.25, 0.25] }
    expect(meritFill(devices, wanted).unservedWh).toBe(300)
    expect(await planAllocation(solver, devices, wanted, { deadlineMs: GENEROUS_MS })).toEqual({
      powerW: [
        [0, 3_000],
        [7_000, 2_000],
      ],
      unservedWh: 0,
      method: 'solver',
      because: 'the solver allocated: devices have a least power',
    })
  })
})
