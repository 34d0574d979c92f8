import type { Allocation, Candidate } from './allocation.ts'
import { greatestCommon } from './baseline/fraction.ts'
import type { Delivery } from './delivery.ts'
import { physicalMostWh } from './fair-play/physical-cap.ts'
import { leastOf } from './money.ts'
import { WHOLE_EFFECT_BP } from './network-effect.ts'
import {
  type Award,
  availabilityNumerator,
  award,
  PER_KWH_BP,
  type Kept,
  keptShare,
  policyPrice,
  type Stretch,
} from './payment-policy.ts'
import { type Charged, chargesFor, divisorOf, owedBy } from './settlement-penalty.ts'
import type { LineReason, SettlementInput, SettlementLine } from './settlement.ts'
import type { Instant } from './time.ts'

type Counted = { countedWh: number; orderedWh: number; physicalWh: number }

/** One resource's figures, per stretch that is settled together. */
export type Row = {
  readonly candidate: Candidate
  readonly line: Omit<SettlementLine, 'gross' | 'held' | 'ownerAmount' | 'aggregatorAmount'>
  /** What counts, per stretch; at most what the device can do and its order allows. */
  readonly eligibleWh: readonly number[]
  /** What of its order stood and was called upon, per stretch: what is paid by what came of it. */
  readonly calledWh: readonly number[]
  /** What stood by and was not called upon: it could not fall short of anything. */
  readonly heldWh: readonly number[]
  readonly deliveries: readonly Delivery[]
}

/** Exact figures in parts of a micro-EUR, `parts` to one: nothing is rounded here. */
export type Earned = {
  readonly parts: bigint
  /** What is left of each once penalties per kWh are taken. */
  readonly shares: readonly bigint[]
  /** From whom something was taken for what it fell short of itself. */
  readonly penalised: readonly boolean[]
  /** Of all shares. */
  readonly total: bigint
  /** All that was taken, never more than was earned. */
  readonly penalty: bigint
  readonly payableWh: number
  readonly deficientWh: number
}

/** What counts of each resource; portfolio rules come after. */
export function countedRows(input: SettlementInput): Row[] {
  const candidates = new Map(input.candidates.map((c) => [c.resourceId, c]))
  const deliveries = new Map<string, Delivery[]>()
  for (const delivery of input.deliveries) {
    const mine = deliveries.get(delivery.resourceId)
    if (mine) mine.push(delivery)
    else deliveries.set(delivery.resourceId, [delivery])
  }
  const place = placing(input)
  return input.allocations.map((allocation) => {
    const { resourceId } = allocation
    const candidate = candidates.get(resourceId)
    if (!candidate) throw new Error(`no candidate ${resourceId} in the terms`)
    return countedRow(allocation, candidate, deliveries.get(resourceId) ?? [], input, place)
  })
}

function countedRow(
  allocation: Allocation,
  candidate: Candidate,
  mine: readonly Delivery[],
  input: SettlementInput,
  place: Placing,
): Row {
  const { policy, standby } = input
  const counted = mine.filter((delivery) => counts(allocation, delivery))
  const isUnknown = counted.some((delivery) => delivery.measuredWh === null)
  const stretches: Counted[] = place.starts.map(() => ({
    countedWh: 0,
    orderedWh: 0,
    physicalWh: 0,
  }))
  for (const delivery of counted) {
    const stretch = stretches[place.of(delivery.start)] as Counted
    stretch.countedWh += delivery.deliveredWh
    stretch.orderedWh += delivery.orderedWh
    stretch.physicalWh += physicalMostWh(candidate.rating, delivery)
  }
  const eligibleWh = stretches.map(({ countedWh, orderedWh, physicalWh }) =>
    isUnknown
      ? 0
      : Math.min(
          Math.max(0, countedWh),
          physicalWh,
          Math.floor((orderedWh * policy.capBp) / 10_000),
        ),
  )
  const { resourceId, ownerId, aggregatorId } = candidate
  const stood = standby
    ? readyWh(allocation, mine, input, place)
    : {
        calledWh: stretches.map(({ orderedWh }) => (isUnknown ? 0 : orderedWh)),
        heldWh: stretches.map(() => 0),
      }
  const sumWh = eligibleWh.reduce((sum, wh) => sum + wh, 0)
  return {
    candidate,
    eligibleWh,
    ...stood,
    deliveries: mine,
    line: {
      resourceId,
      ownerId,
      aggregatorId,
      orderedWh: mine.reduce((sum, delivery) => sum + delivery.orderedWh, 0),
      deliveredWh: mine.reduce((sum, delivery) => sum + delivery.deliveredWh, 0),
      eligibleWh: sumWh,
      reason: isStandby(standby, mine, [...stood.calledWh, ...stood.heldWh])
        ? 'stood-by'
        : reasonOf(allocation, isUnknown, sumWh),
    },
  }
}

function reasonOf(allocation: Allocation, isUnknown: boolean, eligibleWh: number): LineReason {
  if (allocation.releaseReason !== undefined) return allocation.releaseReason
  if (allocation.releasedAt !== null) return 'not-obeying'
  if (isUnknown) return 'no-readings'
  return eligibleWh === 0 ? 'nothing-delivered' : 'paid'
}

/** It had nothing to deliver and stood by in some period. */
function isStandby(
  standby: SettlementInput['standby'],
  mine: readonly Delivery[],
  stoodWh: readonly number[],
): boolean {
  return standby !== undefined && mine.length === 0 && stoodWh.some((wh) => wh > 0)
}

/** What it reserved and had ready, per stretch, called upon or held. */
function readyWh(
  allocation: Allocation,
  mine: readonly Delivery[],
  { standby = [], scalesAll }: SettlementInput,
  place: Placing,
): Pick<Row, 'calledWh' | 'heldWh'> {
  const [calledWh, heldWh] = [place.starts.map(() => 0), place.starts.map(() => 0)]
  const calledIn = new Set(mine.map(({ start }) => place.of(start)))
  for (const one of standby) {
    if (one.resourceId !== allocation.resourceId || !one.isReady) continue
    if (!counts(allocation, one)) continue
    const at = place.of(one.start)
    const isCalled = one.isCalled ?? (scalesAll === true || calledIn.has(at))
    const ready = isCalled ? calledWh : heldWh
    ready[at] = (ready[at] ?? 0) + one.reservedWh
  }
  return { calledWh, heldWh }
}

function counts(
  { releasedAt, releaseReason }: Allocation,
  { end }: Pick<Delivery, 'end'>,
): boolean {
  if (releasedAt === null) return true
  return releaseReason !== undefined && end <= releasedAt
}

/** Which figures are netted and judged together: all, or those of one settlement period. */
type Placing = { readonly starts: readonly Instant[]; of(start: Instant): number }

function placing({ policy, orderedPeriods }: SettlementInput): Placing {
  const starts = orderedPeriods.map(({ start }) => start)
  if (policy.over === 'window' || starts.length < 2) {
    return { starts: starts.slice(0, 1), of: () => 0 }
  }
  return {
    starts,
    of: (start) =>
      Math.max(
        0,
        starts.findLastIndex((from) => from <= start),
      ),
  }
}

/** What each row has earned by the policy: portfolio figures per stretch, shared pro rata. */
export function earn(rows: readonly Row[], input: SettlementInput): Earned {
  const { policy, priceCap, carriedWh } = input
  const stretches = stretchesOf(rows, input)
  // What is not felt at the congestion point was not bought.
  const felt = rows.filter((row) => effectOf(row) > 0)
  const positive = stretches.map((_, i) => weighed(felt, ({ eligibleWh }) => eligibleWh[i] ?? 0))
  const awards = stretches.map((stretch, i) =>
    award(policy, stretch, { mostWh: wholeWh(positive[i] ?? 0), carriedWh }),
  )
  const charged = chargedFor(rows, stretches, awards, input)
  const common = commonMultiple(input, stretches, [
    ...positive.map(pointDivisor),
    ...charged.map(divisorOf),
  ])
  // What counts at the congestion point, per Wh at a device: paid is what devices' meters count.
  const perWh = awards.map(({ payableWh, factorBp }, i) => {
    const counted = BigInt(payableWh) * BigInt(WHOLE_EFFECT_BP) * BigInt(factorBp) * common
    return positive[i] ? counted / BigInt(positive[i]) : 0n
  })
  const parts = common * PER_KWH_BP
  const earned = stretches.map(() => 0n)
  const kept = stretches.map((stretch, i) => keptShare(policy, awards[i] as Award, stretch))
  const owed = owedBy(charged, common)
  const each = rows.map((row) => {
    const asked = policyPrice(policy, row.candidate.price)
    const price = asked < priceCap ? asked : priceCap
    if (effectOf(row) <= 0) return 0n
    return row.eligibleWh.reduce((sum, wh, i) => {
      const used = BigInt(wh) * price * (perWh[i] ?? 0n)
      const isUsed = (stretches[i]?.orderedWh ?? 0) > 0
      const factorBp = isUsed ? (awards[i]?.factorBp ?? 0) : 10_000
      const called = availabilityNumerator(policy, row.calledWh[i] ?? 0, factorBp) * common
      const held = availabilityNumerator(policy, row.heldWh[i] ?? 0, 10_000) * common
      earned[i] = (earned[i] ?? 0n) + used + called + held
      const { part, whole: of } = kept[i] as Kept
      return sum + ((used + called) * part) / of + held
    }, 0n)
  })
  // What falls on all is borne by what each has earned, whatever each bears alone: else how some are
  // bounded by their own earnings would be felt by others. Exact in parts of all that was earned.
  const all = sumOf(each)
  const onAll = leastOf(owed.all, all)
  const scale = onAll === 0n ? 1n : all
  const alone = (i: number) => owed.each[i] ?? 0n
  const shares = each.map((mine, i) => {
    const left = (mine - alone(i)) * scale - mine * onAll
    return left > 0n ? left : 0n
  })
  const total = sumOf(shares)
  return {
    parts: parts * scale,
    shares,
    penalised: each.map((mine, i) => mine > 0n && alone(i) > 0n),
    total,
    penalty: sumOf(earned) * scale - total,
    payableWh: awards.reduce((sum, { payableWh }) => sum + payableWh, 0),
    deficientWh: awards.reduce((sum, { deficientWh }) => sum + deficientWh, 0),
  }
}

/** What is charged by the kWh per stretch; by terms of the first rule nobody has it alone. */
function chargedFor(
  rows: readonly Row[],
  stretches: readonly Stretch[],
  awards: readonly Award[],
  input: SettlementInput,
): Charged[] {
  const { policy, penalty, poolsPenalty } = input
  const charges = stretches.map((stretch, i) =>
    chargesFor(policy, penalty, awards[i] as Award, stretch),
  )
  const isCharged = charges.some((some) => some.length > 0)
  if (poolsPenalty === true || !isCharged) {
    return charges.map((some) => {
      return { charges: some.map((one) => ({ ...one, isShortage: false })), short: [] }
    })
  }
  const place = placing(input)
  const shortOf = rows.map((row) => {
    const shortWh = stretches.map(() => 0)
    for (const { start, orderedWh, deliveredWh } of row.deliveries) {
      const at = place.of(start)
      shortWh[at] = (shortWh[at] ?? 0) + orderedWh - deliveredWh
    }
    const effect = Math.max(0, effectOf(row))
    return shortWh.map((wh) => Math.max(0, wh) * effect)
  })
  return charges.map((some, i) => ({ charges: some, short: shortOf.map((mine) => mine[i] ?? 0) }))
}

function sumOf(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sum, one) => sum + one, 0n)
}

/** Energies of rows, each times the effect of its device: 10,000 to a Wh at the congestion point. */
function weighed(rows: readonly Row[], whOf: (row: Row) => number): number {
  return rows.reduce((sum, row) => sum + whOf(row) * effectOf(row), 0)
}

function wholeWh(weighedWh: number): number {
  return Math.trunc(weighedWh / WHOLE_EFFECT_BP) + 0
}

function effectOf({ candidate }: Row): number {
  return candidate.effectBp ?? WHOLE_EFFECT_BP
}

/** What every divisor of the split divides: until the payees' one division all stays exact. */
function commonMultiple(
  { policy }: SettlementInput,
  stretches: readonly Stretch[],
  divisors: readonly bigint[],
): bigint {
  const least = divisors.reduce(leastCommonMultiple, 1n)
  if (policy.penalty.kind !== 'share-of-payment') return least
  const ordered = stretches.map(({ orderedWh }) => BigInt(orderedWh))
  return least * 10_000n * ordered.reduce(leastCommonMultiple, 1n)
}

function pointDivisor(sum: number): bigint {
  return BigInt(sum) / greatestCommon(BigInt(sum), BigInt(WHOLE_EFFECT_BP))
}

/** As the congestion point sees them; what is metered stays as metered. */
function stretchesOf(rows: readonly Row[], input: SettlementInput): Stretch[] {
  const place = placing(input)
  const stretches = place.starts.map(() => ({
    seconds: 0,
    orderedWh: 0,
    deliveredWh: 0,
    baselineWh: 0,
    meteredWh: 0,
  }))
  const at = (start: Instant) => stretches[place.of(start)]
  for (const { start, seconds, orderedWh } of input.orderedPeriods) {
    const stretch = at(start)
    if (stretch) {
      stretch.seconds += seconds
      stretch.orderedWh += orderedWh
    }
  }
  for (const row of rows) {
    for (const { start, deliveredWh, baselineWh, measuredWh } of row.deliveries) {
      const stretch = at(start)
      if (!stretch) throw new Error(`a delivery in a call that was ordered nothing`)
      stretch.deliveredWh += deliveredWh * effectOf(row)
      stretch.baselineWh += baselineWh * effectOf(row)
      stretch.meteredWh += measuredWh ?? baselineWh
    }
  }
  return stretches.map(({ deliveredWh, baselineWh, ...stretch }) => ({
    ...stretch,
    deliveredWh: wholeWh(deliveredWh),
    baselineWh: wholeWh(baselineWh),
  }))
}

/** Delivered by all together, at the congestion point. */
export function deliveredAtPoint(rows: readonly Row[]): number {
  return wholeWh(weighed(rows, ({ line }) => line.deliveredWh))
}

function leastCommonMultiple(a: bigint, b: bigint): bigint {
  return b === 0n ? a : (a / greatestCommon(a, b)) * b
}
