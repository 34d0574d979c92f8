import { expect, test } from 'vitest'
import { costOfChargeNow } from '#domain/charge-now.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { callId } from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import type { PaymentPolicy } from '#domain/payment-policy.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aProgram, aResource, WINDOW_START } from '../support/builders.ts'
import { STANDBY_POLICY } from '../support/standby-world.ts'

const { id: resourceId } = aResource('charger', 'charger', 100_000n)
const price = (amount: bigint) => microEurPerKwh(amount)

/** 4 kW for a quarter of an hour, 1,000 Wh, offered at 0.10 EUR/kWh; the owner keeps 80 %. */
function cost(policy: Partial<PaymentPolicy>, priceCap = 1_000_000n, rest: object = {}) {
  const end = addSeconds(WINDOW_START, 900)
  const periods = [{ start: WINDOW_START, end, powerW: 4000, setpointW: 3000 }]
  const availability = { kind: 'none' } as const
  const paymentPolicy = { ...aProgram().paymentPolicy, availability, ...policy }
  const call = {
    id: callId('call'),
    state: 'dispatched',
    program: aProgram({ paymentPolicy }),
    request: { priceCap: price(priceCap) },
    candidates: [{ resourceId, price: price(100_000n), aggregatorShareBp: basisPoints(2000) }],
    allocations: [{ resourceId, role: 'order', periods, releasedAt: null }],
    ...rest,
  } as unknown as FlexibilityCall
  return costOfChargeNow(call, resourceId, WINDOW_START)?.amount
}

test('full power costs what would be paid: the offer, a fixed price, at most the cap', () => {
  expect(cost({})).toBe(80_000n)
  const fixed = { price: { kind: 'fixed', price: price(300_000n) } } as const
  expect(cost(fixed)).toBe(240_000n)
  expect(cost(fixed, 200_000n)).toBe(160_000n)
})

test('full power costs what is paid for standing by, in an ordinary call too', () => {
  const { availability } = STANDBY_POLICY
  expect(cost({ availability })).toBe(96_000n)
  // Nothing is activated: only the stand-by is lost.
  expect(cost({ availability }, 1_000_000n, { activations: [] })).toBe(16_000n)
})
