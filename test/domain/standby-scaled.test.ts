import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resourceId } from '#domain/ids.ts'
import type { PaymentPolicy } from '#domain/payment-policy.ts'
import { type SettlementInput, settle } from '#domain/settlement.ts'
import { addSeconds } from '#domain/time.ts'
import { inputOf } from '../support/settlement-properties.ts'
import { STANDBY_POLICY } from '../support/standby-world.ts'
import { WINDOW_START } from '../support/builders.ts'

const SCALED: PaymentPolicy = {
  ...STANDBY_POLICY,
  availability: { ...STANDBY_POLICY.availability, scaledByDelivery: true },
}
const PENALISED: PaymentPolicy = {
  ...STANDBY_POLICY,
  penalty: { kind: 'share-of-payment', shareBp: 10_000 },
}

/** What was called of a device is scaled or penalised; what it held beside that is not. */
function inParts(input: SettlementInput): SettlementInput {
  const standby = input.standby?.flatMap((one) => {
    const mine = input.deliveries.filter(
      ({ resourceId: id, start }) => id === one.resourceId && start >= one.start && start < one.end,
    )
    const usedWh = mine.reduce((sum, { orderedWh }) => sum + orderedWh, 0)
    const calledWh = Math.min(usedWh, one.reservedWh)
    return [
      { ...one, reservedWh: calledWh, isCalled: true },
      { ...one, reservedWh: one.reservedWh - calledWh, isCalled: false },
    ]
  })
  return { ...input, ...(standby && { standby }) }
}

type Called = { readonly ordered: readonly number[]; readonly delivered: readonly number[] }

/** Each stands by with 1 kWh in each of two quarters of an hour, 0.04 EUR. */
function standing(calls: readonly (Called | null)[], policy: PaymentPolicy): SettlementInput {
  const rows = calls.map((called) => {
    const { ordered, delivered } = called ?? { ordered: [0, 0], delivered: [0, 0] }
    return { ordered, delivered, price: 200_000, share: 0, failed: false }
  })
  const input = inputOf({ rows, policy, feeBp: 0, penalty: 0, carriedWh: 0, isFinal: true })
  const standby = rows.flatMap((_, r) =>
    [0, 900].map((start) => ({
      resourceId: resourceId(`r${r}`),
      start: addSeconds(WINDOW_START, start),
      end: addSeconds(WINDOW_START, start + 900),
      reservedWh: 1000,
      isReady: true,
    })),
  )
  // Deliveries are there of what was ordered, and of nothing else.
  const deliveries = input.deliveries.filter(({ orderedWh }) => orderedWh > 0)
  return { ...input, deliveries, standby, escrow: 10_000_000n }
}
const paid = (input: SettlementInput) => settle(input).lines.map(({ gross }) => gross)

/** 100 W for a quarter of an hour, of which nothing came. */
const FAILED = { ordered: [25, 0], delivered: [0, 0] }

describe('what stands by while another one is called', () => {
  it.each([
    ['scales by delivery', SCALED],
    ['takes a share of the payment', PENALISED],
  ])('is paid in full where the caller fails and the policy %s', (_, policy) => {
    expect(paid(standing([FAILED, null], policy))).toEqual([0n, 40_000n])
    const byPeriod = { ...policy, over: 'period' } as const
    expect(paid(standing([FAILED, null], byPeriod))).toEqual([20_000n, 40_000n])
  })

  it('is paid in full where half of it comes, of which the caller alone loses', () => {
    const half = { ordered: [100, 0], delivered: [50, 0] }
    // 50 Wh at 0.20 EUR, and the stand-by, of both of which half is taken.
    expect(paid(standing([half, null], PENALISED))).toEqual([25_000n, 40_000n])
  })

  it('loses with the caller by terms of the first rule', () => {
    const input = { ...standing([FAILED, null], SCALED), scalesAll: true } as const
    expect(paid(input)).toEqual([0n, 0n])
  })

  it('makes no difference where all are called: to the cent as by the first rule', () => {
    const wh = fc.integer({ min: 1, max: 2000 })
    const row = fc.record({
      ordered: fc.tuple(wh, wh),
      delivered: fc.tuple(fc.nat(2500), fc.nat(2500)),
    })
    const policy = fc
      .tuple(fc.constantFrom(SCALED, PENALISED), fc.constantFrom('window' as const, 'period'))
      .map(([one, over]): PaymentPolicy => ({ ...one, over }))
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 4 }), policy, (rows, by) => {
        const input = standing(rows, by)
        expect(settle(input)).toEqual(settle({ ...input, scalesAll: true }))
      }),
    )
  })
})

describe('what a device holds beside what it is called for', () => {
  it.each([
    ['scales by delivery', SCALED],
    ['takes a share of the payment', PENALISED],
  ])('is paid in full where the call fails and the policy %s', (_, policy) => {
    // 25 Wh of its 2,000 were called and did not come, at 0.02 EUR per kWh.
    expect(paid(inParts(standing([FAILED, null], policy)))).toEqual([39_500n, 40_000n])
    const byPeriod = { ...policy, over: 'period' } as const
    expect(paid(inParts(standing([FAILED, null], byPeriod)))).toEqual([39_500n, 40_000n])
  })

  const wh = fc.integer({ min: 1, max: 1000 })
  const called = fc.record({
    ordered: fc.tuple(wh, wh),
    delivered: fc.tuple(fc.nat(1500), fc.nat(1500)),
  })
  const by = fc
    .tuple(fc.constantFrom(SCALED, PENALISED), fc.constantFrom('window' as const, 'period'))
    .map(([one, over]): PaymentPolicy => ({ ...one, over }))

  it('makes no difference where all is called: to the cent as by the rule before', () => {
    const whole = called.map(({ delivered }) => ({ ordered: [1000, 1000], delivered }))
    fc.assert(
      fc.property(fc.array(whole, { minLength: 1, maxLength: 4 }), by, (rows, policy) => {
        const input = standing(rows, policy)
        expect(settle(inParts(input))).toEqual(settle(input))
      }),
    )
  })

  it('is never lost, whatever came of the call, and the split stays exact', () => {
    const rows = fc.array(fc.option(called), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(rows, by, (calls, policy) => {
        const input = inParts(standing(calls, policy))
        const { lines, payout, fee, held, refund } = settle(input)
        expect(payout + fee + held + refund).toBe(input.escrow)
        calls.forEach((call, i) => {
          const usedWh = (call?.ordered ?? []).reduce((sum, one) => sum + one, 0)
          const keptMoney = BigInt(2000 - usedWh) * 20n
          expect(lines[i]?.gross).toBeGreaterThanOrEqual(keptMoney)
          if (call === null) expect(lines[i]?.gross).toBe(keptMoney)
        })
      }),
    )
  })

  it('never earns less than by the rule before, by which all of it was lost with the call', () => {
    fc.assert(
      fc.property(fc.array(called, { minLength: 1, maxLength: 4 }), by, (calls, policy) => {
        const input = standing(calls, policy)
        const [before, now] = [paid(input), paid(inParts(input))]
        now.forEach((gross, i) => expect(gross).toBeGreaterThanOrEqual(before[i] ?? 0n))
      }),
    )
  })
})
