import { describe, expect, test } from 'vitest'
import { createHighsSolver } from '#adapters/highs/driver.ts'
import { lpText } from '#adapters/highs/wire.ts'
import { allocationProgram } from '#domain/allocation/allocation-program.ts'
import type { LinearProgram } from '#domain/allocation/linear-program.ts'
import { meritFill } from '#domain/allocation/merit-fill.ts'
import { planAllocation } from '#lifecycle/plan-allocation.ts'
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

describe('the text of a program', () => {
  test('holds no number that is none', () => {
    const columns = [{ cost: Number.NaN, max: 1 }]
    expect(() => lpText({ columns, rows: [] })).toThrow('numbers only, got NaN')
  })

  test('is CPLEX-LP, with every digit, the binaries apart, and bounds only where there are any', () => {
    expect(lpText(small)).toBe(
      [
        'Minimize',
        ' cost: + 3 x0 + 1e-7 x1 + 2.5 x2',
        'Subject To',
        ' r0: + 1 x0 - 0.25 x1 + 2 x2 >= 3',
        ' r1: + 1 x1 <= 2',
        ' r2: + 1 x0 - 1 x2 = 0.5',
        'Bounds',
        ' 0 <= x0 <= 4',
        'Binary',
        ' x2',
        'End',
        '',
      ].join('\n'),
    )
  })

  test('has lines of at most 200 characters', () => {
    const columns = Array.from({ length: 500 }, (_, i) => ({ cost: i / 3, max: 1 }))
    const terms = columns.map((_, column) => [column, 1 / 3] as const)
    const lines = lpText({ columns, rows: [{ terms, sense: '<=', bound: 9 }] }).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(200)
  })
})

describe('HiGHS in its thread', { timeout: 60_000 }, () => {
  test('says unavailable for a program without a solution', async () => {
    const never = { ...small, rows: [{ terms: [[0, 1]], sense: '>=', bound: 5 }] } as LinearProgram
    await expect(solver.solve(never, GENEROUS_MS)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'HiGHS: Infeasible',
    })
  })

  test('is ended at its deadline, in the middle of its work', async () => {
    const knapsack = allocationProgram(
      Array.from({ length: 60 }, (_, i) => ({
        id: `r${i}`,
        price: 50_000 + ((i * 7_919) % 1_009),
        maxW: [1_000 + ((i * 104_729) % 9_973)],
        energyWh: 99_999,
        allOrNothing: true,
      })),
      { powerW: [123_457], hours: [1] },
    ).program
    const begun = performance.now()
    await expect(solver.solve(knapsack, 1)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'HiGHS: no answer within 1 ms',
    })
    expect(performance.now() - begun).toBeLessThan(GENEROUS_MS)
  })

  test('solves a program with a binary, the same each time', async () => {
    const values = await solver.solve(small, GENEROUS_MS)
    expect(Array.from(values)).toEqual([1.5, 0, 1].map((one) => expect.closeTo(one, 6)))
    expect(await solver.solve(small, GENEROUS_MS)).toEqual(values)
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
