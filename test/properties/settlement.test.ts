import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { organisationId, ownerId } from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { settle } from '#domain/settlement.ts'
import { aProgram } from '../support/builders.ts'
import {
  aRow,
  inputOf,
  type PayeeRow,
  SETTLEMENT_PROPERTIES,
  type SettlementCase,
} from '../support/settlement-properties.ts'

const aCaseOf = (rows: readonly PayeeRow[], changes: Partial<SettlementCase> = {}) => ({
  rows,
  policy: aProgram().paymentPolicy,
  feeBp: 200,
  penalty: 0,
  carriedWh: 0,
  isFinal: true,
  ...changes,
})

describe('the split of an escrow, under policies of every kind', () => {
  it.each(SETTLEMENT_PROPERTIES)('$sentence', ({ property }) => {
    fc.assert(property, { numRuns: 250 })
  })
})

describe('the split of an escrow', () => {
  it('pays nothing where the portfolio as a whole took more than its baseline', () => {
    const lost = aRow({ ordered: [0], delivered: [-1000], failed: true })
    expect(settle(inputOf(aCaseOf([aRow({}), lost]))).payout).toBe(0n)
  })

  it('takes a penalty from the payment and never more than it', () => {
    const half = aRow({ delivered: [600] })
    const input = inputOf(aCaseOf([half]))
    const free = settle(input).payout
    const penalty = { kind: 'per-kwh' as const, price: microEurPerKwh(50_000n) }
    const taken = settle({ ...input, penalty })
    expect(taken.penalty).toBe(20_000n) // 400 Wh short at 0.05 EUR/kWh
    expect(taken.payout).toBe(free - 20_000n)
    const harsh = { kind: 'per-kwh' as const, price: microEurPerKwh(10n ** 9n) }
    expect(settle({ ...input, penalty: harsh }).payout).toBe(0n)
  })

  it('says that all together were short where one who delivered is paid nothing for it', () => {
    const { lines } = settle(
      inputOf(aCaseOf([aRow({}), aRow({ ordered: [9000], delivered: [0] })])),
    )
    expect(lines.map(({ reason }) => reason)).toEqual(['portfolio-short', 'nothing-delivered'])
  })

  it('makes up first what the month has lost so far, without a second penalty for it', () => {
    const penalty = 50_000
    const settled = settle(inputOf(aCaseOf([aRow({})], { carriedWh: -400, penalty })))
    expect(settled).toMatchObject({ payableWh: 600, deficientWh: 0, penalty: 0n })
  })

  it('pays the provisional share at first, and holds the rest and the fee on it', () => {
    const policy = { ...aProgram().paymentPolicy, provisionalShareBp: 7000, trueUpSeconds: 60 }
    const first = settle(inputOf(aCaseOf([aRow({})], { policy, isFinal: false })))
    const last = settle(inputOf(aCaseOf([aRow({})], { policy })))
    expect(last).toMatchObject({ payout: 100_000n, held: 0n })
    expect(first).toMatchObject({ payout: 70_000n, fee: 1400n, held: 30_600n })
    expect(first.refund).toBe(last.refund)
  })

  it('never pays more per kWh than the cap of the call, nor more than the escrow', () => {
    const dear = aRow({ price: 900_000 })
    const input = inputOf(aCaseOf([dear]))
    expect(settle(input).payout).toBe(450_000n)
    const { payout, fee, refund } = settle({ ...input, escrow: 102_001n })
    expect([payout, fee, refund]).toEqual([100_000n, 2000n, 1n])
  })

  it('counts no more of a device than it can physically do', () => {
    const policy = { ...aProgram().paymentPolicy, capBp: 20_000 }
    const big = aRow({ ordered: [90_000], delivered: [180_000] })
    // 200 kW of import and of export: 400 kW for a quarter of an hour.
    expect(settle(inputOf(aCaseOf([big], { policy }))).lines[0]?.eligibleWh).toBe(100_000)
  })

  it('names owners and aggregators of every line', () => {
    const [line] = settle(inputOf(aCaseOf([aRow({})]))).lines
    expect(line?.ownerId).toBe(ownerId('owner-r0'))
    expect(line?.aggregatorId).toBe(organisationId('agg-1'))
  })
})

describe('the split of an escrow where a feeder says what each device does to the congested element', () => {
  it('judges the portfolio at the congestion point and pays each Wh at its own meter', () => {
    const rows = [aRow({ effectBp: 11_000 }), aRow({ effectBp: 10_500, price: 200_000 })]
    expect(settle(inputOf(aCaseOf(rows)))).toMatchObject({
      orderedWh: 2150,
      deliveredWh: 2150,
      payableWh: 2150,
      deficientWh: 0,
      payout: 300_000n,
    })
  })

  it('misses nothing where a device with more effect stands in for one with less', () => {
    const failed = aRow({ delivered: [0], failed: true })
    const instead = aRow({ ordered: [800], delivered: [800], effectBp: 12_500 })
    const input = inputOf(aCaseOf([failed, instead]))
    const orderedPeriods = input.orderedPeriods.map((one) => ({ ...one, orderedWh: 1000 }))
    const settled = settle({ ...input, orderedPeriods })
    expect(settled).toMatchObject({ deliveredWh: 1000, deficientWh: 0, payout: 80_000n })
    const without = settle({
      ...input,
      orderedPeriods,
      candidates: input.candidates.map(({ effectBp: _none, ...one }) => one),
    })
    expect(without.deficientWh).toBe(200)
    expect(without.payout).toBeLessThan(80_000n)
  })

  it('pays nothing for what has no effect there, and charges nobody else for what is short there', () => {
    const rows = [aRow({ effectBp: 0 }), aRow({})]
    const input = inputOf(aCaseOf(rows, { penalty: 10_000 }))
    const orderedPeriods = input.orderedPeriods.map((one) => ({ ...one, orderedWh: 2000 }))
    const { deliveredWh, deficientWh, penalty, lines } = settle({ ...input, orderedPeriods })
    expect(lines[0]?.gross).toBe(0n)
    expect(lines[1]?.gross).toBeGreaterThan(0n)
    const short = { deliveredWh: 1000, deficientWh: 1000 }
    expect({ deliveredWh, deficientWh, penalty }).toEqual({ ...short, penalty: 0n })
    const before = settle({ ...input, orderedPeriods, poolsPenalty: true })
    expect(before).toMatchObject({ ...short, penalty: 10_000n })
  })

  it('stays exact to the last unit, whatever the effects', () => {
    const effect = fc.constantFrom(8000, 9999, 10_000, 10_050, 11_370)
    const row = fc.record({ wh: fc.integer({ min: 1, max: 9000 }), effectBp: effect })
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 6 }), (specs) => {
        const rows = specs.map(({ wh, effectBp }) => {
          return aRow({ ordered: [wh], delivered: [wh], effectBp })
        })
        const input = { ...inputOf(aCaseOf(rows)), escrow: 10n ** 12n }
        const { payout, fee, held, refund, lines } = settle(input)
        expect(payout + fee + held + refund).toBe(input.escrow)
        // A whole Wh at the point is not more than the sum of its parts: at most one is lost.
        for (const { gross, deliveredWh } of lines) {
          expect(gross).toBeLessThanOrEqual(BigInt(deliveredWh) * 100n)
        }
        const full = lines.reduce((sum, { deliveredWh }) => sum + BigInt(deliveredWh) * 100n, 0n)
        expect(payout).toBeGreaterThanOrEqual(full - 126n - BigInt(lines.length))
      }),
    )
  })
})
