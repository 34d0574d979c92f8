import { builtInPolicy, curvePolicy } from '#domain/payment-policies.ts'
import { award, carriedDeficit, type PaymentPolicy } from '#domain/payment-policy.ts'
import { type Outcome, totalWh } from './accuracy.ts'

/** Two policies that keep noise unpaid, after one that pays it. */
export const POLICIES: readonly PaymentPolicy[] = [
  { ...curvePolicy(policy('dead-band').curve), name: 'each-window-alone' },
  policy('dead-band'),
  policy('monthly-net'),
]

/**
 * What a fleet that did nothing would be paid, % of its load, with all of the baseline ordered in
 * every placebo window.
 */
export type ZeroResponse = {
  /** By the name of the policy: kWh paid, over kWh drawn. */
  readonly paid: Readonly<Record<string, number>>
  /** The signed sum itself. */
  readonly signed: number
}

/** null where nothing was consumed. */
export function zeroResponse(outcomes: readonly Outcome[]): ZeroResponse | null {
  const results = outcomes.map(({ placebo, baselineWh }) => {
    const baseline = totalWh(baselineWh)
    const metered = totalWh(placebo.meteredWh)
    return { month: placebo.date.slice(0, 7), baseline, metered, delivered: baseline - metered }
  })
  const load = totalWh(results.map(({ metered }) => metered))
  if (load <= 0) return null
  const paid = POLICIES.map((one) => [one.name, (100 * paidWh(one, results)) / load] as const)
  const signed = (100 * totalWh(results.map(({ delivered }) => delivered))) / load
  return { paid: Object.fromEntries(paid), signed }
}

type Result = {
  readonly month: string
  readonly baseline: number
  readonly metered: number
  readonly delivered: number
}

function paidWh(one: PaymentPolicy, results: readonly Result[]): number {
  const months = new Map<string, number[]>()
  let paid = 0
  for (const { month, baseline, metered, delivered } of results) {
    const before = months.get(month) ?? []
    const carriedWh = one.carry === 'month' ? carriedDeficit(before) : 0
    const stretch = {
      seconds: 0, // only a firm level asks for it
      orderedWh: baseline,
      deliveredWh: delivered,
      baselineWh: baseline,
      meteredWh: metered,
    }
    const { payableWh, factorBp } = award(one, stretch, { mostWh: Infinity, carriedWh })
    paid += (payableWh * factorBp) / 10_000
    months.set(month, [...before, delivered])
  }
  return paid
}

function policy(name: string): PaymentPolicy {
  const found = builtInPolicy(name)
  if (found === null) throw new Error(`there is no policy ${name}`)
  return found
}
