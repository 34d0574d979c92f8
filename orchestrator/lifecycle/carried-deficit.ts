import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import { carriedDeficit } from '#domain/payment-policy.ts'
import { localDate } from '#domain/time.ts'
import type { StoreTransaction } from '#store-ports.ts'

/**
 * What this call's portfolio has still to make up, at most 0 Wh: the signed results of the month's
 * earlier calls for the same point, direction and program that are measured by now. Fixed in the
 * terms: what is measured later counts from the next call on.
 */
export async function carriedInto(tx: StoreTransaction, call: FlexibilityCall): Promise<number> {
  const { program, request } = call
  if (program.paymentPolicy.carry === 'none') return 0
  const { congestionPointId, direction, window } = request
  const monthOf = (one: FlexibilityCall) =>
    localDate(one.request.window.start, program.timeZone).slice(0, 7)
  const calls = await tx.calls.list({ congestionPointId, dsoId: call.dsoId })
  const earlier = calls.filter(
    (one) =>
      one.settlement !== null &&
      one.state !== 'refunded' &&
      one.program.id === program.id &&
      one.request.direction === direction &&
      one.request.window.start < window.start &&
      monthOf(one) === monthOf(call),
  )
  earlier.sort((a, b) => a.request.window.start - b.request.window.start)
  return carriedDeficit(earlier.map(({ settlement }) => settlement?.deliveredWh ?? 0))
}
