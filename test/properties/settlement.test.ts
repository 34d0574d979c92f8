import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Allocation, Candidate } from '#domain/allocation.ts'
import type { Delivery } from '#domain/delivery.ts'
import { organisationId, ownerId, resourceId } from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { escrowNeeded, type SettlementInput, settle } from '#domain/settlement.ts'
import { basisPoints } from '#domain/units.ts'
import { aProgram, aResource, WINDOW_START } from '../support/builders.ts'

type Row = {
  ordered: number
  delivered: number | null
  price: number
  share: number
  failed: boolean
}

const aRow: fc.Arbitrary<Row> = fc.record({
  ordered: fc.integer({ min: 0, max: 20_000 }),
  delivered: fc.option(fc.integer({ min: -20_000, max: 40_000 }), { nil: null, freq: 9 }),
  price: fc.integer({ min: 0, max: 450_000 }),
  share: fc.integer({ min: 0, max: 10_000 }),
  failed: fc.boolean(),
})

const cap = microEurPerKwh(450_000n)

function inputOf(rows: readonly Row[], feeBp = 200, extraOrderedWh = 0): SettlementInput {
  const ordered = rows.reduce((sum, row) => sum + row.ordered, 0) + extraOrderedWh
  const candidates = rows.map((row, i): Candidate => {
    const { ownerId: owner, aggregatorId, kind, rating } = aResource(`r${i}`, 'charger', 0n)
    return {
      resourceId: resourceId(`r${i}`),
      ownerId: owner,
      aggregatorId,
      aggregatorShareBp: basisPoints(row.share),
      kind,
      rating,
      price: microEurPerKwh(BigInt(row.price)),
      baselineMethod: aProgram().chargerBaseline,
      baselineW: [],
    }
  })
  return {
    candidates,
    allocations: rows.map(
      (row, i): Allocation => ({
        resourceId: resourceId(`r${i}`),
        role: 'order',
        periods: [],
        releasedAt: row.failed ? WINDOW_START : null,
      }),
    ),
    deliveries: rows.map(
      (row, i): Delivery => ({
        resourceId: resourceId(`r${i}`),
        start: WINDOW_START,
        end: WINDOW_START,
        orderedWh: row.ordered,
        baselineWh: row.delivered ?? 0,
        measuredWh: row.delivered === null ? null : 0,
        deliveredWh: row.delivered ?? 0,
      }),
    ),
    orderedWh: ordered,
    penalty: { kind: 'none' },
    paymentCurve: aProgram().paymentCurve,
    feeBp,
    escrow: escrowNeeded(ordered, cap, feeBp),
  }
}

describe('the split of an escrow', () => {
  it('never creates or loses a millionth of a euro, whatever was delivered', () => {
    fc.assert(
      fc.property(
        fc.array(aRow, { maxLength: 12 }),
        fc.integer({ min: 0, max: 2000 }),
        (rows, fee) => {
          const input = inputOf(rows, fee)
          const { payout, fee: taken, refund, lines } = settle(input)
          expect(payout + taken + refund).toBe(input.escrow)
          expect(refund).toBeGreaterThanOrEqual(0n)
          for (const line of lines) {
            expect(line.ownerAmount + line.aggregatorAmount).toBe(line.gross)
            expect(line.ownerAmount).toBeGreaterThanOrEqual(0n)
            expect(line.aggregatorAmount).toBeGreaterThanOrEqual(0n)
          }
        },
      ),
    )
  })

  it('pays a device that did not obey, or whose readings are missing, nothing', () => {
    fc.assert(
      fc.property(fc.array(aRow, { minLength: 1, maxLength: 12 }), (rows) => {
        settle(inputOf(rows)).lines.forEach((line, i) => {
          if (rows[i]?.failed || rows[i]?.delivered === null) expect(line.gross).toBe(0n)
        })
      }),
    )
  })

  it('never pays more for less: who delivers less earns no more', () => {
    fc.assert(
      fc.property(fc.array(aRow, { minLength: 1, maxLength: 8 }), fc.nat(5000), (rows, less) => {
        const [first, ...rest] = rows as [Row, ...Row[]]
        const lower = {
          ...first,
          delivered: first.delivered === null ? null : first.delivered - less,
        }
        const before = settle(inputOf([first, ...rest])).lines[0]?.gross ?? 0n
        const after = settle(inputOf([lower, ...rest])).lines[0]?.gross ?? 0n
        expect(after).toBeLessThanOrEqual(before)
      }),
    )
  })

  it('does not depend on the order of the lines', () => {
    fc.assert(
      fc.property(fc.array(aRow, { maxLength: 8 }), (rows) => {
        const forwards = settle(inputOf(rows)).payout
        const backwards = settle(inputOf([...rows].reverse())).payout
        expect(backwards).toBe(forwards)
      }),
    )
  })

  it('pays nothing where the portfolio as a whole took more than its baseline', () => {
    const gained = { ordered: 1000, delivered: 1000, price: 100_000, share: 0, failed: false }
    const lost = { ordered: 0, delivered: -1000, price: 100_000, share: 0, failed: true }
    expect(settle(inputOf([gained, lost])).payout).toBe(0n)
  })

  it('takes a penalty from the payment and never more than it', () => {
    const half = { ordered: 1000, delivered: 600, price: 100_000, share: 0, failed: false }
    const input = inputOf([half])
    const free = settle(input).payout
    const penalty = { kind: 'per-kwh' as const, price: microEurPerKwh(50_000n) }
    const taken = settle({ ...input, penalty })
    expect(taken.penalty).toBe(20_000n) // 400 Wh short at 0.05 EUR/kWh
    expect(taken.payout).toBe(free - 20_000n)
    const harsh = { kind: 'per-kwh' as const, price: microEurPerKwh(10n ** 9n) }
    expect(settle({ ...input, penalty: harsh }).payout).toBe(0n)
  })

  it('names owners and aggregators of every line', () => {
    const [line] = settle(
      inputOf([{ ordered: 1, delivered: 1, price: 1, share: 0, failed: false }]),
    ).lines
    expect(line?.ownerId).toBe(ownerId('owner-r0'))
    expect(line?.aggregatorId).toBe(organisationId('agg-1'))
  })
})
