import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { microEurPerKwh } from '#domain/money.ts'
import { curvePolicy } from '#domain/payment-policies.ts'
import type { PaymentPolicy } from '#domain/payment-policy.ts'
import { type SettlementInput, settle } from '#domain/settlement.ts'
import {
  aCase,
  aRow,
  inputOf,
  type PayeeRow,
  type SettlementCase,
} from '../support/settlement-properties.ts'

/** Each delivered kWh of the order is paid in full. */
const FLAT: PaymentPolicy = curvePolicy([
  { deliveredBp: 0, payBp: 10_000 },
  { deliveredBp: 10_000, payBp: 10_000 },
])

/** 0.05 EUR for each kWh short, unless it matters. */
const inputFor = (rows: readonly PayeeRow[], changes: Partial<SettlementCase> = {}) =>
  inputOf({
    rows,
    policy: FLAT,
    feeBp: 0,
    penalty: 50_000,
    carriedWh: 0,
    isFinal: true,
    ...changes,
  })
const paid = (input: SettlementInput) => settle(input).lines.map(({ gross }) => gross)
const half = aRow({ delivered: [500] })

describe('a penalty per kWh', () => {
  it('is taken from who fell short, and who delivered its order is paid in full', () => {
    const settled = settle(inputFor([aRow(), half]))
    // 500 Wh at 0.10 EUR, less 500 Wh at 0.05 EUR.
    expect(settled.lines.map(({ gross }) => gross)).toEqual([100_000n, 25_000n])
    expect(settled).toMatchObject({ deficientWh: 500, penalty: 25_000n })
  })

  it('is shared by those who fell short, in proportion to it', () => {
    const rows = [aRow(), aRow({ delivered: [900] }), aRow({ delivered: [700] })]
    expect(paid(inputFor(rows))).toEqual([100_000n, 85_000n, 55_000n])
    // 300 Wh more from the first one: of 400 Wh short 100 are left, a quarter for each Wh.
    const policy = { ...FLAT, capBp: 13_000 }
    const [, ...others] = paid(
      inputFor([aRow({ delivered: [1300] }), ...rows.slice(1)], { policy }),
    )
    const free = inputFor([aRow({ delivered: [1300] }), ...rows.slice(1)], { policy, penalty: 0 })
    const [, second = 0n, third = 0n] = paid(free)
    expect(others).toEqual([second - 1250n, third - 3750n])
  })

  it('takes no more from anybody than it earned, and the rest from nobody', () => {
    const harsh = { penalty: 10 ** 9 }
    const { lines, penalty } = settle(inputFor([aRow(), half, aRow({ delivered: [0] })], harsh))
    expect(lines.map(({ gross, reason }) => [gross, reason])).toEqual([
      [100_000n, 'paid'],
      [0n, 'penalised'],
      [0n, 'nothing-delivered'],
    ])
    expect(penalty).toBe(50_000n)
  })

  it('counts what is short at the congestion point', () => {
    const rows = [aRow({ delivered: [900], effectBp: 20_000 }), aRow({ delivered: [800] })]
    const [first = 0n, second = 0n] = paid(inputFor(rows))
    const [one = 0n, other = 0n] = paid(inputFor(rows, { penalty: 0 }))
    // 200 Wh each at the point, of which 400 are short.
    expect([one - first, other - second]).toEqual([10_000n, 10_000n])
  })

  it('is taken in the settlement period in which somebody fell short of it', () => {
    const policy: PaymentPolicy = { ...FLAT, over: 'period' }
    const rows = [
      aRow({ ordered: [1000, 1000], delivered: [1000, 600] }),
      aRow({ ordered: [1000, 1000], delivered: [800, 1000] }),
    ]
    expect(paid(inputFor(rows, { policy }))).toEqual([140_000n, 170_000n])
  })

  it('of a policy is taken in the same way', () => {
    const price = microEurPerKwh(50_000n)
    const policy = { ...FLAT, penalty: { kind: 'per-kwh-deficient', price } }
    const changes = { policy: policy as PaymentPolicy, penalty: 0 }
    expect(paid(inputFor([aRow(), half], changes))).toEqual([100_000n, 25_000n])
  })

  it('falls on nobody where no device fell short of it, as of one that was let go of', () => {
    const input = inputFor([aRow(), aRow()])
    const orderedPeriods = input.orderedPeriods.map((one) => ({ ...one, orderedWh: 2400 }))
    expect(settle({ ...input, orderedPeriods })).toMatchObject({ deficientWh: 400, penalty: 0n })
    expect(paid({ ...input, orderedPeriods })).toEqual([100_000n, 100_000n])
    const before = { ...input, orderedPeriods, poolsPenalty: true } as const
    expect(paid(before)).toEqual([90_000n, 90_000n])
  })

  it('is borne by all by what each has earned where it is for a load above a firm level', () => {
    const price = microEurPerKwh(1000n)
    const aboveFirm = { kind: 'per-kwh-above-firm-level', price, firmLevelW: 0 } as const
    const changes = { policy: { ...FLAT, penalty: aboveFirm }, penalty: 70_000 }
    // 16,500 Wh at the meters, of which the second was 500 short: it has earned half of the first.
    const [first, second] = paid(inputFor([aRow(), half], changes))
    expect([first, second]).toEqual([100_000n - 10_667n, 50_000n - 35_500n - 5334n])
    // Nor do others feel that a part of it has not earned what it is short of alone.
    const parts = [
      aRow({ ordered: [10], delivered: [4], baseline: 4500 }),
      aRow({ ordered: [990], delivered: [496], baseline: 4500 }),
    ]
    const [alike, less] = paid(inputFor([aRow(), ...parts], changes))
    expect([alike, less]).toEqual([first, 0n])
  })

  it('comes off what all earned by terms of before', () => {
    const input = { ...inputFor([aRow(), half]), poolsPenalty: true } as const
    const settled = settle(input)
    expect(settled.lines.map(({ gross }) => gross)).toEqual([83_333n, 41_666n])
    expect(settled.penalty).toBe(25_000n)
  })
})

describe('a penalty per kWh, under policies of every kind', () => {
  const penalised = fc
    .tuple(aCase, fc.constantFrom(10_000, 400_000, 5_000_000))
    .filter(([{ policy }]) => policy.penalty.kind !== 'per-kwh-above-firm-level')
    .map(([given, penalty]): SettlementCase => ({ ...given, penalty }))
  const free = (given: SettlementCase): SettlementCase => {
    const { penalty } = given.policy
    const none = { kind: 'none' } as const
    const policy = penalty.kind === 'per-kwh-deficient' ? { ...given.policy, penalty: none } : null
    return { ...given, penalty: 0, policy: policy ?? given.policy }
  }
  const due = (given: SettlementCase) =>
    settle({ ...inputOf(given), escrow: 10n ** 15n }).lines.map(({ gross, held }) => gross + held)

  it('takes nothing from who delivered what it was ordered, and no more than the price of the rest', () => {
    fc.assert(
      fc.property(penalised, (given) => {
        const [before, after] = [due(free(given)), due(given)]
        const { penalty } = given.policy
        const more = penalty.kind === 'per-kwh-deficient' ? penalty.price : 0n
        const price = BigInt(given.penalty) + more
        given.rows.forEach(({ ordered, delivered }, i) => {
          const shortWh = ordered.reduce((sum, wh, at) => {
            return sum + Math.max(0, wh - (delivered[at] ?? 0))
          }, 0)
          const taken = (before[i] ?? 0n) - (after[i] ?? 0n)
          expect(taken).toBeGreaterThanOrEqual(0n)
          expect(taken).toBeLessThanOrEqual((BigInt(shortWh) * price) / 1000n + 1n)
          if (shortWh === 0) expect(taken).toBe(0n)
        })
      }),
      { numRuns: 500 },
    )
  })

  it('leaves the split exact, and says what was taken', () => {
    fc.assert(
      fc.property(penalised, (given) => {
        const input = inputOf(given)
        const { payout, fee, held, refund, penalty, lines } = settle(input)
        expect(payout + fee + held + refund).toBe(input.escrow)
        for (const amount of [refund, penalty, ...lines.map(({ gross }) => gross)]) {
          expect(amount).toBeGreaterThanOrEqual(0n)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('is of one payee what it was by the terms of before', () => {
    const alone = penalised.map((given) => ({ ...given, rows: given.rows.slice(0, 1) }))
    fc.assert(
      fc.property(alone, (given) => {
        const [now, then] = [inputOf(given), { ...inputOf(given), poolsPenalty: true } as const]
        const figures = ({ lines, ...all }: ReturnType<typeof settle>) => {
          return { ...all, paid: lines.map(({ gross, held }) => [gross, held]) }
        }
        expect(figures(settle(now))).toEqual(figures(settle(then)))
      }),
      { numRuns: 500 },
    )
  })
})
