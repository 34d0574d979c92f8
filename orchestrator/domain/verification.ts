import { activationFault } from './activation.ts'
import type { Allocation } from './allocation.ts'
import { unvouched } from './arming.ts'
import {
  meanPower,
  methodFor,
  orderBaseline,
  referenceOf,
  windowInput,
} from './baseline/candidate.ts'
import { seriesOfReadings } from './baseline/readings.ts'
import { canonicalJson, hashOf } from './canonical.ts'
import { challengedSettlement } from './challenge.ts'
import { unexplained } from './control/explain.ts'
import { unfollowed } from './control/follow-log.ts'
import { controlGroupOf } from './control-group.ts'
import {
  bundleText,
  commitReadings,
  CORRECTION_LOG,
  CORRECTION_LOGS,
  type EvidenceBundle,
  parseEvidence,
} from './evidence.ts'
import { roundIdOf } from './escrow.ts'
import { heldLines, isRestAmount, restAmount, type RestTerms } from './held-rest.ts'
import type { Hex } from './ids.ts'
import { measure, settlementOf } from './measurement.ts'
import { policyHash } from './payment-policy.ts'
import { asAtGate } from './reserve.ts'
import type { Rounding } from './settlement.ts'
import { PENALTY_RULE } from './settlement-penalty.ts'
import { STANDBY_RULE, STANDBY_RULES } from './standby.ts'
import { byResource, type Reading, readingHash } from './telemetry.ts'
import type { CheckMeterSignature } from './signed-meter/meter-key.ts'
import { assurancesOf } from './signed-meter/vouch.ts'
import { formatInstant } from './time.ts'
import { basisPoints } from './units.ts'

/** Which line differs, what it should say and what it says. */
export type Difference = { readonly line: string; readonly expected: string; readonly got: string }

type Check = (publicKey: Hex, hash: Hex, signature: Hex) => boolean

/** How signatures are checked: those of gateways, and those of meters. */
export type Checks = { readonly gateway: Check; readonly meter: CheckMeterSignature }

/** Reads a bundle's text. @throws SyntaxError for anything but JSON of this format. */
export function parseBundle(text: string): EvidenceBundle {
  const bundle = parseEvidence(text) as EvidenceBundle
  if (bundle?.format !== 'gridcall-evidence' || bundle.formatVersion !== 1) {
    throw new SyntaxError('expected a gridcall-evidence bundle of format version 1')
  }
  return bundle
}

/**
 * Recomputes a bundle on its own: hashes, gateway signatures, commitments, baselines, deliveries
 * and every cent. An empty list: nothing differs. What the chain says is compared elsewhere.
 */
export function verifyBundle(text: string, checks: Checks, round?: Rounding): Difference[] {
  const bundle = parseBundle(text)
  return [
    ...same('bundle', bundleText(bundle) === text ? 'canonical' : 'other', 'canonical'),
    ...same('terms hash', bundle.escrow.terms.termsHash, hashOf(bundle.terms)),
    ...policyDifferences(bundle),
    ...readingDifferences(bundle, checks.gateway),
    ...recordingDifferences(bundle, checks.gateway),
    ...assuranceDifferences(bundle, checks.meter),
    ...commitmentDifferences(bundle),
    ...baselineDifferences(bundle),
    ...listedTwice(bundle.allocations, ''),
    ...listedTwice(bundle.terms.ordered, ' in the terms'),
    ...orderDifferences(bundle),
    ...activationDifferences(bundle),
    ...correctionDifferences(bundle),
    ...moneyDifferences(bundle, round),
  ]
}

function same(line: string, got: unknown, expected: unknown): Difference[] {
  const [a, b] = [canonicalJson(got), canonicalJson(expected)]
  return a === b ? [] : [{ line, expected: b, got: a }]
}

function readingDifferences(bundle: EvidenceBundle, check: Check): Difference[] {
  const keys = new Map(bundle.terms.gatewayKeys.map((key) => [key.id, key.publicKey]))
  const all = [...bundle.history, ...bundle.before, ...bundle.readings]
  const faults = all.flatMap((reading) => {
    const line = `reading ${reading.resourceId} ${formatInstant(reading.at)}`
    const hash = readingHash(reading)
    if (hash !== reading.hash) return [{ line, expected: hash, got: reading.hash }]
    const key = keys.get(reading.gatewayId)
    if (key === undefined || !check(key, reading.hash, reading.signature)) {
      const expected = `a signature by ${key ?? `a key of ${reading.gatewayId} in the terms`}`
      return [{ line, expected, got: reading.signature }]
    }
    return []
  })
  return [...faults, ...chainDifferences(all)]
}

/** What devices recorded themselves is what a gateway took from them. */
function recordingDifferences({ armings = [], terms }: EvidenceBundle, check: Check): Difference[] {
  return armings.flatMap((arming) => {
    const fault = unvouched(arming, terms, check)
    if (fault === null) return []
    const { field, expected, got } = fault
    return [{ line: `recording ${arming.resourceId}: ${field}`, expected, got }]
  })
}

/** How well readings are vouched for, from the meters' own records in the bundle. */
function assuranceDifferences(bundle: EvidenceBundle, check: CheckMeterSignature): Difference[] {
  const expected = assurancesOf(bundle, check)
  return expected.flatMap((assurance, i) =>
    same(`assurance ${assurance.resourceId}`, bundle.assurances[i] ?? null, assurance),
  )
}

function chainDifferences(readings: readonly Reading[]): Difference[] {
  const bySequence = new Map(
    readings.map((r) => [`${r.gatewayId} ${r.resourceId} ${r.sequence}`, r]),
  )
  return [...bySequence.values()].flatMap((reading) => {
    const key = `${reading.gatewayId} ${reading.resourceId} ${reading.sequence - 1}`
    const before = bySequence.get(key)
    if (!before) return []
    const line = `reading ${reading.resourceId} ${formatInstant(reading.at)}: hash before`
    return same(line, reading.previousHash, before.hash)
  })
}

function commitmentDifferences(bundle: EvidenceBundle): Difference[] {
  const { terms } = bundle
  return [
    ...same(
      'baseline commitment',
      terms.baselineCommitment,
      commitReadings(bundle.history, terms.candidates),
    ),
    ...same(
      'window start commitment',
      bundle.windowStartCommitment,
      commitReadings(bundle.before, []),
    ),
  ]
}

/**
 * Days left out because the resource was called are taken from the terms, where everybody can see
 * them; all else of a baseline follows from the readings.
 */
function baselineDifferences(bundle: EvidenceBundle): Difference[] {
  const { program, request, candidates, control } = bundle.terms
  const history = byResource(bundle.history)
  const seconds = program.settlementPeriodSeconds
  const window = windowInput(
    program,
    request.periods.map((period) => period.start),
  )
  const references = new Map(
    [program.chargerBaseline, program.batteryBaseline].map((m) => [m, referenceOf(m)]),
  )
  return [...candidates, ...control].flatMap(({ resourceId, kind, rating, ...candidate }) => {
    const method = methodFor(program, kind)
    const readings = history.get(resourceId) ?? []
    const series = seriesOfReadings(readings, rating, seconds, seconds)
    const callDays = new Set(candidate.baseline.callDays)
    const baseline = orderBaseline(method, window, rating, series, callDays)
    const baselineW = baseline.energies.map((energy) => meanPower(energy, seconds))
    const line = `baseline ${resourceId}`
    return [
      ...same(`${line}: method`, candidate.baselineMethod, references.get(method)),
      ...same(line, candidate.baselineW, baselineW),
      ...same(`${line}: days`, candidate.baseline, baseline),
    ]
  })
}

/** The policy's hash, and that nobody of the control group was ordered or chosen otherwise. */
function policyDifferences({ terms, allocations }: EvidenceBundle): Difference[] {
  const control = terms.control.map(({ resourceId }) => resourceId)
  const all = [...terms.candidates.map(({ resourceId }) => resourceId), ...control]
  const chosen = controlGroupOf(terms.callId, all, terms.program.controlGroupBp ?? basisPoints(0))
  const wrong = control.filter(
    (id) => !chosen.has(id) || allocations.some(({ resourceId }) => resourceId === id),
  )
  return [
    ...same('policy hash', terms.policyHash, policyHash(terms.program.paymentPolicy)),
    ...same('penalty rule', terms.penaltyRule ?? PENALTY_RULE, PENALTY_RULE),
    ...wrong.map((id) => ({
      line: `control group ${id}`,
      expected: 'a device that the hash of the call chose, and that was not ordered',
      got: id,
    })),
  ]
}

/** A device has one part in a call, and its energy counts once: whatever it is called for. */
function listedTwice(parts: readonly Allocation[], where: string): Difference[] {
  const byDevice = Map.groupBy(parts, ({ resourceId }) => resourceId)
  return [...byDevice].flatMap(([resourceId, mine]) => {
    if (mine.length === 1) return []
    const roles = [...new Set(mine.map(({ role }) => role))].join(' and ')
    const got = `listed ${mine.length} times`
    return [{ line: `part ${resourceId}: ${roles}${where}`, expected: 'each device once', got }]
  })
}

/**
 * Who was ordered what at gate closure stands in the terms; only a release, and what the closed
 * loop raised on top, may be added later.
 */
function orderDifferences(bundle: EvidenceBundle): Difference[] {
  const { terms, allocations, deliveryEnd } = bundle
  const starts = new Set(terms.request.periods.map(({ start }) => start))
  const orders = terms.ordered.flatMap((ordered) => {
    const found = allocations.find((a) => a.resourceId === ordered.resourceId && a.role === 'order')
    const periods = ordered.periods
      .filter((period) => period.start < deliveryEnd)
      .map((period) => (period.end > deliveryEnd ? { ...period, end: deliveryEnd } : period))
    const got = found === undefined ? null : asAtGate(found, starts)
    return same(`order ${ordered.resourceId}`, got, periods)
  })
  const names = new Set(terms.ordered.map((ordered) => ordered.resourceId))
  const strangers = allocations
    .filter((a) => a.role === 'order' && !names.has(a.resourceId))
    .map((a) => ({ line: `order ${a.resourceId}`, expected: 'none in the terms', got: 'an order' }))
  return [...orders, ...strangers]
}

/** Only what stands by is activated, inside its window, with the notice agreed, and once. */
function activationDifferences({ terms, activations }: EvidenceBundle): Difference[] {
  const isReserve = terms.program.product !== undefined
  const has = same('activations', activations !== undefined, isReserve)
  if (has.length > 0 || activations === undefined) return has
  const { standbyRule } = terms
  if (standbyRule !== undefined && !STANDBY_RULES.includes(standbyRule)) {
    return same('stand-by rule', standbyRule, STANDBY_RULE)
  }
  return activations.flatMap((activation, i) => {
    const before = { ...terms, activations: activations.slice(0, i) }
    const fault = activationFault(before, activation, activation.orderedAt)
    if (fault === null) return []
    const line = `activation ${formatInstant(activation.start)}`
    return [{ line, expected: 'one that the terms allow', got: fault.message }]
  })
}

/**
 * What devices were told inside the window stands in the bundle where the terms promise it, and
 * their parts must follow from it.
 */
function correctionDifferences(bundle: EvidenceBundle): Difference[] {
  const { corrections, allocations, deliveryEnd, terms } = bundle
  const { correctionLog } = terms
  if (correctionLog !== undefined && !CORRECTION_LOGS.includes(correctionLog)) {
    return same('correction log', correctionLog, CORRECTION_LOG)
  }
  if (corrections === undefined) {
    if (correctionLog === undefined) return []
    const expected = `the log that the terms promise, version ${correctionLog}`
    return [{ line: 'corrections', expected, got: 'none' }]
  }
  const { meteringIntervalSeconds } = terms.program
  const starts = new Set(terms.request.periods.map(({ start }) => start))
  const raster = { until: deliveryEnd, meteringIntervalSeconds, starts }
  const strays =
    correctionLog === 1
      ? unexplained(allocations, corrections, raster)
      : unfollowed(allocations, corrections, raster)
  const prices = new Map(terms.candidates.map(({ resourceId, price }) => [resourceId, price]))
  const dear = corrections.filter(({ resourceId, toW, fromW, later = [] }) => {
    const mostW = Math.max(toW, ...later.map((step) => step.toW))
    return mostW > fromW && (prices.get(resourceId) ?? 0n) > terms.request.priceCap
  })
  return [
    ...strays.flatMap(({ resourceId, byLogW, byPartW }) =>
      same(`correction ${resourceId}`, byLogW, byPartW),
    ),
    ...dear.map(({ resourceId }) => ({
      line: `correction ${resourceId}`,
      expected: `a price of at most ${terms.request.priceCap} micro-EUR/kWh`,
      got: `${prices.get(resourceId)}`,
    })),
  ]
}

function moneyDifferences(bundle: EvidenceBundle, round?: Rounding): Difference[] {
  const deliveries = measure(bundle)
  const settlement = settlementOf(bundle, deliveries, round)
  const lines = Math.max(settlement.lines.length, bundle.settlement.lines.length)
  const differing: Difference[] = []
  const all = [...deliveries, ...bundle.deliveries.slice(deliveries.length)]
  all.forEach(({ resourceId, start }, i) => {
    const line = `delivery ${resourceId} ${formatInstant(start)}`
    differing.push(...same(line, bundle.deliveries[i] ?? null, deliveries[i] ?? null))
  })
  for (let i = 0; i < lines; i++) {
    const expected = settlement.lines[i] ?? null
    const got = bundle.settlement.lines[i] ?? null
    differing.push(...same(`line ${(expected ?? got)?.resourceId}`, got, expected))
  }
  const { lines: _mine, ...expected } = settlement
  const { lines: _theirs, ...got } = bundle.settlement
  const keys = new Set([...Object.keys(expected), ...Object.keys(got)])
  for (const key of keys as Set<keyof typeof expected>) {
    differing.push(...same(`total ${key}`, got[key] ?? null, expected[key] ?? null))
  }
  const { payout, fee, held, refund } = bundle.settlement
  return [
    ...differing,
    ...same(
      'payout + fee + held + refund',
      payout + fee + held + refund,
      bundle.rest?.amount ?? bundle.escrow.terms.amount,
    ),
    ...(bundle.rest ? restDifferences(bundle.rest, bundle.terms.program.feeBp) : []),
  ]
}

/** What a later round says of itself; whether an earlier one held it, the earlier bundle says. */
function restDifferences(rest: RestTerms, feeBp: number): Difference[] {
  const names = rest.lines.map(({ resourceId }) => resourceId)
  const decided = rest.decisions?.map(({ resourceId }) => resourceId) ?? names
  const wild = (rest.decisions ?? []).filter(({ resourceId, pay }) => {
    const held = rest.lines.find((line) => line.resourceId === resourceId)?.held ?? 0n
    return pay < 0n || pay > held
  })
  return [
    ...same('id of what is held', rest.requestId, roundIdOf(rest.heldBy, rest.round)),
    ...(isRestAmount(rest.amount, rest.lines, feeBp)
      ? []
      : same('amount of what is held', rest.amount, restAmount(rest.lines, feeBp))),
    ...same('lines that are decided', decided, names),
    ...wild.map(({ resourceId, pay }) => ({
      line: `decision ${resourceId}`,
      expected: 'between 0 and what is held',
      got: String(pay),
    })),
  ]
}

/**
 * A later round against the bundle it comes after: what was held there, for which lines, and that
 * everything else about the call is the same.
 */
export function roundDifferences(bundle: EvidenceBundle, before: EvidenceBundle): Difference[] {
  const { rest } = bundle
  if (!rest) return [{ line: 'rest', expected: 'what an earlier round held', got: 'none' }]
  return [
    ...same('terms of the earlier round', bundle.terms, before.terms),
    ...same('escrow of the earlier round', bundle.escrow, before.escrow),
    ...same('version of the earlier round', before.version, rest.fromVersion),
    ...same('held by', rest.heldBy, before.rest?.requestId ?? before.escrow.requestId),
    ...same(
      'lines that are held',
      rest.lines,
      heldLines(
        rest.challenged ? challengedSettlement(before.settlement) : before.settlement,
        before.rest?.lines ?? [],
      ),
    ),
  ]
}
