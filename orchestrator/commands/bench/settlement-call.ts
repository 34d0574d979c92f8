/** A call of many devices in memory: what is measured, and nothing around it. */
import { performance } from 'node:perf_hooks'
import type { Allocation, Candidate } from '#domain/allocation.ts'
import {
  meanPower,
  methodFor,
  orderBaseline,
  referenceOf,
  windowInput,
} from '#domain/baseline/candidate.ts'
import { builtInMethod } from '#domain/baseline/methods.ts'
import { seriesOfReadings } from '#domain/baseline/readings.ts'
import {
  callId,
  congestionPointId,
  gatewayId,
  organisationId,
  ownerId,
  programId,
  resourceId,
} from '#domain/ids.ts'
import { type Evidence, measure, settlementOf } from '#domain/measurement.ts'
import { microEurPerKwh } from '#domain/money.ts'
import { curvePolicy } from '#domain/payment-policies.ts'
import { policyHash } from '#domain/payment-policy.ts'
import type { Program } from '#domain/program.ts'
import type { Rating } from '#domain/resource.ts'
import { escrowNeeded } from '#domain/settlement.ts'
import { byResource, CHAIN_START, type Reading } from '#domain/telemetry.ts'
import { addSeconds, type Instant, localDayOfWeek, parseInstant } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { serve } from './child.ts'

export type Asked = {
  readonly devices: number
  readonly periods: number
  readonly days: number
  readonly seed: number
}

export type Settled = {
  readonly lines: number
  readonly paidLines: number
  readonly deliveries: number
  readonly baselineMs: number
  readonly measureMs: number
  readonly settleMs: number
  readonly rssMaxBytes: number
}

/** A Wednesday in winter, 17:00 in Amsterdam. */
const START: Instant = parseInstant('2026-01-14T16:00:00Z')
const PERIOD_S = 900
const DAY_S = 86_400
const TIME_ZONE = 'Europe/Amsterdam'

const RATING: Rating = {
  importMaxW: 11_040,
  exportMaxW: 0,
  importMinW: 4_140,
  phases: 3,
  energyWh: 0,
  reserveWh: 0,
  pausable: true,
}

function program(): Program {
  const method = (name: string) => {
    const found = builtInMethod(name)
    if (found === null) throw new Error(`there is no baseline method ${name}`)
    return found
  }
  return {
    id: programId('bench'),
    version: 1,
    dsoId: organisationId('dso'),
    timeZone: TIME_ZONE,
    settlementPeriodSeconds: PERIOD_S,
    meteringIntervalSeconds: 30,
    controlCycleSeconds: 30,
    noticeSeconds: 300,
    graceSeconds: 120,
    disputeWindowSeconds: 3600,
    epochSeconds: DAY_S,
    epochWindowSeconds: 3600,
    settleBySeconds: DAY_S,
    priceCapMax: microEurPerKwh(450_000n),
    feeBp: basisPoints(200),
    paymentPolicy: curvePolicy([
      { deliveredBp: 2500, payBp: 0 },
      { deliveredBp: 9500, payBp: 10_000 },
    ]),
    chargerBaseline: method('mean-10-of-10'),
    batteryBaseline: method('reading-before'),
    toleranceW: 200,
    toleranceBp: basisPoints(500),
  }
}

/** Quarter-hour registers of the days before and of the window, one device after the other. */
function readingsOf({ devices, periods, days, seed }: Asked) {
  const history: Reading[] = []
  const readings: Reading[] = []
  const backs = [...workingDaysBefore(days), 0]
  for (let device = 0; device < devices; device++) {
    const habitW = 1500 + ((device * 7919 + seed * 104_729) % 5500)
    let registerWh = 1_000_000
    for (const back of backs) {
      const isToday = back === 0
      for (let period = 0; period <= periods; period++) {
        const at = addSeconds(START, period * PERIOD_S - back * DAY_S)
        const row = rowOf(device, at, registerWh)
        if (isToday) readings.push(row)
        else history.push(row)
        const wobble = ((device * 31 + back * 17 + period * 13 + seed) % 21) - 10
        registerWh += Math.round(((isToday ? habitW / 10 : habitW) * (100 + wobble)) / 400)
      }
    }
  }
  return { history, readings }
}

/** How many days before the window, the furthest first. */
function workingDaysBefore(count: number): number[] {
  const found: number[] = []
  for (let back = 1; found.length < count; back++) {
    if (localDayOfWeek(addSeconds(START, -back * DAY_S), TIME_ZONE) <= 5) found.unshift(back)
  }
  return found
}

function rowOf(device: number, at: Instant, registerWh: number): Reading {
  return {
    resourceId: resourceId(`charger-${device}`),
    at,
    powerW: null,
    registerWh,
    socBp: null,
    quality: 'measured',
    receivedAt: at,
    gatewayId: gatewayId('gateway-1'),
    sequence: 0,
    previousHash: CHAIN_START,
    hash: CHAIN_START,
    signature: CHAIN_START,
  }
}

/** What stands in the terms: each device with the baseline of its own history. */
function candidatesOf(rules: Program, asked: Asked, history: readonly Reading[]): Candidate[] {
  const starts = Array.from({ length: asked.periods }, (_, i) => addSeconds(START, i * PERIOD_S))
  const window = windowInput(rules, starts)
  const method = methodFor(rules, 'charger')
  const baselineMethod = referenceOf(method)
  return [...byResource(history)].map(([id, mine], i) => {
    const series = seriesOfReadings(mine, RATING, PERIOD_S, PERIOD_S)
    const baseline = orderBaseline(method, window, RATING, series, new Set())
    return {
      resourceId: id,
      ownerId: ownerId(`owner-${i}`),
      aggregatorId: organisationId(`aggregator-${i % 20}`),
      aggregatorShareBp: basisPoints(1500),
      kind: 'charger',
      rating: RATING,
      price: microEurPerKwh(BigInt(100_000 + (i % 1000) * 100)),
      baselineMethod,
      baselineW: baseline.energies.map((energy) => meanPower(energy, PERIOD_S)),
      baseline,
    }
  })
}

function evidenceOf(
  rules: Program,
  candidates: readonly Candidate[],
  { periods }: Asked,
  readings: { readonly history: readonly Reading[]; readonly readings: readonly Reading[] },
): Evidence {
  const starts = Array.from({ length: periods }, (_, i) => addSeconds(START, i * PERIOD_S))
  const end = addSeconds(START, periods * PERIOD_S)
  const allocations = candidates.map(({ resourceId: id, baselineW }): Allocation => {
    const ordered = starts.map((start, i) => {
      const powerW = baselineW[i] ?? 0
      return { start, end: addSeconds(start, PERIOD_S), powerW, setpointW: 0 }
    })
    return { resourceId: id, role: 'order', periods: ordered, releasedAt: null }
  })
  const orderedW = starts.map((_, i) =>
    candidates.reduce((sum, c) => sum + (c.baselineW[i] ?? 0), 0),
  )
  const orderedWh = orderedW.reduce((sum, powerW) => sum + (powerW * PERIOD_S) / 3600, 0)
  const priceCap = rules.priceCapMax
  return {
    format: 'gridcall-evidence',
    formatVersion: 1,
    version: 1,
    terms: {
      callId: callId('bench'),
      program: rules,
      request: {
        congestionPointId: congestionPointId('feeder-1'),
        direction: 'reduce-import',
        window: { start: START, end },
        periods: starts.map((start, i) => ({ start, powerW: orderedW[i] ?? 0 })),
        priceCap,
        penalty: { kind: 'none' },
      },
      candidates,
      orderedW,
      ordered: allocations,
      baselineCommitment: CHAIN_START,
      gatewayKeys: [],
      meterKeys: [],
      policyHash: policyHash(rules.paymentPolicy),
      carriedWh: 0,
      control: [],
    },
    escrow: {
      terms: {
        payer: '0x0000000000000000000000000000000000000001',
        amount: escrowNeeded(Math.ceil(orderedWh), priceCap, rules.feeBp, rules.paymentPolicy),
        deliverStart: START,
        deliverEnd: end,
        settleBy: addSeconds(end, DAY_S),
        verifierSetId: 1,
        termsHash: CHAIN_START,
        salt: CHAIN_START,
      },
      requestId: CHAIN_START,
    },
    deliveryEnd: end,
    allocations,
    ...readings,
    before: [],
    windowStartCommitment: CHAIN_START,
    signedRecords: [],
    assurances: [],
    stated: [],
    salts: [],
  }
}

function settleOne(asked: Asked): Settled {
  const rules = program()
  const readings = readingsOf(asked)
  const begun = performance.now()
  const candidates = candidatesOf(rules, asked, readings.history)
  const based = performance.now()
  const evidence = evidenceOf(rules, candidates, asked, readings)
  const ordered = performance.now()
  const deliveries = measure(evidence)
  const measured = performance.now()
  const { lines, payout, fee, held, refund } = settlementOf(evidence, deliveries)
  const settled = performance.now()
  if (payout + fee + held + refund !== evidence.escrow.terms.amount) {
    throw new Error('the parts are not the escrow')
  }
  return {
    lines: lines.length,
    paidLines: lines.filter(({ gross }) => gross > 0n).length,
    deliveries: deliveries.length,
    baselineMs: based - begun,
    measureMs: measured - ordered,
    settleMs: settled - measured,
    rssMaxBytes: process.resourceUsage().maxRSS * 1024,
  }
}

serve({ settle: settleOne })
