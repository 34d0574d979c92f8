/** Valid domain values; a test states only what matters to it. */
import type { SealedAccount } from '#domain/bank-account.ts'
import type { Capability } from '#domain/capability.ts'
import type { Allocation } from '#domain/allocation.ts'
import type { BusinessEventInput } from '#domain/business-event.ts'
import type { ChainEvent, ChainIntent } from '#domain/chain.ts'
import type { DesiredSetpoint } from '#domain/dispatch-instruction.ts'
import type { FlexibilityCall } from '#domain/flexibility-call.ts'
import {
  callId,
  congestionPointId,
  gatewayId,
  type Hex,
  organisationId,
  ownerId,
  programId,
  resourceId,
  siteId,
} from '#domain/ids.ts'
import { microEur, microEurPerKwh } from '#domain/money.ts'
import { curvePolicy } from '#domain/payment-policies.ts'
import type { PayoutEpoch } from '#domain/payout.ts'
import type { Program } from '#domain/program.ts'
import type { Resource } from '#domain/resource.ts'
import type { Reading } from '#domain/telemetry.ts'
import { type Instant, instant } from '#domain/time.ts'
import { basisPoints } from '#domain/units.ts'
import { baselineMethod } from '../support/builders.ts'

export const NOW = instant(Date.UTC(2024, 0, 17, 17, 0))
export const CAPABILITY: Capability = {
  protocol: 'ocpp1.6',
  make: 'Acme',
  model: null,
  firmware: '1.0',
  quirks: null,
  unit: 'A',
  phases: 3,
  minimumW: 4140,
  stepW: 69,
  stackLevelMax: 8,
  periodsMax: null,
  purposes: ['TxProfile', 'TxDefaultProfile'],
  kinds: ['Absolute'],
  pauses: true,
  resumes: null,
  readBack: 'composite',
  meterIntervalSeconds: 30,
  signs: false,
  v2x: false,
  dynamic: false,
  offlineFallback: 'expires',
  updateEverySeconds: null,
}

export const minutes = (count: number): Instant => instant(NOW + count * 60_000)
export const DSO = organisationId('dso-north')
export const AGGREGATOR = organisationId('agg-a')
export const POINT = congestionPointId('cp-1')
export const hexOf = (byte: number, length = 32): Hex =>
  `0x${byte.toString(16).padStart(2, '0').repeat(length)}`

export function program(fields: Partial<Program> = {}): Program {
  return {
    id: programId('evening-peak'),
    version: 1,
    dsoId: DSO,
    timeZone: 'Europe/London',
    settlementPeriodSeconds: 900,
    meteringIntervalSeconds: 30,
    controlCycleSeconds: 30,
    noticeSeconds: 300,
    graceSeconds: 120,
    disputeWindowSeconds: 180,
    epochSeconds: 120,
    epochWindowSeconds: 60,
    settleBySeconds: 3600,
    priceCapMax: microEurPerKwh(500_000n),
    feeBp: basisPoints(200),
    paymentPolicy: curvePolicy([{ deliveredBp: 10_000, payBp: 10_000 }]),
    chargerBaseline: baselineMethod('mean-10-of-10'),
    batteryBaseline: baselineMethod('reading-before'),
    toleranceW: 200,
    toleranceBp: basisPoints(500),
    ...fields,
  }
}

export function allocation(fields: Partial<Allocation> = {}): Allocation {
  return {
    resourceId: resourceId('charger-1'),
    role: 'order',
    periods: [{ start: minutes(30), end: minutes(45), powerW: 3500, setpointW: 0 }],
    releasedAt: null,
    ...fields,
  }
}

export function call(fields: Partial<FlexibilityCall> = {}): FlexibilityCall {
  return {
    id: callId('call-1'),
    dsoId: DSO,
    program: program(),
    request: {
      congestionPointId: POINT,
      direction: 'reduce-import',
      window: { start: minutes(30), end: minutes(60) },
      periods: [
        { start: minutes(30), powerW: 20_000 },
        { start: minutes(45), powerW: 20_000 },
      ],
      priceCap: microEurPerKwh(400_000n),
      penalty: { kind: 'per-kwh', price: microEurPerKwh(100_000n) },
    },
    state: 'requested',
    requestedAt: NOW,
    gateClosesAt: minutes(25),
    candidates: [],
    allocations: [allocation()],
    orderedW: [3500, 0],
    skipped: [],
    reasons: [],
    escrow: {
      terms: {
        payer: hexOf(1, 20),
        amount: microEur(9_007_199_254_740_993n), // 2^53 + 1: no double holds it
        deliverStart: minutes(30),
        deliverEnd: minutes(60),
        settleBy: minutes(120),
        verifierSetId: 1,
        termsHash: hexOf(2),
        salt: hexOf(3),
      },
      requestId: hexOf(4),
      authorisation: null,
      cancellation: null,
    },
    baselineCommitment: null,
    repairs: [],
    before: [reading()],
    windowStartCommitment: null,
    cancelledAt: null,
    releasedAt: null,
    evidence: null,
    settlement: null,
    ...fields,
  }
}

export function resource(fields: Partial<Resource> = {}): Resource {
  return {
    id: resourceId('charger-1'),
    kind: 'charger',
    siteId: siteId('site-1'),
    ownerId: ownerId('owner-1'),
    aggregatorId: AGGREGATOR,
    congestionPointId: POINT,
    rating: {
      importMaxW: 7360,
      exportMaxW: 0,
      importMinW: 1380,
      phases: 1,
      energyWh: 0,
      reserveWh: 0,
      pausable: true,
    },
    offer: {
      price: microEurPerKwh(180_000n),
      directions: ['reduce-import'],
      fromMinute: 0,
      untilMinute: 1440,
    },
    connection: { protocol: 'simulated', address: 'charger-1' },
    meter: null,
    enrolledAt: NOW,
    ...fields,
  }
}

export function reading(fields: Partial<Reading> = {}): Reading {
  return {
    resourceId: resourceId('charger-1'),
    at: NOW,
    powerW: 7200,
    registerWh: 12_345,
    socBp: null,
    quality: 'measured',
    receivedAt: NOW,
    gatewayId: gatewayId('gateway-1'),
    sequence: 0,
    previousHash: hexOf(0),
    hash: hexOf(5),
    signature: hexOf(6, 64),
    ...fields,
  }
}

export function setpoint(
  fields: Partial<Omit<DesiredSetpoint, 'version'>> = {},
): Omit<DesiredSetpoint, 'version'> {
  return {
    resourceId: resourceId('charger-1'),
    callId: callId('call-1'),
    powerW: 0,
    validFrom: minutes(30),
    validUntil: minutes(60),
    orderedAt: minutes(30),
    ...fields,
  }
}

export function businessEvent(fields: Partial<BusinessEventInput> = {}): BusinessEventInput {
  return {
    kind: 'call-requested',
    at: NOW,
    callId: callId('call-1'),
    resourceId: null,
    organisationIds: [DSO],
    ownerId: null,
    notice: false,
    message: '20 kW are asked for',
    data: { powerW: 20_000, partial: false, detail: null },
    ...fields,
  }
}

export function finalizeIntent(byte: number): ChainIntent {
  return { kind: 'finalize', requestId: hexOf(byte) }
}

export function openedEvent(block: number, logIndex = 0): ChainEvent {
  return {
    kind: 'RequestOpened',
    requestId: hexOf(4),
    amount: 2n ** 70n,
    transactionHash: hexOf(block),
    logIndex,
    block,
    blockHash: hexOf(block + 100),
  }
}

export function epoch(number: number, fields: Partial<PayoutEpoch> = {}): PayoutEpoch {
  return {
    epoch: number,
    callIds: [callId('call-1')],
    requestIds: [hexOf(4)],
    prevRoot: hexOf(0),
    topHash: hexOf(7),
    root: hexOf(8),
    newTotal: microEur(1_000_001n),
    accounts: [{ index: 0, account: hexOf(9, 20), cumulative: microEur(1_000_001n) }],
    shares: [
      {
        payee: { kind: 'owner', ownerId: ownerId('owner-1') },
        callId: callId('call-1'),
        amount: microEur(1_000_001n),
        wallet: null,
      },
    ],
    state: 'proposed',
    createdAt: NOW,
    ...fields,
  }
}

export function sealedAccount(holder: string, version: number): SealedAccount {
  const text = { keyId: 'key-1', wrappedKey: `wrapped ${version}`, sealed: 'sealed' }
  return { holder: holder as SealedAccount['holder'], version, ...text, from: NOW, refused: null }
}
