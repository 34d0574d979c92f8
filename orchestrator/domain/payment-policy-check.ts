import { whole } from './enrolment.ts'
import { fieldError } from './errors.ts'
import type { PaymentCurve, PaymentPolicy } from './payment-policy.ts'

const SHARE_MAX_BP = 20_000
const DAY = 86_400

/** At least two points, shares rising, pay never falling. @throws DomainError malformed */
export function checkCurve(field: string, curve: PaymentCurve): PaymentCurve {
  if (curve.length < 2) {
    throw fieldError('malformed', field, 'at least two points', curve.length)
  }
  curve.forEach((point, i) => {
    const name = `${field}[${i}]`
    whole(`${name}.deliveredBp`, point.deliveredBp, 0, SHARE_MAX_BP, 'bp')
    whole(`${name}.payBp`, point.payBp, 0, 10_000, 'bp')
    const before = curve[i - 1]
    if (before && (point.deliveredBp <= before.deliveredBp || point.payBp < before.payBp)) {
      const expected = 'points in rising order of deliveredBp whose payBp never falls'
      throw fieldError('malformed', name, expected, point)
    }
  })
  return curve
}

/** Is this a policy by which money can be split? @throws DomainError malformed, with the field */
export function checkPaymentPolicy(field: string, policy: PaymentPolicy): PaymentPolicy {
  if (!/^[a-z0-9][a-z0-9-]{0,59}$/.test(policy.name)) {
    const expected = "1 to 60 lower-case letters, digits or '-'"
    throw fieldError('malformed', `${field}.name`, expected, policy.name)
  }
  whole(`${field}.version`, policy.version, 1, 1_000_000, 'numbers')
  if (policy.source.trim().length < 1 || policy.source.length > 300) {
    const expected = '1 to 300 characters that say where the rule stands'
    throw fieldError('malformed', `${field}.source`, expected, policy.source.slice(0, 310))
  }
  checkCurve(`${field}.curve`, policy.curve)
  whole(`${field}.capBp`, policy.capBp, 1, SHARE_MAX_BP, 'bp')
  whole(`${field}.floorBp`, policy.floorBp, 0, policy.capBp, 'bp')
  whole(`${field}.deadBand.bp`, policy.deadBand.bp, 0, 10_000, 'bp')
  whole(`${field}.provisionalShareBp`, policy.provisionalShareBp, 0, 10_000, 'bp')
  whole(`${field}.trueUpSeconds`, policy.trueUpSeconds, 0, 365 * DAY, 'seconds')
  if (policy.provisionalShareBp < 10_000 && policy.trueUpSeconds === 0) {
    const expected = 'a time above 0 at which what is held back becomes final'
    throw fieldError('malformed', `${field}.trueUpSeconds`, expected, policy.trueUpSeconds)
  }
  if (policy.carry === 'month' && policy.over === 'period') {
    const expected = "'window': what is carried is the window's net result"
    throw fieldError('malformed', `${field}.over`, expected, policy.over)
  }
  checkPrices(field, policy)
  return policy
}

function checkPrices(field: string, { price, penalty, availability }: PaymentPolicy): void {
  const prices: [string, bigint][] = []
  if (price.kind === 'fixed') prices.push([`${field}.price`, price.price])
  if ('price' in penalty) prices.push([`${field}.penalty`, penalty.price])
  if ('price' in availability) prices.push([`${field}.availability`, availability.price])
  for (const [name, amount] of prices) {
    if (amount < 0n) throw fieldError('malformed', name, 'a price of at least 0', amount)
  }
  if (penalty.kind === 'per-kwh-above-firm-level') {
    whole(`${field}.penalty.firmLevelW`, penalty.firmLevelW, 0, 10_000_000_000, 'W')
  }
  if (penalty.kind === 'share-of-payment') {
    whole(`${field}.penalty.shareBp`, penalty.shareBp, 0, 10_000, 'bp')
  }
  if (availability.kind === 'per-kw-month') {
    whole(`${field}.availability.extraFromCall`, availability.extraFromCall, 0, 1000, 'calls')
  }
}
