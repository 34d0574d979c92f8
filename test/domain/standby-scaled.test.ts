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
