import fc from 'fast-check'
import type { Allocation, Candidate } from '#domain/allocation.ts'
import { canonicalJson } from '#domain/canonical.ts'
import type { Delivery } from '#domain/delivery.ts'
import { parseEvidence } from '#domain/evidence.ts'
import { resourceId } from '#domain/ids.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { atPoint } from '#domain/network-effect.ts'
import { curvePolicy } from '#domain/payment-policies.ts'
import type { PaymentPolicy } from '#domain/payment-policy.ts'
import { escrowNeeded, type SettlementInput, settle } from '#domain/settlement.ts'
import { addSeconds } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { aBaseline, aResource, WINDOW_START } from './builders.ts'

/** One resource: ordered and delivered Wh per settlement period; null: no readings. */
export type PayeeRow = {
  readonly ordered: readonly number[]
  readonly delivered: readonly (number | null)[]
  readonly price: number
  readonly share: number
  readonly failed: boolean
  /** Wh per period; the same for all unless it matters. */
  readonly baseline?: number
  /** Its effect on the congested element; absent: all of it. */
  readonly effectBp?: number
}

export type SettlementCase = {
  readonly rows: readonly PayeeRow[]
  readonly policy: PaymentPolicy
  readonly feeBp: number
  readonly penalty: number
  readonly carriedWh: number
  readonly isFinal: boolean
}

const cap = microEurPerKwh(450_000n)
const BIG = { ...aResource('big', 'battery', 0n).rating, importMaxW: 200_000, exportMaxW: 200_000 }

export function inputOf(given: SettlementCase): SettlementInput {
  const { rows, policy, feeBp, penalty, carriedWh, isFinal } = given
  const starts = (rows[0]?.ordered ?? [0]).map((_, i) => addSeconds(WINDOW_START, i * 900))
  const orderedPeriods = starts.map((start, i) => ({
    start,
    seconds: 900,
    orderedWh: atPoint(
      rows.map(({ ordered, effectBp = 10_000 }) => ({ amount: ordered[i] ?? 0, effectBp })),
    ),
  }))
  const orderedWh = orderedPeriods.reduce((sum, period) => sum + period.orderedWh, 0)
  return {
    candidates: rows.map(candidateOf),
    allocations: rows.map(
      (row, i): Allocation => ({
        resourceId: resourceId(`r${i}`),
        role: 'order',
        periods: [],
        releasedAt: row.failed ? WINDOW_START : null,
      }),
    ),
    deliveries: rows.flatMap((row, r) =>
      starts.map((start, i): Delivery => {
        const deliveredWh = row.delivered[i] ?? 0
        const isKnown = row.delivered[i] !== null
        const baselineWh = row.baseline ?? 9000
        return {
          resourceId: resourceId(`r${r}`),
          start,
          end: addSeconds(start, 900),
          orderedWh: row.ordered[i] ?? 0,
          baselineWh,
          measuredWh: isKnown ? baselineWh - deliveredWh : null,
          deliveredWh,
        }
      }),
    ),
    orderedPeriods,
    policy,
    priceCap: cap,
    penalty:
      penalty === 0
        ? { kind: 'none' }
        : { kind: 'per-kwh', price: microEurPerKwh(BigInt(penalty)) },
    carriedWh,
    isFinal,
    findings: [],
    holds: new Map(),
    feeBp,
    escrow: escrowNeeded(orderedWh, cap, feeBp, policy),
  }
}

function candidateOf(row: PayeeRow, i: number): Candidate {
  const { ownerId, aggregatorId, kind } = aResource(`r${i}`, 'battery', 0n)
  return {
    resourceId: resourceId(`r${i}`),
    ownerId,
    aggregatorId,
    aggregatorShareBp: basisPoints(row.share),
    kind,
    rating: BIG,
    price: microEurPerKwh(BigInt(row.price)),
    ...(row.effectBp === undefined ? {} : { effectBp: row.effectBp }),
    ...aBaseline(),
  }
}

const periods = <T>(one: fc.Arbitrary<T>, count: number) =>
  fc.array(one, { minLength: count, maxLength: count })
/** 1 kWh ordered and delivered, at 0.10 EUR. */
export const aRow = (row: Partial<PayeeRow> = {}): PayeeRow => ({
  ordered: [1000],
  delivered: [1000],
  price: 100_000,
  share: 0,
  failed: false,
  ...row,
})

const anyRow = (count: number): fc.Arbitrary<PayeeRow> =>
  fc.record({
    ordered: periods(fc.integer({ min: 0, max: 20_000 }), count),
    delivered: periods(
      fc.option(fc.integer({ min: -20_000, max: 40_000 }), { nil: null, freq: 19 }),
      count,
    ),
    price: fc.integer({ min: 0, max: 500_000 }),
    share: fc.integer({ min: 0, max: 10_000 }),
    failed: fc.boolean(),
  })

const price = fc.integer({ min: 0, max: 600_000 }).map((value) => microEurPerKwh(BigInt(value)))
const aCurve = fc
  .uniqueArray(fc.integer({ min: 0, max: 12_000 }), { minLength: 2, maxLength: 4 })
  .chain((shares) =>
    periods(fc.integer({ min: 0, max: 10_000 }), shares.length).map((pays) => {
      const [xs, ys] = [shares.toSorted((a, b) => a - b), pays.toSorted((a, b) => a - b)]
      return xs.map((deliveredBp, i) => ({ deliveredBp, payBp: ys[i] ?? 0 }))
    }),
  )

/** Policies of every kind, within what a program accepts. */
export const aPolicy: fc.Arbitrary<PaymentPolicy> = fc
  .record({
    curve: aCurve,
    over: fc.constantFrom('window' as const, 'period' as const),
    price: fc.oneof(
      { weight: 3, arbitrary: fc.constant({ kind: 'offered' as const }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('fixed' as const), price }) },
    ),
    capBp: fc.constantFrom(5000, 10_000, 12_000),
    floorBp: fc.constantFrom(0, 0, 2500, 5000),
    penalty: fc.oneof(
      fc.constant({ kind: 'none' as const }),
      fc.record({ kind: fc.constant('per-kwh-deficient' as const), price }),
      fc.record({
        kind: fc.constant('per-kwh-above-firm-level' as const),
        price,
        firmLevelW: fc.constantFrom(0, 30_000, 100_000),
      }),
      fc.record({
        kind: fc.constant('share-of-payment' as const),
        shareBp: fc.integer({ min: 0, max: 10_000 }),
      }),
    ),
    availability: fc.oneof(
      fc.constant({ kind: 'none' as const }),
      fc.record({
        kind: fc.constant('per-kwh-ordered' as const),
        price,
        scaledByDelivery: fc.boolean(),
      }),
    ),
    deadBand: fc.record({
      bp: fc.constantFrom(0, 0, 500, 3000),
      pays: fc.constantFrom('all' as const, 'rest' as const, 'stretched' as const),
    }),
    provisionalShareBp: fc.constantFrom(10_000, 10_000, 7000, 0),
  })
  .map(
    (chosen): PaymentPolicy => ({
      ...curvePolicy(chosen.curve),
      ...chosen,
      trueUpSeconds: 86_400,
    }),
  )

export const aCase: fc.Arbitrary<SettlementCase> = fc.integer({ min: 1, max: 3 }).chain((count) =>
  fc.record({
    rows: fc.array(anyRow(count), { minLength: 1, maxLength: 5 }),
    policy: aPolicy,
    feeBp: fc.integer({ min: 0, max: 2000 }),
    penalty: fc.constantFrom(0, 0, 50_000),
    carriedWh: fc.constantFrom(0, 0, -3000),
    isFinal: fc.boolean(),
  }),
)

/** Plain comparisons: a matcher's own work would be most of a hundred thousand cases. */
function same(got: unknown, expected: unknown): void {
  if (got !== expected) throw new Error(`expected ${expected}, got ${got}`)
}

function atLeast(got: bigint, least: bigint): void {
  if (got < least) throw new Error(`expected at least ${least}, got ${got}`)
}

function takesPerKwh({ policy, penalty }: SettlementCase): boolean {
  return penalty > 0 || 'price' in policy.penalty
}

/** What a payee gets in the end, now and later. */
const due = (line?: { gross: bigint; held: bigint }) => (line ? line.gross + line.held : 0n)
const linesOf = (given: SettlementCase) => settle(inputOf(given)).lines

export type Sentence = {
  readonly sentence: string
  readonly property: fc.IPropertyWithHooks<never>
}
const says = <T>(
  sentence: string,
  arbitrary: fc.Arbitrary<T>,
  check: (given: T) => void,
): Sentence => ({
  sentence,
  property: fc.property(arbitrary, check) as unknown as fc.IPropertyWithHooks<never>,
})

export const SETTLEMENT_PROPERTIES: readonly Sentence[] = [
  says('never creates or loses a millionth of a euro, whatever was delivered', aCase, (given) => {
    const input = inputOf(given)
    const { payout, fee, held, refund, penalty, lines } = settle(input)
    same(payout + fee + held + refund, input.escrow)
    for (const amount of [payout, fee, held, refund, penalty]) atLeast(amount, 0n)
    for (const line of lines) {
      same(line.ownerAmount + line.aggregatorAmount, line.gross)
      atLeast(line.held, 0n)
      atLeast(line.ownerAmount, 0n)
      atLeast(line.aggregatorAmount, 0n)
    }
  }),
  says(
    'pays a device that did not obey, or whose readings are missing, nothing',
    aCase,
    (given) => {
      linesOf(given).forEach((line, i) => {
        const { failed, delivered } = given.rows[i] as PayeeRow
        if (failed || delivered.includes(null)) same(due(line), 0n)
      })
    },
  ),
  says(
    'never pays more for less: who delivers less earns no more',
    fc.tuple(aCase, fc.nat(5000), fc.nat(2)),
    ([given, less, where]) => {
      const [first, ...others] = given.rows as [PayeeRow, ...PayeeRow[]]
      const lower = {
        ...first,
        delivered: first.delivered.map((wh, i) =>
          wh === null || i !== where % first.delivered.length ? wh : wh - less,
        ),
      }
      const before = linesOf(given)[0]
      const after = linesOf({ ...given, rows: [lower, ...others] })[0]
      atLeast(due(before), due(after))
    },
  ),
  says('does not depend on the order of the lines', aCase, (given) => {
    const input = inputOf(given)
    const turned = {
      ...input,
      allocations: input.allocations.toReversed(),
      candidates: input.candidates.toReversed(),
      deliveries: input.deliveries.toReversed(),
    }
    const [one, other] = [settle(input), settle(turned)]
    same(canonicalJson({ ...other, lines: other.lines.toReversed() }), canonicalJson(one))
  }),
  says(
    'pays one device and the same in two parts alike, to one millionth',
    fc.tuple(aCase, fc.nat(20_000), fc.nat(20_000)),
    ([given, order, delivery]) => {
      const [first, ...others] = given.rows as [PayeeRow, ...PayeeRow[]]
      const most = (ordered: number) =>
        Math.floor((ordered * Math.min(10_000, given.policy.capBp)) / 10_000)
      const ordered = first.ordered.map((wh) => Math.min(wh, order))
      const rest = first.ordered.map((wh, i) => wh - (ordered[i] ?? 0))
      const delivered = ordered.map((wh) => Math.min(most(wh), delivery))
      const more = rest.map((wh) => Math.min(most(wh), delivery))
      const whole = { ...first, delivered: delivered.map((wh, i) => wh + (more[i] ?? 0)) }
      const parts = [
        { ...first, ordered, delivered, baseline: 4500 },
        { ...first, ordered: rest, delivered: more, baseline: 4500 },
      ]
      const one = linesOf({ ...given, rows: [whole, ...others] })
      const two = linesOf({ ...given, rows: [...parts, ...others] })
      const difference = due(two[0]) + due(two[1]) - due(one[0])
      atLeast(difference, -1n)
      // Of what the one earned nothing is taken for the other, where a penalty took all from that.
      const isTakenWhole = takesPerKwh(given) && (due(two[0]) === 0n || due(two[1]) === 0n)
      atLeast(isTakenWhole ? due(two[0]) + due(two[1]) : 1n, difference)
      // The others do not notice.
      others.forEach((_, i) => same(due(two[i + 2]), due(one[i + 1])))
    },
  ),
  says('pays nothing for doing nothing but standing ready', aCase, (given) => {
    const isForStanding =
      given.policy.availability.kind !== 'none' && !given.policy.availability.scaledByDelivery
    const rows = given.rows.map((row) => ({ ...row, delivered: row.ordered.map(() => 0) }))
    const { payout, held } = settle(inputOf({ ...given, rows }))
    if (!isForStanding) same(payout + held, 0n)
  }),
  says('holds one line without a word about the others', aCase, (given) => {
    const input = inputOf(given)
    const found = { code: 'cloned-meter', severity: 'hold', detail: { as: 'r9' } } as const
    const findings = [{ ...found, resourceId: resourceId('r0') }]
    const [free, held] = [settle(input), settle({ ...input, findings })]
    same(due(held.lines[0]), due(free.lines[0]))
    same(held.lines[0]?.gross, 0n)
    same(canonicalJson(held.lines.slice(1)), canonicalJson(free.lines.slice(1)))
    same(held.payout + held.fee + held.held + held.refund, input.escrow)
  }),
  says('comes out of the same evidence with the same bytes', aCase, (given) => {
    const text = canonicalJson(settle(inputOf(given)))
    same(canonicalJson(settle(inputOf(given))), text)
    same(canonicalJson(parseEvidence(text)), text)
  }),
]
